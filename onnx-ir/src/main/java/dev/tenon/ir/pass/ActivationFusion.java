package dev.tenon.ir.pass;

import static dev.tenon.ir.rewrite.Pattern.bind;
import static dev.tenon.ir.rewrite.Pattern.commutative;
import static dev.tenon.ir.rewrite.Pattern.oneOf;
import static dev.tenon.ir.rewrite.Pattern.op;
import static dev.tenon.ir.rewrite.Pattern.product;
import static dev.tenon.ir.rewrite.Pattern.scalar;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.Node;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.rewrite.Capture;
import dev.tenon.ir.rewrite.Match;
import dev.tenon.ir.rewrite.Outcome;
import dev.tenon.ir.rewrite.Patch;
import dev.tenon.ir.rewrite.Pattern;
import dev.tenon.ir.rewrite.Refusal;
import dev.tenon.ir.rewrite.Rule;
import java.util.List;

/**
 * Finds activation functions that an exporter has written out, in all orders and associations of their factors: GELU by erf and by
 * tanh, SiLU (Swish), HardSwish, HardSigmoid, Softplus, Mish. The quick approximation
 * {@code x * sigmoid(1.702 x)} stays as it is: TensorFlow has no kernel for it.
 */
public final class ActivationFusion extends RulePass {
  private static final Capture X = Capture.of("x");

  /** {@code x/√2} as a quotient or a product. */
  private static final Pattern ERF = op("Erf", product(1 / Math.sqrt(2), bind(X)));

  private static final Pattern CUBE = oneOf(op("Pow", bind(X), scalar(3)), product(1, bind(X), bind(X), bind(X)));
  private static final Pattern SQUARE = oneOf(op("Pow", bind(X), scalar(2)), product(1, bind(X), bind(X)));

  /** {@code √(2/π) (x + 0.044715 x³)}, or with x taken out. */
  private static final Pattern TANH_ARGUMENT = oneOf(
      product(Math.sqrt(2 / Math.PI), commutative("Add", bind(X), oneOf(product(0.044715, CUBE), product(0.044715, bind(X), bind(X), bind(X))))),
      product(Math.sqrt(2 / Math.PI), bind(X),
          commutative("Add", oneOf(product(0.044715, SQUARE), product(0.044715, bind(X), bind(X))), scalar(1))));

  /** {@code min(max(x + 3, 0), 6)}. */
  private static final Pattern RELU6_OF_X_PLUS_3 = oneOf(
      op("Clip", commutative("Add", bind(X), scalar(3))),
      op("Min", op("Relu", commutative("Add", bind(X), scalar(3))), scalar(6)).where(n -> n.inputs().size() == 2));

  private static Pattern gate(Pattern function) {
    return oneOf(product(0.5, bind(X), commutative("Add", function, scalar(1))),
        product(1, bind(X), commutative("Add", product(0.5, function), scalar(0.5))));
  }

  static final Rule GELU_ERF = Rule.of("gelu-erf", gate(ERF), (m, p) -> gelu(m, p, "none"));

  static final Rule GELU_TANH = Rule.of("gelu-tanh", gate(op("Tanh", TANH_ARGUMENT)), (m, p) -> gelu(m, p, "tanh"));

  static final Rule SILU = Rule.of("silu", product(1, bind(X), op("Sigmoid", bind(X))), (m, p) ->
      fuse(m, p, "Swish", List.of(Attribute.ofFloat("alpha", 1))));

  static final Rule HARD_SWISH = Rule.of("hard-swish", product(1.0 / 6, bind(X), RELU6_OF_X_PLUS_3), ActivationFusion::hardSwish);

  static final Rule HARD_SWISH_OF_HARD_SIGMOID = Rule.of("hard-swish-of-hard-sigmoid",
      product(1, bind(X), op("HardSigmoid", bind(X)).where(ActivationFusion::isSixth)), (m, p) -> fuse(m, p, "HardSwish", List.of()));

  /** {@code relu6(x + 3) / 6}, where x is not multiplied in. */
  static final Rule HARD_SIGMOID = Rule.of("hard-sigmoid", product(1.0 / 6, RELU6_OF_X_PLUS_3), ActivationFusion::hardSigmoid);

  static final Rule SOFTPLUS = Rule.of("softplus", op("Log", commutative("Add", op("Exp", bind(X)), scalar(1))), (m, p) -> {
    Refusal refusal = m.refuseIfShared();
    return refusal != null ? refusal : p.shuntRoot(p.add(p.newNode("Softplus").inputs(m.get(X)).output(m.root().output().name())).output());
  });

  static final Rule MISH = Rule.of("mish", product(1, bind(X), op("Tanh", op("Softplus", bind(X)))), (m, p) -> fuse(m, p, "Mish", List.of()));

  public ActivationFusion() {
    super("fuse-activations", "find GELU, SiLU, HardSwish, HardSigmoid, Softplus and Mish where they are written out",
        List.of(GELU_ERF, GELU_TANH, SILU, HARD_SWISH, HARD_SWISH_OF_HARD_SIGMOID, SOFTPLUS, MISH), List.of(HARD_SIGMOID));
  }

  private static Outcome gelu(Match m, Patch p, String approximate) {
    return fuse(m, p, "Gelu", List.of(Attribute.ofString("approximate", approximate)));
  }

  private static boolean isSixth(Node hardSigmoid) {
    return Math.abs(hardSigmoid.floatAttr("alpha", 0.2f) - 1 / 6f) < 1e-6 && hardSigmoid.floatAttr("beta", 0.5f) == 0.5f;
  }

  private static Outcome fuse(Match m, Patch p, String opType, List<Attribute> attributes) {
    Refusal refusal = refuse(m);
    return refusal != null ? refusal : p.shuntRoot(FusedOps.add(p, opType, List.of(m.get(X)), attributes, typed(m)).output());
  }

  /** What all of these need: a closed pattern, a known float type, and constants that do not change the shape. */
  private static Refusal refuse(Match m) {
    Value x = m.get(X);
    Refusal refusal = m.refuseIfShared();
    if (refusal != null) {
      return refusal;
    }
    if (m.context().opset() < 7) {
      return m.refuse("broadcasting before opset 7 is limited");
    }
    if (!x.dtype().isFloat()) {
      return m.refuse("the type of %" + x.name() + " is not known to be a float");
    }
    for (Node n : m.nodes()) {
      for (Value v : n.inputs()) {
        Tensor c = v == null ? null : v.constant();
        if (c != null && v != x && !Constants.keepsShapeOf(c, x)) {
          return m.refuse("the constant %" + v.name() + " of shape " + c.shape() + " may change the shape", n);
        }
      }
    }
    return null;
  }

  /** The root's output, with the type of x if it has none: these functions keep type and shape. */
  private static Value typed(Match m) {
    Value y = m.root().output();
    if (y.type() == null || y.dtype() != m.get(X).dtype()) {
      y.setType(m.get(X).type());
    }
    return y;
  }

  private static Outcome hardSwish(Match m, Patch p) {
    Refusal refusal = refuseOtherBounds(m);
    return refusal != null ? refusal : fuse(m, p, "HardSwish", List.of());
  }

  private static Outcome hardSigmoid(Match m, Patch p) {
    Refusal refusal = refuseOtherBounds(m);
    refusal = refusal != null ? refusal : refuse(m);
    if (refusal != null) {
      return refusal;
    }
    Node n = p.add(p.newNode("HardSigmoid").inputs(m.get(X)).attr("alpha", 1 / 6f).attr("beta", 0.5f).output(typed(m).name(), typed(m).type()));
    return p.shuntRoot(n.output());
  }

  /** Clip's bounds are attributes before opset 11 and inputs after. */
  private static Refusal refuseOtherBounds(Match m) {
    for (Node n : m.nodes()) {
      if (n.isOp("Clip")) {
        boolean inputs = m.context().opset() >= 11;
        Double low = inputs ? Constants.scalar(n.input(1)) : Double.valueOf(n.floatAttr("min", Float.NEGATIVE_INFINITY));
        Double high = inputs ? Constants.scalar(n.input(2)) : Double.valueOf(n.floatAttr("max", Float.POSITIVE_INFINITY));
        if (low == null || high == null || low != 0 || high != 6) {
          return m.refuse("Clip is not from 0 to 6", n);
        }
      }
    }
    return null;
  }
}
