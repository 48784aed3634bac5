package dev.tenon.ir.pass;

import static dev.tenon.ir.rewrite.Pattern.any;
import static dev.tenon.ir.rewrite.Pattern.bind;
import static dev.tenon.ir.rewrite.Pattern.op;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.Node;
import dev.tenon.ir.NodeBuilder;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.rewrite.Capture;
import dev.tenon.ir.rewrite.Match;
import dev.tenon.ir.rewrite.Outcome;
import dev.tenon.ir.rewrite.Patch;
import dev.tenon.ir.rewrite.Refusal;
import dev.tenon.ir.rewrite.Rule;
import java.util.Arrays;
import java.util.List;

/**
 * Takes into a convolution what belongs to it: a constant per channel added after it becomes its bias, zeros padded before it become
 * its pads. Two constant pads in a row become one.
 */
public final class ConvolutionFusion extends RulePass {
  private static final Capture X = Capture.of("x");
  private static final Capture PAD = Capture.of("pad");

  static final Rule CONV_BIAS = Rule.of("conv-bias", op("Add", any(), any()), BatchNormFolding::affineIntoConv);
  static final Rule PAD_CONV = Rule.of("pad-conv", op("Conv", bind(PAD, op("Pad", bind(X)))), ConvolutionFusion::padConv);
  static final Rule PAD_PAD = Rule.of("pad-pad", op("Pad", bind(PAD, op("Pad", bind(X)))), ConvolutionFusion::padPad);

  public ConvolutionFusion() {
    super("fuse-convolution", "take bias and zero padding into convolutions", List.of(CONV_BIAS, PAD_PAD, PAD_CONV));
  }

  /** What a Pad adds, by constants: [begin of each axis …, end of each axis …], with one value. */
  private record Padding(long[] pads, double value) {
    static Padding of(Node n, int opset) {
      if (!n.stringAttr("mode", "constant").equals("constant")) {
        return null;
      }
      boolean attributes = opset < 11;
      long[] pads = Constants.attrOrInput(n, opset < 2 ? "paddings" : "pads", 1);
      Double value = attributes ? Double.valueOf(n.floatAttr("value", 0)) : n.hasInput(2) ? Constants.scalar(n.input(2)) : Double.valueOf(0);
      if (pads == null || value == null) {
        return null;
      }
      if (n.hasInput(3)) {
        pads = spread(pads, Constants.ints(n.input(3)), n.input(0).rank());
      }
      return pads == null ? null : new Padding(pads, value);
    }

    private static long[] spread(long[] pads, long[] axes, int rank) {
      if (axes == null || rank < 0) {
        return null;
      }
      long[] all = new long[2 * rank];
      for (int i = 0; i < axes.length; i++) {
        int axis = (int) (axes[i] < 0 ? axes[i] + rank : axes[i]);
        all[axis] = pads[i];
        all[axis + rank] = pads[i + axes.length];
      }
      return all;
    }

    boolean crops() {
      return Arrays.stream(pads).anyMatch(p -> p < 0);
    }
  }

  private static Outcome padConv(Match m, Patch p) {
    Refusal shared = m.refuseIfShared();
    Padding padding = Padding.of(m.producer(PAD), m.context().opset());
    if (shared != null || padding == null || padding.value != 0 || padding.crops()) {
      return shared != null ? shared : m.refuse("the padding is not of constant, non-negative size with zeros", m.producer(PAD));
    }
    Node conv = m.root();
    String auto = conv.stringAttr("auto_pad", "NOTSET");
    int rank = padding.pads.length / 2;
    int spatial = rank - 2;
    if (!auto.equals("NOTSET") && !auto.equals("VALID") || spatial < 1) {
      return m.refuse("the convolution pads by " + auto);
    }
    if (padding.pads[0] + padding.pads[1] + padding.pads[rank] + padding.pads[rank + 1] != 0) {
      return m.refuse("the batch or the channels are padded too", m.producer(PAD));
    }
    long[] own = auto.equals("VALID") ? new long[2 * spatial] : conv.intsAttr("pads", new long[2 * spatial]);
    for (int i = 0; i < spatial; i++) {
      own[i] += padding.pads[i + 2];
      own[i + spatial] += padding.pads[i + 2 + rank];
    }
    NodeBuilder b = p.newNode("Conv").inputs(m.get(X), conv.input(1));
    if (conv.hasInput(2)) {
      b.inputs(conv.input(2));
    }
    for (Attribute a : conv.attributes()) {
      if (!a.name().equals("auto_pad") && !a.name().equals("pads")) {
        b.attribute(a);
      }
    }
    return p.shuntRoot(p.add(b.attr("pads", own).output(conv.output().name(), conv.output().type())).output());
  }

  private static Outcome padPad(Match m, Patch p) {
    int opset = m.context().opset();
    Refusal shared = m.refuseIfShared();
    Padding inner = Padding.of(m.producer(PAD), opset);
    Padding outer = Padding.of(m.root(), opset);
    if (shared != null || inner == null || outer == null || inner.crops() || outer.crops() || inner.value != outer.value
        || inner.pads.length != outer.pads.length || opset < 2) {
      return shared != null ? shared : m.refuse("the two do not pad by constant sizes with the same value");
    }
    long[] sum = inner.pads.clone();
    for (int i = 0; i < sum.length; i++) {
      sum[i] += outer.pads[i];
    }
    Node n = m.root();
    NodeBuilder b = p.newNode("Pad").attr("mode", "constant");
    if (opset < 11) {
      b.inputs(m.get(X)).attr("pads", sum).attr("value", (float) outer.value);
    } else {
      b.inputs(m.get(X), p.constant(n.output().name() + "_pads", Tensor.vector(sum)));
      if (n.hasInput(2)) {
        b.inputs(n.input(2));
      }
    }
    return p.shuntRoot(p.add(b.output(n.output().name(), n.output().type())).output());
  }
}
