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
import dev.tenon.ir.rewrite.Capture;
import dev.tenon.ir.rewrite.Match;
import dev.tenon.ir.rewrite.Outcome;
import dev.tenon.ir.rewrite.Patch;
import dev.tenon.ir.rewrite.Refusal;
import dev.tenon.ir.rewrite.Rule;
import java.util.List;

/**
 * Writes group normalization, which exporters below opset 18 say as an instance normalization of reshaped channels
 * ({@code [N, C, …] → [N, G, …]}), as reductions over {@code [N, G, C/G, …]}. The first reshape mixes channels and space, which can be
 * stored channels-first only; the second keeps them apart.
 */
public final class GroupNorms extends RulePass {
  private static final Capture X = Capture.of("x");
  private static final Capture GROUPED = Capture.of("grouped");
  private static final Capture NORMALIZED = Capture.of("normalized");

  static final Rule GROUP_NORM = Rule.of("group-norm",
      op("Reshape", bind(NORMALIZED, op("InstanceNormalization", bind(GROUPED, op("Reshape", bind(X)))))), GroupNorms::reductions);

  public GroupNorms() {
    super("open-group-norms", "write group normalization as reductions where it is an instance normalization of reshaped channels",
        List.of(GROUP_NORM));
  }

  private static Outcome reductions(Match m, Patch p) {
    Refusal refusal = m.refuseIfShared();
    if (refusal != null) {
      return refusal;
    }
    Value x = m.get(X);
    Shape shape = x.shape();
    Shape grouped = m.get(GROUPED).shape();
    Node norm = m.producer(NORMALIZED);
    Value y = m.root().output();
    if (!isGrouped(shape, grouped) || !y.shape().equals(shape) || !x.dtype().isFloat()) {
      return m.refuse("it is no normalization of groups of channels");
    }
    Tensor scale = norm.input(1).constant();
    Tensor bias = norm.input(2).constant();
    if (scale == null || bias == null) {
      return m.refuse("scale and bias are not constant", norm);
    }
    long groups = grouped.dim(1).constant();
    Dim space = shape.dim(2);
    for (int i = 3; i < shape.rank(); i++) {
      space = space.times(shape.dim(i));
    }
    Shape split = Shape.of(shape.dim(0), Dim.of(groups), Dim.of(shape.dim(1).constant() / groups), space);
    Shape one = Shape.of(shape.dim(0), Dim.of(groups), Dim.ONE, Dim.ONE);
    Value target = p.constant("shape", Tensor.vector(0, groups, shape.dim(1).constant() / groups, -1));
    Value parts = add(p, y, "groups", split, p.newNode("Reshape").inputs(x, target));
    Value centered = add(p, y, "centered", split, p.newNode("Sub").inputs(parts, mean(m, p, parts, one)));
    Value variance = mean(m, p, add(p, y, "square", split, p.newNode("Mul").inputs(centered, centered)), one);
    Value epsilon = p.constant("epsilon", Tensor.scalar(x.dtype(), norm.floatAttr("epsilon", 1e-5f)));
    Value positive = add(p, y, "variance", one, p.newNode("Add").inputs(variance, epsilon));
    Value deviation = add(p, y, "deviation", one, p.newNode("Sqrt").inputs(positive));
    Value result = add(p, y, "normalized", split, p.newNode("Div").inputs(centered, deviation));
    if (!Constants.all(scale, s -> s == 1)) {
      result = add(p, y, "scaled", split, p.newNode("Mul").inputs(result, p.constant(norm.input(1).name(), scale.reshape(groups, 1, 1))));
    }
    if (!Constants.all(bias, b -> b == 0)) {
      result = add(p, y, "shifted", split, p.newNode("Add").inputs(result, p.constant(norm.input(2).name(), bias.reshape(groups, 1, 1))));
    }
    NodeBuilder back = p.newNode("Reshape").inputs(result, m.root().input(1)).attributes(m.root().attributes()).output(y.name(), y.type());
    return p.shuntRoot(p.add(back).output());
  }

  /** [N, C, …] to [N, G, …], where G divides C. */
  private static boolean isGrouped(Shape x, Shape grouped) {
    return x.rank() >= 3 && grouped.rank() == 3 && x.dim(0).equals(grouped.dim(0)) && x.dim(1).isConstant() && grouped.dim(1).isConstant()
        && !grouped.dim(1).is(0) && x.dim(1).constant() % grouped.dim(1).constant() == 0;
  }

  /** In two steps, lest this be taken for a layer normalization over both axes, which must be the last ones. */
  private static Value mean(Match m, Patch p, Value v, Shape shape) {
    Shape overSpace = Shape.of(shape.dim(0), shape.dim(1), v.shape().dim(2), Dim.ONE);
    return mean(m, p, mean(m, p, v, 3, overSpace), 2, shape);
  }

  private static Value mean(Match m, Patch p, Value v, long axis, Shape shape) {
    NodeBuilder b = p.newNode("ReduceMean");
    b = m.context().opset() < 18 ? b.inputs(v).attr("axes", new long[] {axis}) : b.inputs(v, p.constant("axes", Tensor.vector(axis)));
    return add(p, m.root().output(), "mean", shape, b.attr("keepdims", 1));
  }

  private static Value add(Patch p, Value y, String what, Shape shape, NodeBuilder b) {
    return p.add(b.output(y.name() + "_" + what, Type.tensor(y.dtype(), shape))).output();
  }
}
