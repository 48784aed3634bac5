package dev.tenon.ir.pass;

import static dev.tenon.ir.rewrite.Pattern.any;
import static dev.tenon.ir.rewrite.Pattern.bind;
import static dev.tenon.ir.rewrite.Pattern.op;
import static dev.tenon.ir.rewrite.Pattern.opIn;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Node;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.rewrite.Capture;
import dev.tenon.ir.rewrite.Match;
import dev.tenon.ir.rewrite.Outcome;
import dev.tenon.ir.rewrite.Patch;
import dev.tenon.ir.rewrite.Rule;
import java.util.ArrayList;
import java.util.List;

/**
 * Removes operators that do nothing: only where the result provably has the same elements, type and shape.
 *
 * <p>A parameter of the source file with more than one element counts as something even if it is all ones or zeros now: it may be
 * trained later. Adding a zero turns -0 into 0, which is taken for the same number.
 */
public final class NoOps extends RulePass {
  private static final Capture X = Capture.of("x");

  static final Rule IDENTITY = Rule.of("identity", op("Identity", bind(X)), (m, p) -> p.shuntRoot(m.get(X)));

  /** Inference leaves Dropout out: before opset 7 only with {@code is_test}, from 12 on unless {@code training_mode} is set. */
  static final Rule DROPOUT = Rule.of("dropout", op("Dropout", bind(X)), NoOps::dropout);

  static final Rule CAST = Rule.of("cast-to-same-type", op("Cast", bind(X)), (m, p) -> {
    boolean same = m.get(X).dtype() != DataType.UNDEFINED && m.get(X).dtype().number() == m.root().intAttr("to", -1);
    return same ? p.shuntRoot(m.get(X)) : m.refuse("the types differ or are unknown");
  });

  static final Rule CAST_LIKE = Rule.of("cast-like", op("CastLike", bind(X)), NoOps::castLike);

  /** Sum, Max, Min, Mean and Concat of a single input. */
  static final Rule SINGLE_INPUT = Rule.of("single-input", opIn(List.of("Sum", "Max", "Min", "Mean", "Concat"), bind(X)),
      (m, p) -> m.root().inputs().size() == 1 ? p.shuntRoot(m.get(X)) : m.refuse("it has several inputs"));

  static final Rule NEUTRAL_ELEMENT = Rule.of("neutral-element", opIn(List.of("Add", "Sub", "Mul", "Div", "Pow"), any(), any()),
      NoOps::neutralElement);

  static final Rule RELU_RELU = Rule.of("relu-relu", op("Relu", bind(X, op("Relu"))), (m, p) -> p.shuntRoot(m.get(X)));

  static final Rule ABS_ABS = Rule.of("abs-abs", op("Abs", bind(X, op("Abs"))), (m, p) -> p.shuntRoot(m.get(X)));

  static final Rule NOT_NOT = Rule.of("not-not", op("Not", op("Not", bind(X))), (m, p) -> p.shuntRoot(m.get(X)));

  static final Rule NEG_NEG = Rule.of("neg-neg", op("Neg", op("Neg", bind(X))), (m, p) -> p.shuntRoot(m.get(X)));

  static final Rule CLIP = Rule.of("clip-of-everything", op("Clip", bind(X)), NoOps::clip);

  public NoOps() {
    super("no-ops", "remove operators that do nothing and merge chains of transposes and reshapes", rulesOfAllKinds());
  }

  private static List<Rule> rulesOfAllKinds() {
    List<Rule> all = new ArrayList<>(List.of(IDENTITY, DROPOUT, CAST, CAST_LIKE, SINGLE_INPUT, NEUTRAL_ELEMENT, RELU_RELU, ABS_ABS,
        NOT_NOT, NEG_NEG, CLIP));
    all.addAll(Movements.RULES);
    return all;
  }

  private static Outcome dropout(Match m, Patch p) {
    Node n = m.root();
    int opset = m.context().opset();
    if (opset < 7 && n.intAttr("is_test", 0) == 0) {
      return m.refuse("Dropout is in training mode: is_test is not set");
    }
    if (opset >= 12 && n.hasInput(2)) {
      Tensor training = n.input(2).constant();
      if (training == null || training.toLongs()[0] != 0) {
        return m.refuse("Dropout is in training mode, or its mode is not constant");
      }
    }
    Value mask = n.output(1);
    if (mask != null && !mask.isUnused()) {
      return m.refuse("the mask is used");
    }
    return p.shuntRoot(m.get(X));
  }

  private static Outcome castLike(Match m, Patch p) {
    DataType from = m.get(X).dtype();
    DataType to = m.root().input(1).dtype();
    if (to == DataType.UNDEFINED) {
      return m.refuse("the type to cast to is unknown");
    }
    if (from == to) {
      return p.shuntRoot(m.get(X));
    }
    if (to.name().startsWith("FLOAT8") && m.context().opset() < 19) {
      return m.refuse("Cast to " + to + " needs opset 19");
    }
    return p.shuntRoot(p.add(p.newNode("Cast").inputs(m.get(X)).attr("to", to.number()).output(m.root().output().name())).output());
  }

  private static Outcome neutralElement(Match m, Patch p) {
    Node n = m.root();
    String type = n.opType();
    if (m.context().opset() < 7) {
      return m.refuse("broadcasting before opset 7 is limited");
    }
    double neutral = type.equals("Add") || type.equals("Sub") ? 0 : 1;
    boolean commutes = type.equals("Add") || type.equals("Mul");
    for (int i = 1; i >= (commutes ? 0 : 1); i--) {
      Tensor c = n.input(i).constant();
      Value other = n.input(1 - i);
      if (c == null || !isNeutral(c, neutral)) {
        continue;
      }
      if (other.constant() == null && !Constants.keepsShapeOf(c, other)) {
        return m.refuse("the constant may change the shape");
      }
      // Pow takes its type from the base alone; for the others both are the same.
      return other.constant() == null ? p.shuntRoot(other) : m.refuse("both are constant");
    }
    return m.refuse("neither input is constant and neutral");
  }

  private static boolean isNeutral(Tensor c, double neutral) {
    return (c.numel() == 1 || !Constants.hasSource(c)) && Constants.all(c, d -> d == neutral);
  }

  /** Absent bounds do not count: they stand for the greatest finite number, to which an infinity would be clipped. */
  private static Outcome clip(Match m, Patch p) {
    Node n = m.root();
    boolean open = m.context().opset() >= 11 && isBound(n.input(1), Double.NEGATIVE_INFINITY)
        && isBound(n.input(2), Double.POSITIVE_INFINITY);
    return open ? p.shuntRoot(m.get(X)) : m.refuse("it has bounds");
  }

  private static boolean isBound(Value v, double infinity) {
    return Double.valueOf(infinity).equals(Constants.scalar(v));
  }
}
