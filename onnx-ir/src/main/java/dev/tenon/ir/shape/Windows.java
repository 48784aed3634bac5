package dev.tenon.ir.shape;

import dev.tenon.ir.Dim;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The windows that convolutions and pools slide over the spatial axes: their attributes, and how many places there are. */
record Windows(List<Dim> kernel, long[] strides, long[] dilations, long[] pads, String autoPad, boolean ceil) {

  /** Reads the attributes of a node with n spatial axes. */
  static Windows of(NodeContext c, List<Dim> kernel) {
    int n = kernel.size();
    String autoPad = c.stringAttr("auto_pad", "NOTSET");
    long[] pads = autoPad.equals("VALID") ? new long[2 * n] : ints(c, "pads", 2 * n, 0);
    Windows w = new Windows(kernel, ints(c, "strides", n, 1), ints(c, "dilations", n, 1), pads, autoPad, c.intAttr("ceil_mode", 0) != 0);
    if (Arrays.stream(w.strides).anyMatch(s -> s <= 0)) {
      throw c.invalid("strides " + Arrays.toString(w.strides) + " are not positive");
    }
    return w;
  }

  private static long[] ints(NodeContext c, String name, int n, long byDefault) {
    long[] filled = new long[n];
    Arrays.fill(filled, byDefault);
    long[] v = c.intsAttr(name, filled);
    if (v.length != n) {
      throw c.invalid(name + " has " + v.length + " elements, " + n + " expected");
    }
    return v;
  }

  static List<Dim> kernel(NodeContext c) {
    long[] k = c.intsAttr("kernel_shape", null);
    return k == null ? null : Arrays.stream(k).mapToObj(Dim::of).toList();
  }

  private boolean isSame() {
    return autoPad.startsWith("SAME");
  }

  /** The size of a window on axis i with its holes. */
  private Dim extent(int i) {
    return kernel.get(i).minus(1).times(dilations[i]).plus(1);
  }

  /** The number of windows along each axis of an input with these spatial dimensions. */
  List<Dim> places(List<Dim> spatial) {
    List<Dim> out = new ArrayList<>();
    int n = kernel.size();
    for (int i = 0; i < n; i++) {
      Dim in = spatial.get(i);
      if (isSame()) {
        out.add(in.ceilDiv(strides[i]));
        continue;
      }
      Dim room = in.plus(pads[i]).plus(pads[i + n]).minus(extent(i));
      if (!ceil) {
        // A window somewhat larger than the input has one place in ONNX Runtime, whose division rounds toward zero.
        boolean larger = room.isConstant() && room.constant() < 0 && room.constant() > -strides[i];
        out.add(larger ? Dim.ONE : room.floorDiv(strides[i]).plus(1));
        continue;
      }
      Dim places = room.ceilDiv(strides[i]).plus(1);
      // A window must not start in the padding behind the input; a narrow one cannot.
      boolean narrow = extent(i).minus(pads[i + n]).minus(strides[i]).isAtLeast(0);
      out.add(narrow ? places : places.min(in.plus(pads[i]).ceilDiv(strides[i])));
    }
    return out;
  }

  /** The size along each axis of what a transposed convolution, or an unpooling, makes of an input with these dimensions. */
  List<Dim> unplaced(List<Dim> spatial, long[] outputPadding) {
    List<Dim> out = new ArrayList<>();
    int n = kernel.size();
    for (int i = 0; i < n; i++) {
      Dim in = spatial.get(i);
      out.add(isSame() ? in.times(strides[i])
          : in.minus(1).times(strides[i]).plus(outputPadding[i]).plus(extent(i)).minus(pads[i]).minus(pads[i + n]));
    }
    return out;
  }
}
