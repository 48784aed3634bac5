package dev.tenon.tf.emit;

import dev.tenon.tf.EmitContext;

/**
 * How an element of a resized axis comes from the original ones, by the definition of ONNX Resize; in float32 as ONNX Runtime
 * computes it, so that ties fall alike.
 *
 * @param mode nearest, linear or cubic
 * @param coordinates the {@code coordinate_transformation_mode}
 * @param nearest the {@code nearest_mode}; {@code simple} before opset 11, which had none
 * @param cubicA the cubic's coefficient
 */
record Interpolation(String mode, String coordinates, String nearest, float cubicA, boolean excludeOutside, boolean antialias,
    float extrapolation) {

  static Interpolation of(EmitContext c) {
    boolean old = c.node().opType().startsWith("Upsample") || c.onnxOpset() < 11;
    var n = c.node();
    return new Interpolation(n.stringAttr("mode", "nearest").replace("bilinear", "linear"),
        old ? "asymmetric" : n.stringAttr("coordinate_transformation_mode", "half_pixel"),
        old ? "simple" : n.stringAttr("nearest_mode", "round_prefer_floor"), n.floatAttr("cubic_coeff_a", -0.75f),
        n.intAttr("exclude_outside", 0) == 1, n.intAttr("antialias", 0) == 1, n.floatAttr("extrapolation_value", 0));
  }

  boolean isNearest() {
    return mode.equals("nearest");
  }

  boolean crops() {
    return coordinates.equals("tf_crop_and_resize");
  }

  /** Where in the original an element is, on an axis of {@code in} elements resized to {@code out}. */
  float original(int o, float scale, long in, long out, float start, float end) {
    return switch (coordinates) {
      case "half_pixel" -> (o + 0.5f) / scale - 0.5f;
      case "pytorch_half_pixel" -> out > 1 ? (o + 0.5f) / scale - 0.5f : 0;
      case "align_corners" -> out == 1 ? 0 : (float) o * (in - 1) / (out - 1);
      case "asymmetric" -> o / scale;
      case "half_pixel_symmetric" -> {
        float adjustment = out / (scale * in);
        yield in / 2f * (1 - adjustment) + (o + 0.5f) / scale - 0.5f;
      }
      case "tf_crop_and_resize" -> out > 1 ? start * (in - 1) + o * (end - start) * (in - 1) / (out - 1)
          : 0.5f * (start + end) * (in - 1);
      default -> throw new IllegalArgumentException("coordinate_transformation_mode " + coordinates);
    };
  }

  int nearest(float x, float scale, long in) {
    double rounded = switch (nearest) {
      case "round_prefer_floor" -> x == (int) x + 0.5f ? Math.floor(x) : roundAwayFromZero(x);
      case "round_prefer_ceil" -> roundAwayFromZero(x);
      case "floor" -> Math.floor(x);
      case "ceil" -> Math.ceil(x);
      case "simple" -> scale < 1 ? Math.ceil(x) : (int) x;
      default -> throw new IllegalArgumentException("nearest_mode " + nearest);
    };
    return (int) Math.max(0, Math.min(in - 1, rounded));
  }

  private static double roundAwayFromZero(float x) {
    return Math.copySign(Math.floor(Math.abs((double) x) + 0.5), x);
  }

  /** The index of the nearest original element, for each. */
  int[] indices(float scale, long in, long out, float start, float end) {
    int[] all = new int[(int) out];
    for (int o = 0; o < out; o++) {
      all[o] = nearest(original(o, scale, in, out, start, end), scale, in);
    }
    return all;
  }

  /** Which elements lie inside the original; all but with crop_and_resize. */
  boolean[] inside(float scale, long in, long out, float start, float end) {
    boolean[] all = new boolean[(int) out];
    for (int o = 0; o < out; o++) {
      float x = original(o, scale, in, out, start, end);
      all[o] = !crops() || x >= 0 && x <= in - 1;
    }
    return all;
  }

  /** The share of each original element in each result, [out, in]. */
  float[] weights(float scale, long in, long out, float start, float end) {
    float[] all = new float[Math.toIntExact(out * in)];
    for (int o = 0; o < out; o++) {
      float x = original(o, scale, in, out, start, end);
      if (antialias) {
        antialiased(all, o, x, Math.min(scale, 1), (int) in);
      } else if (mode.equals("linear")) {
        linear(all, o, Math.max(0, Math.min(in - 1, x)), (int) in);
      } else {
        cubic(all, o, x, (int) in);
      }
    }
    return all;
  }

  private static void linear(float[] all, int o, float x, int in) {
    int low = (int) x;
    int high = Math.min(low + 1, in - 1);
    all[o * in + low] += low == high ? 1 : 1 - (x - low);
    all[o * in + high] += low == high ? 0 : x - low;
  }

  private void cubic(float[] all, int o, float x, int in) {
    int base = (int) Math.floor(x);
    double[] w = new double[4];
    double sum = 0;
    for (int k = 0; k < 4; k++) {
      int i = base - 1 + k;
      w[k] = excludeOutside && (i < 0 || i >= in) ? 0 : cubicKernel(x - i);
      sum += w[k];
    }
    for (int k = 0; k < 4; k++) {
      int i = Math.max(0, Math.min(in - 1, base - 1 + k));
      all[o * in + i] += (float) (excludeOutside ? w[k] / sum : w[k]);
    }
  }

  private double cubicKernel(double distance) {
    double d = Math.abs(distance);
    double a = cubicA;
    return d <= 1 ? (a + 2) * d * d * d - (a + 3) * d * d + 1 : d < 2 ? a * d * d * d - 5 * a * d * d + 8 * a * d - 4 * a : 0;
  }

  /** The kernel widened by the reduction. What falls outside counts for the element at the border, or, with exclude_outside, not at all. */
  private void antialiased(float[] all, int o, float x, float reduction, int in) {
    boolean isCubic = mode.equals("cubic");
    double support = (isCubic ? 2 : 1) / (double) reduction;
    int from = (int) Math.floor(x - support);
    int to = (int) Math.ceil(x + support);
    double[] w = new double[to - from + 1];
    double sum = 0;
    for (int i = from; i <= to; i++) {
      double d = (i - (double) x) * reduction;
      boolean counts = i >= 0 && i < in || !excludeOutside;
      w[i - from] = !counts ? 0 : isCubic ? cubicKernel(d) : Math.max(0, 1 - Math.abs(d));
      sum += w[i - from];
    }
    for (int i = from; i <= to; i++) {
      all[o * in + Math.max(0, Math.min(in - 1, i))] += (float) (w[i - from] / sum);
    }
  }
}
