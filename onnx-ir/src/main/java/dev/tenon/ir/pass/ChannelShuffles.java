package dev.tenon.ir.pass;

import static dev.tenon.ir.rewrite.Pattern.bind;
import static dev.tenon.ir.rewrite.Pattern.op;

import dev.tenon.ir.Dim;
import dev.tenon.ir.Node;
import dev.tenon.ir.NodeBuilder;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.ir.layout.Permutations;
import dev.tenon.ir.rewrite.Capture;
import dev.tenon.ir.rewrite.Match;
import dev.tenon.ir.rewrite.Outcome;
import dev.tenon.ir.rewrite.Patch;
import dev.tenon.ir.rewrite.Refusal;
import dev.tenon.ir.rewrite.Rule;
import java.util.ArrayList;
import java.util.List;

/**
 * Finds channel shuffles of what was concatenated just before ({@code Concat → Reshape [N, g, c, …] → Transpose [N, c, g, …]}, as
 * in ShuffleNetV2): the parts are put beside each other along a new axis instead, which moves the elements once and needs no transpose.
 */
public final class ChannelShuffles extends RulePass {
  private static final Capture CONCAT = Capture.of("concat");
  private static final Capture SPLIT = Capture.of("split");
  /** Of larger maps the transpose is the faster one: it runs on several threads. */
  private static final long MAX_ELEMENTS = 1 << 17;
  /** What an unknown dimension counts for. */
  private static final long UNKNOWN = 28;

  static final Rule SHUFFLE = Rule.of("channel-shuffle", op("Transpose", bind(SPLIT, op("Reshape", bind(CONCAT, op("Concat"))))),
      ChannelShuffles::stacked);

  public ChannelShuffles() {
    super("stack-channel-shuffles", "put parts beside each other along a new axis where they are concatenated and then shuffled",
        List.of(SHUFFLE));
  }

  private static Outcome stacked(Match m, Patch p) {
    Node concat = m.producer(CONCAT);
    Shape whole = m.get(CONCAT).shape();
    Shape split = m.get(SPLIT).shape();
    int[] perm = Permutations.of(m.root());
    Refusal refusal = m.refuseIfShared();
    if (refusal != null) {
      return refusal;
    }
    if (perm == null || perm.length < 4 || !swapsChannels(perm) || concat.intAttr("axis", 1) != 1) {
      return m.refuse("it does not exchange axes 1 and 2 only, or the Concat is along another axis");
    }
    if (!splitsChannels(whole, split) || !split.dim(1).is(concat.inputs().size())) {
      return m.refuse("the reshape does not split the channels into the concatenated parts");
    }
    for (Value part : concat.inputs()) {
      if (part == null || part.rank() != whole.rank() || !part.shape().dim(1).equals(split.dim(2))) {
        return m.refuse("a part has other channels");
      }
    }
    if (elements(whole) > MAX_ELEMENTS) {
      return m.refuse("the map is so large that a transpose is faster");
    }
    List<Value> parts = new ArrayList<>();
    for (Value part : concat.inputs()) {
      parts.add(unsqueezed(m, p, part, split));
    }
    Value y = m.root().output();
    return p.shuntRoot(p.add(p.newNode("Concat").inputs(parts).attr("axis", 2).output(y.name(), y.type())).output());
  }

  private static Value unsqueezed(Match m, Patch p, Value part, Shape split) {
    NodeBuilder b = p.newNode("Unsqueeze");
    b = m.context().opset() < 13 ? b.inputs(part).attr("axes", new long[] {2}) : b.inputs(part, p.constant("axes", Tensor.vector(2)));
    List<Dim> dims = new ArrayList<>(part.shape().dims());
    dims.add(2, Dim.ONE);
    return p.add(b.output(part.name() + "_part", Type.tensor(part.dtype(), Shape.of(dims)))).output();
  }

  private static boolean swapsChannels(int[] perm) {
    for (int i = 0; i < perm.length; i++) {
      if (perm[i] != (i == 1 ? 2 : i == 2 ? 1 : i)) {
        return false;
      }
    }
    return true;
  }

  /** [N, g*c, …] to [N, g, c, …]. */
  private static boolean splitsChannels(Shape whole, Shape split) {
    if (!whole.hasRank() || split.rank() != whole.rank() + 1 || !split.dim(0).equals(whole.dim(0))) {
      return false;
    }
    for (int i = 2; i < whole.rank(); i++) {
      if (!split.dim(i + 1).equals(whole.dim(i))) {
        return false;
      }
    }
    return true;
  }

  private static long elements(Shape s) {
    long n = 1;
    for (Dim d : s.subList(1, s.rank())) {
      n *= d.isConstant() ? d.constant() : UNKNOWN;
    }
    return n;
  }
}
