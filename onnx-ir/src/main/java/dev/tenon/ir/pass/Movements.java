package dev.tenon.ir.pass;

import static dev.tenon.ir.rewrite.Pattern.bind;
import static dev.tenon.ir.rewrite.Pattern.constant;
import static dev.tenon.ir.rewrite.Pattern.op;
import static dev.tenon.ir.rewrite.Pattern.opIn;

import dev.tenon.ir.Node;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.layout.Permutations;
import dev.tenon.ir.rewrite.Capture;
import dev.tenon.ir.rewrite.Match;
import dev.tenon.ir.rewrite.Outcome;
import dev.tenon.ir.rewrite.Patch;
import dev.tenon.ir.rewrite.Refusal;
import dev.tenon.ir.rewrite.Rule;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** Rules on the operators that only move elements: those that move nothing go, chains become one. */
final class Movements {
  private static final Capture X = Capture.of("x");
  private static final Capture INNER = Capture.of("inner");

  static final Rule TRANSPOSE_IDENTITY = Rule.of("transpose-identity", op("Transpose", bind(X)), (m, p) -> {
    int[] perm = Permutations.of(m.root());
    return perm != null && Permutations.isIdentity(perm) ? p.shuntRoot(m.get(X)) : m.refuse("it moves something");
  });

  static final Rule TRANSPOSE_TRANSPOSE = Rule.of("transpose-transpose", op("Transpose", bind(INNER, op("Transpose", bind(X)))),
      Movements::composeTransposes);

  /** Of a chain of operators that keep the order of elements only the last says what the shape is. */
  static final Rule RESHAPE_RESHAPE = Rule.of("reshape-reshape",
      op("Reshape", bind(INNER, opIn(List.of("Reshape", "Flatten", "Squeeze", "Unsqueeze"), bind(X)))), Movements::composeReshapes);

  /** Operators of which an equal shape before and after proves that they do nothing. */
  static final Rule SAME_SHAPE = Rule.of("same-shape", opIn(List.of("Reshape", "Flatten", "Expand", "Squeeze", "Tile"), bind(X)), (m, p) ->
      Constants.sameType(m.get(X), m.root().output()) ? p.shuntRoot(m.get(X)) : m.refuse("the shape may change"));

  static final Rule SQUEEZE_UNSQUEEZE = Rule.of("squeeze-unsqueeze", op("Squeeze", bind(INNER, op("Unsqueeze", bind(X)))),
      Movements::sameAxes);

  static final Rule UNSQUEEZE_SQUEEZE = Rule.of("unsqueeze-squeeze", op("Unsqueeze", bind(INNER, op("Squeeze", bind(X)))),
      Movements::sameAxes);

  /** Taking one element and giving its axis back, as exporters do with each dimension of a shape: one Gather with a list of one. */
  static final Rule GATHER_UNSQUEEZE = Rule.of("gather-unsqueeze",
      op("Unsqueeze", bind(INNER, op("Gather", bind(X), constant("an index", t -> t.rank() == 0)))), Movements::gatherOne);

  static final Rule PAD_NOTHING = Rule.of("pad-nothing", op("Pad", bind(X)), (m, p) -> {
    String attr = m.root().hasAttr("paddings") ? "paddings" : "pads";
    long[] pads = Constants.attrOrInput(m.root(), attr, 1);
    return pads != null && Arrays.stream(pads).allMatch(d -> d == 0) ? p.shuntRoot(m.get(X)) : m.refuse("it pads, or the pads are not constant");
  });

  static final Rule SLICE_EVERYTHING = Rule.of("slice-everything", op("Slice", bind(X)), Movements::sliceEverything);

  static final Rule RESIZE_BY_ONE = Rule.of("resize-by-one", opIn(List.of("Resize", "Upsample"), bind(X)), Movements::resizeByOne);

  static final List<Rule> RULES = List.of(TRANSPOSE_IDENTITY, TRANSPOSE_TRANSPOSE, SAME_SHAPE, RESHAPE_RESHAPE, SQUEEZE_UNSQUEEZE,
      UNSQUEEZE_SQUEEZE, GATHER_UNSQUEEZE, PAD_NOTHING, SLICE_EVERYTHING, RESIZE_BY_ONE);

  private Movements() {}

  private static Outcome composeTransposes(Match m, Patch p) {
    int[] outer = Permutations.of(m.root());
    int[] inner = Permutations.of(m.producer(INNER));
    if (outer == null || inner == null || outer.length != inner.length) {
      return m.refuse("the rank is unknown");
    }
    int[] both = Permutations.compose(inner, outer);
    if (Permutations.isIdentity(both)) {
      return p.shuntRoot(m.get(X));
    }
    Node n = p.add(p.newNode("Transpose").inputs(m.get(X)).attr("perm", Arrays.stream(both).asLongStream().toArray())
        .output(m.root().output().name()));
    return p.shuntRoot(n.output());
  }

  private static Outcome composeReshapes(Match m, Patch p) {
    Node outer = m.root();
    long[] target = outer.hasInput(1) ? Constants.ints(outer.input(1)) : null;
    if (target == null) {
      return m.refuse("the target shape is not constant");
    }
    boolean zeroCopies = outer.intAttr("allowzero", 0) == 0;
    if (Arrays.stream(target).anyMatch(d -> d == 0)) {
      return m.refuse(zeroCopies ? "a zero in the target shape copies a dimension of the inner shape" : "the target is empty");
    }
    Node n = p.add(p.newNode("Reshape").inputs(m.get(X), outer.input(1)).attributes(outer.attributes()).output(outer.output().name()));
    return p.shuntRoot(n.output());
  }

  private static Outcome sameAxes(Match m, Patch p) {
    Set<Long> outer = axes(m.root());
    Set<Long> inner = axes(m.producer(INNER));
    if (outer == null || inner == null || !outer.equals(inner)) {
      // Squeeze without axes takes every dimension of one, which Unsqueeze cannot know.
      return m.refuse("the axes are not the same constants");
    }
    return p.shuntRoot(m.get(X));
  }

  private static Set<Long> axes(Node n) {
    long[] axes = Constants.attrOrInput(n, "axes", 1);
    if (axes == null) {
      return null;
    }
    // Both count in the rank of the unsqueezed tensor. One axis written both ways would need the rank.
    boolean mixed = Arrays.stream(axes).anyMatch(a -> a < 0) && Arrays.stream(axes).anyMatch(a -> a >= 0);
    return mixed ? null : Arrays.stream(axes).boxed().collect(Collectors.toSet());
  }

  private static Outcome gatherOne(Match m, Patch p) {
    Node gather = m.producer(INNER);
    long[] axes = Constants.attrOrInput(m.root(), "axes", 1);
    long axis = gather.intAttr("axis", 0);
    if (axes == null || axes.length != 1 || axes[0] != axis || axis < 0) {
      return m.refuse("another axis is given back than was taken");
    }
    Refusal shared = m.refuseIfShared();
    if (shared != null) {
      return shared;
    }
    Value index = p.constant(gather.input(1).name() + "_list", gather.input(1).constant().reshape(1));
    return p.shuntRoot(p.add(p.newNode("Gather").inputs(m.get(X), index).attributes(gather.attributes())
        .output(m.root().output().name(), m.root().output().type())).output());
  }

  private static Outcome sliceEverything(Match m, Patch p) {
    Node n = m.root();
    boolean attributes = m.context().opset() < 10;
    long[] starts = attributes ? n.intsAttr("starts", null) : Constants.ints(n.input(1));
    long[] ends = attributes ? n.intsAttr("ends", null) : Constants.ints(n.input(2));
    long[] steps = attributes || !n.hasInput(4) ? null : Constants.ints(n.input(4));
    boolean forward = (attributes || !n.hasInput(4)) || steps != null && Arrays.stream(steps).allMatch(s -> s == 1);
    if (!forward) {
      return m.refuse("it steps");
    }
    if (Constants.sameType(m.get(X), n.output())) {
      return p.shuntRoot(m.get(X));
    }
    boolean whole = starts != null && ends != null && Arrays.stream(starts).allMatch(s -> s == 0)
        && Arrays.stream(ends).allMatch(e -> e >= Integer.MAX_VALUE);
    return whole ? p.shuntRoot(m.get(X)) : m.refuse("it may leave something out");
  }

  private static Outcome resizeByOne(Match m, Patch p) {
    Node n = m.root();
    String mode = n.stringAttr("coordinate_transformation_mode", "half_pixel");
    if (mode.equals("tf_crop_and_resize") || mode.equals("tf_half_pixel_for_nn")) {
      return m.refuse("with coordinate_transformation_mode " + mode + " a scale of one is not the identity");
    }
    boolean upsample = n.opType().equals("Upsample");
    int scalesInput = upsample || m.context().opset() < 11 ? 1 : 2;
    boolean bySizes = !upsample && n.hasInput(3);
    if (bySizes) {
      return Constants.sameType(m.get(X), n.output()) ? p.shuntRoot(m.get(X)) : m.refuse("the size may change");
    }
    float[] attr = upsample ? n.floatsAttr("scales", null) : null;
    Tensor scales = n.hasInput(scalesInput) ? n.input(scalesInput).constant() : null;
    boolean ones = scales != null && scales.numel() > 0 && Constants.all(scales, s -> s == 1);
    if (attr != null) {
      ones = true;
      for (float s : attr) {
        ones &= s == 1;
      }
    }
    return ones ? p.shuntRoot(m.get(X)) : m.refuse("the scales are not all one");
  }
}
