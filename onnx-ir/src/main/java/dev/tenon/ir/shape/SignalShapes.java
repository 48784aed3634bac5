package dev.tenon.ir.shape;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Shape;
import java.util.List;

/** Fourier transforms, windows, and losses. */
final class SignalShapes {
  private SignalShapes() {}

  static void register(Registry r) {
    r.op("DFT", 1, SignalShapes::dft);
    r.op("STFT", 1, SignalShapes::stft);
    r.ops(c -> c.output(0, c.dtypeAttr("output_datatype", DataType.FLOAT), Shape.of(scalar(c, 0))), "HannWindow", "HammingWindow",
        "BlackmanWindow");
    r.op("MelWeightMatrix", 1, c -> c.output(0, c.dtypeAttr("output_datatype", DataType.FLOAT),
        Shape.of(scalar(c, 1).floorDiv(2).plus(1), scalar(c, 0))));
    r.op("NegativeLogLikelihoodLoss", 1, SignalShapes::loss);
    r.op("SoftmaxCrossEntropyLoss", 1, SignalShapes::loss);
  }

  /** The only element of an input as a dimension; an unknown one if it is not known. */
  private static Dim scalar(NodeContext c, int i) {
    List<Dim> d = c.has(i) ? c.dims(i) : null;
    return d == null || d.size() != 1 ? Dim.unknown() : d.get(0);
  }

  /** [.., n, .., 1 or 2] to [.., length, .., 2]; one-sided, half of the spectrum, or back from it to real numbers. */
  private static void dft(NodeContext c) {
    Shape x = c.shape(0);
    long[] axisInput = c.opset() >= 20 && c.has(2) ? c.constants(2) : null;
    boolean unknownAxis = c.opset() >= 20 && c.has(2) && (axisInput == null || axisInput.length != 1);
    if (!x.hasRank() || unknownAxis) {
      c.output(0, c.dtype(0), x.hasRank() ? Shape.unknownOfRank(x.rank()) : x);
      return;
    }
    int axis = c.axis(axisInput != null ? axisInput[0] : c.intAttr("axis", c.opset() >= 20 ? -2 : 1), x.rank());
    boolean oneSided = c.intAttr("onesided", 0) != 0;
    boolean inverse = c.intAttr("inverse", 0) != 0;
    Dim length = c.has(1) ? scalar(c, 1) : oneSided && inverse ? x.dim(axis).minus(1).times(2) : x.dim(axis);
    Shape out = x.with(axis, oneSided && !inverse ? length.floorDiv(2).plus(1) : length);
    c.output(0, c.dtype(0), out.with(-1, Dim.of(oneSided && inverse ? 1 : 2)));
  }

  private static void stft(NodeContext c) {
    Shape signal = c.shapeOfRank(0, 3);
    Dim length = c.has(3) ? scalar(c, 3) : c.has(2) ? c.shapeOfRank(2, 1).dim(0) : signal.dim(1);
    Dim step = scalar(c, 1);
    if (step.is(0)) {
      throw c.invalid("frame_step 0");
    }
    Dim frames = signal.dim(1).minus(length).floorDiv(step).plus(1);
    Dim bins = c.intAttr("onesided", 1) != 0 ? length.floorDiv(2).plus(1) : length;
    c.output(0, c.dtype(0), Shape.of(signal.dim(0), frames, bins, Dim.of(2)));
  }

  private static void loss(NodeContext c) {
    boolean each = c.stringAttr("reduction", "mean").equals("none");
    c.output(0, c.dtype(0), each ? c.shape(1) : Shape.SCALAR);
    c.output(1, c.dtype(0), c.shape(0));
  }
}
