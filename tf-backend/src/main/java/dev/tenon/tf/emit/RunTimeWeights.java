package dev.tenon.tf.emit;

import dev.tenon.tf.Tf;
import java.util.List;
import org.tensorflow.Output;
import org.tensorflow.proto.DataType;

/** {@link Interpolation} computed in the graph, for an axis whose sizes are known at run time only. */
final class RunTimeWeights {
  private static final DataType F = DataType.DT_FLOAT;
  private final Tf tf;
  private final Interpolation how;
  private final Output<?> in;
  private final Output<?> inFloat;
  private final Output<?> out;
  private final Output<?> outFloat;
  private final Output<?> scale;
  private final Output<?> start;
  private final Output<?> end;

  /** Sizes are int32 scalars; the scale and the region that crop_and_resize takes are float32 scalars. */
  RunTimeWeights(Tf tf, Interpolation how, Output<?> in, Output<?> out, Output<?> scale, Output<?> start, Output<?> end) {
    this.tf = tf;
    this.how = how;
    this.in = in;
    this.inFloat = tf.cast(in, F);
    this.out = out;
    this.outFloat = tf.cast(out, F);
    this.scale = scale;
    this.start = start;
    this.end = end;
  }

  private Output<?> f(double v) {
    return tf.scalar(F, v);
  }

  private Output<?> range(Output<?> count) {
    return tf.cast(tf.call("Range", tf.constInt(0), count, tf.constInt(1)), F);
  }

  private Output<?> div(Output<?> a, Output<?> b) {
    return tf.call("RealDiv", a, b);
  }

  /** Where in the original each element is, float32 [out]. */
  private Output<?> originals() {
    Output<?> o = range(out);
    Output<?> centered = tf.sub(div(tf.add(o, f(0.5)), scale), f(0.5));
    return switch (how.coordinates()) {
      case "half_pixel" -> centered;
      case "pytorch_half_pixel" -> tf.select(tf.call("Greater", out, tf.constInt(1)), centered, tf.mul(centered, f(0)));
      case "align_corners" -> div(tf.mul(o, tf.sub(inFloat, f(1))), tf.call("Maximum", tf.sub(outFloat, f(1)), f(1)));
      case "asymmetric" -> div(o, scale);
      case "half_pixel_symmetric" -> {
        Output<?> adjustment = div(outFloat, tf.mul(scale, inFloat));
        Output<?> offset = tf.mul(tf.mul(inFloat, f(0.5)), tf.sub(f(1), adjustment));
        yield tf.sub(tf.add(offset, div(tf.add(o, f(0.5)), scale)), f(0.5));
      }
      case "tf_crop_and_resize" -> {
        Output<?> last = tf.sub(inFloat, f(1));
        Output<?> step = div(tf.mul(tf.sub(end, start), last), tf.call("Maximum", tf.sub(outFloat, f(1)), f(1)));
        Output<?> single = tf.mul(tf.mul(tf.add(start, end), f(0.5)), last);
        yield tf.select(tf.call("Greater", out, tf.constInt(1)), tf.add(tf.mul(start, last), tf.mul(o, step)), tf.add(single, tf.mul(o, f(0))));
      }
      default -> throw new IllegalArgumentException("coordinate_transformation_mode " + how.coordinates());
    };
  }

  private Output<?> clamped(Output<?> x) {
    return tf.call("Maximum", tf.call("Minimum", x, tf.sub(inFloat, f(1))), f(0));
  }

  /** The nearest original elements, int32 [out]. */
  Output<?> indices() {
    Output<?> x = originals();
    Output<?> i = switch (how.nearest()) {
      // Halves down and halves up.
      case "round_prefer_floor" -> tf.call("Ceil", tf.sub(x, f(0.5)));
      case "round_prefer_ceil" -> tf.call("Floor", tf.add(x, f(0.5)));
      case "floor" -> tf.call("Floor", x);
      case "ceil" -> tf.call("Ceil", x);
      case "simple" -> tf.select(tf.call("Less", scale, f(1)), tf.call("Ceil", x), tf.call("Floor", x));
      default -> throw new IllegalArgumentException("nearest_mode " + how.nearest());
    };
    return tf.cast(clamped(i), DataType.DT_INT32);
  }

  /** The share of each original element in each result, float32 [out, in]. */
  Output<?> weights() {
    Output<?> x = tf.expandDims(originals(), 1);
    if (how.antialias()) {
      return antialiased(x);
    }
    if (how.mode().equals("linear")) {
      return hat(tf.sub(range(in), clamped(x)));
    }
    Output<?> base = tf.call("Floor", x);
    Output<?> sum = null;
    Output<?> total = null;
    for (int k = -1; k <= 2; k++) {
      Output<?> i = tf.add(base, f(k));
      Output<?> w = cubic(tf.sub(x, i));
      if (how.excludeOutside()) {
        w = tf.mul(w, tf.cast(tf.call("Equal", i, clamped(i)), F));
        total = total == null ? w : tf.add(total, w);
      }
      Output<?> row = tf.mul(w, tf.cast(tf.call("Equal", range(in), clamped(i)), F));
      sum = sum == null ? row : tf.add(sum, row);
    }
    return total == null ? sum : div(sum, total);
  }

  /** The kernel widened by the reduction; what falls outside counts for the border unless exclude_outside. */
  private Output<?> antialiased(Output<?> x) {
    Output<?> reduction = tf.call("Minimum", scale, f(1));
    Output<?> i = range(in);
    if (!how.excludeOutside()) {
      Output<?> margin = tf.add(tf.call("Ceil", div(f(2), reduction)), f(1));
      Output<?> wide = tf.cast(tf.add(tf.add(inFloat, margin), margin), DataType.DT_INT32);
      i = tf.sub(range(wide), margin);
    }
    Output<?> distance = tf.mul(tf.sub(i, x), reduction);
    Output<?> w = how.mode().equals("linear") ? hat(distance) : cubic(distance);
    w = div(w, tf.reduce("Sum", w, true, 1));
    if (how.excludeOutside()) {
      return w;
    }
    Output<?> fold = tf.cast(tf.call("Equal", tf.expandDims(clamped(i), 1), range(in)), F);
    return tf.call("MatMul", w, fold);
  }

  /** Which elements lie inside the original, bool [out]. */
  Output<?> inside() {
    Output<?> x = originals();
    return tf.call("LogicalAnd", tf.call("GreaterEqual", x, f(0)), tf.call("LessEqual", x, tf.sub(inFloat, f(1))));
  }

  private Output<?> hat(Output<?> distance) {
    return tf.call("Relu", tf.sub(f(1), tf.call("Abs", distance)));
  }

  private Output<?> cubic(Output<?> distance) {
    double a = how.cubicA();
    Output<?> d = tf.call("Abs", distance);
    Output<?> near = polynomial(d, a + 2, -(a + 3), 0, 1);
    Output<?> far = polynomial(d, a, -5 * a, 8 * a, -4 * a);
    return tf.select(tf.call("LessEqual", d, f(1)), near, tf.select(tf.call("Less", d, f(2)), far, f(0)));
  }

  private Output<?> polynomial(Output<?> d, double... coefficients) {
    Output<?> y = f(coefficients[0]);
    for (double k : List.of(coefficients[1], coefficients[2], coefficients[3])) {
      y = tf.add(tf.mul(y, d), f(k));
    }
    return y;
  }
}
