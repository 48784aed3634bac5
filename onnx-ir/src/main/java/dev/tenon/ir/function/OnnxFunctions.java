package dev.tenon.ir.function;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.Function;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Node;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The operators that ONNX itself defines by functions of other operators, for a backend that has no kernel for them: the bodies of
 * those with a fixed one. A body is made for one node: its attributes are built in, and its constants have the node's element type.
 *
 * <p>Source: the function bodies in the <a href="https://onnx.ai/onnx/operators/">ONNX operator documentation</a>. Where the standard's
 * body casts constants to the type of the input, these have that type at once.
 */
public final class OnnxFunctions {
  private static final Map<String, Expansion> EXPANSIONS = new TreeMap<>();

  /** Writes the result in terms of the inputs, which are null where the node leaves them out. */
  private interface Expansion {
    Value write(Body b, Node n, List<Value> in);
  }

  static {
    EXPANSIONS.put("Celu", OnnxFunctions::celu);
    EXPANSIONS.put("Elu", OnnxFunctions::elu);
    EXPANSIONS.put("GreaterOrEqual", (b, n, in) -> b.op("Not", b.less(in.get(0), in.get(1))));
    EXPANSIONS.put("LessOrEqual", (b, n, in) -> b.op("Not", b.greater(in.get(0), in.get(1))));
    EXPANSIONS.put("HardSigmoid", OnnxFunctions::hardSigmoid);
    EXPANSIONS.put("HardSwish", (b, n, in) -> b.mul(in.get(0), unit(b, b.add(b.times(1 / 6.0, in.get(0)), b.scalar(0.5)))));
    EXPANSIONS.put("LeakyRelu", (b, n, in) -> {
      Value x = in.get(0);
      return b.where(b.less(x, b.scalar(0)), b.times(n.floatAttr("alpha", 0.01f), x), x);
    });
    EXPANSIONS.put("MeanVarianceNormalization", OnnxFunctions::meanVarianceNormalization);
    EXPANSIONS.put("Mish", (b, n, in) -> b.mul(in.get(0), b.op("Tanh", softplus(b, in.get(0)))));
    EXPANSIONS.put("PRelu", (b, n, in) -> b.where(b.less(in.get(0), b.scalar(0)), b.mul(in.get(1), in.get(0)), in.get(0)));
    EXPANSIONS.put("Relu", (b, n, in) -> b.positivePart(in.get(0)));
    EXPANSIONS.put("ReduceL1", (b, n, in) -> reduce(b, n, "ReduceSum", b.op("Abs", in.get(0)), in));
    EXPANSIONS.put("ReduceL2", (b, n, in) -> b.op("Sqrt", reduce(b, n, "ReduceSum", b.mul(in.get(0), in.get(0)), in)));
    EXPANSIONS.put("ReduceLogSum", (b, n, in) -> b.op("Log", reduce(b, n, "ReduceSum", in.get(0), in)));
    EXPANSIONS.put("ReduceLogSumExp", (b, n, in) -> b.op("Log", reduce(b, n, "ReduceSum", b.op("Exp", in.get(0)), in)));
    EXPANSIONS.put("ReduceSumSquare", (b, n, in) -> reduce(b, n, "ReduceSum", b.mul(in.get(0), in.get(0)), in));
    EXPANSIONS.put("Selu", OnnxFunctions::selu);
    EXPANSIONS.put("Shrink", OnnxFunctions::shrink);
    EXPANSIONS.put("Softplus", (b, n, in) -> softplus(b, in.get(0)));
    EXPANSIONS.put("Softsign", (b, n, in) -> b.div(in.get(0), b.add(b.scalar(1), b.op("Abs", in.get(0)))));
    EXPANSIONS.put("Swish", (b, n, in) -> b.mul(in.get(0), b.op("Sigmoid", b.times(n.floatAttr("alpha", 1), in.get(0)))));
    EXPANSIONS.put("ThresholdedRelu", (b, n, in) -> {
      Value x = in.get(0);
      return b.where(b.greater(x, b.scalar(n.floatAttr("alpha", 1))), x, b.scalar(0));
    });
  }

  private OnnxFunctions() {}

  /** The operators that {@link #bodyOf} knows, in order. */
  public static List<String> operators() {
    return List.copyOf(EXPANSIONS.keySet());
  }

  /**
   * The definition of a node of ONNX's own domain by other operators.
   *
   * @param opset that the node is of and the body is written in; at least 9, whose {@code Where} most bodies use
   * @return empty if the operator is no function, or none with a fixed body
   */
  public static Optional<Function> bodyOf(Node node, int opset) {
    Expansion e = node.domain().isEmpty() ? EXPANSIONS.get(node.opType()) : null;
    if (e == null || opset < 9 || !node.hasInput(0)) {
      return Optional.empty();
    }
    Body b = new Body(node.opType(), node.input(0).dtype(), opset);
    List<Value> inputs = new ArrayList<>();
    for (int i = 0; i < node.inputs().size(); i++) {
      inputs.add(b.input("in" + i));
    }
    for (int i = 0; i < inputs.size(); i++) {
      if (node.input(i) == null) {
        inputs.set(i, null);
      }
    }
    Value result = e.write(b, node, inputs);
    return result == null ? Optional.empty()
        : Optional.of(b.function(Node.ONNX_DOMAIN, node.opType(), "", Body.names(List.copyOf(node.attributes())), result));
  }

  /** Puts the definition in the node's place; false if there is none. */
  public static boolean expand(Node node, int opset) {
    Optional<Function> f = bodyOf(node, opset);
    if (f.isEmpty()) {
      return false;
    }
    Graph g = node.graph();
    // The node's own name is unique, so names below it are.
    String prefix = node.name().isEmpty() ? node.output().name() : node.name();
    Inliner inliner = new Inliner(Inliner.Attributes.asTheyAre(), node.provenance(), prefix, new HashSet<>());
    Value result = inliner.inline(f.get().body(), node.inputs(), node).get(0);
    result.setType(node.output().type());
    g.replaceAllUses(node.output(), result);
    g.remove(node);
    return true;
  }

  // ---- activations ----

  private static Value celu(Body b, Node n, List<Value> in) {
    double alpha = n.floatAttr("alpha", 1);
    Value x = in.get(0);
    Value negative = b.times(alpha, b.sub(b.op("Exp", b.div(b.negativePart(x), b.scalar(alpha))), b.scalar(1)));
    return b.add(b.positivePart(x), b.negativePart(negative));
  }

  private static Value elu(Body b, Node n, List<Value> in) {
    Value x = in.get(0);
    Value negative = b.times(n.floatAttr("alpha", 1), b.sub(b.op("Exp", b.negativePart(x)), b.scalar(1)));
    return b.where(b.less(x, b.scalar(0)), negative, x);
  }

  private static Value selu(Body b, Node n, List<Value> in) {
    double alpha = n.floatAttr("alpha", 1.67326319217681884765625f);
    double gamma = n.floatAttr("gamma", 1.05070102214813232421875f);
    Value x = in.get(0);
    Value negative = b.times(alpha, b.sub(b.op("Exp", b.negativePart(x)), b.scalar(1)));
    return b.times(gamma, b.where(b.less(x, b.scalar(0)), negative, x));
  }

  private static Value hardSigmoid(Body b, Node n, List<Value> in) {
    return unit(b, b.add(b.times(n.floatAttr("alpha", 0.2f), in.get(0)), b.scalar(n.floatAttr("beta", 0.5f))));
  }

  /** {@code min(max(x, 0), 1)}. */
  private static Value unit(Body b, Value x) {
    return b.op("Min", b.positivePart(x), b.scalar(1));
  }

  /** {@code log(1 + exp(x))}, for large x as {@code x + log(1 + exp(-x))} so that exp stays finite. */
  private static Value softplus(Body b, Value x) {
    Value small = b.op("Log", b.add(b.op("Exp", b.op("Neg", b.op("Abs", x))), b.scalar(1)));
    return b.add(b.positivePart(x), small);
  }

  private static Value shrink(Body b, Node n, List<Value> in) {
    if (!b.type().isFloat()) {
      return null;
    }
    double lambda = n.floatAttr("lambd", 0.5f);
    double bias = n.floatAttr("bias", 0);
    Value x = in.get(0);
    Value above = b.where(b.greater(x, b.scalar(lambda)), b.sub(x, b.scalar(bias)), b.scalar(0));
    return b.where(b.less(x, b.scalar(-lambda)), b.add(x, b.scalar(bias)), above);
  }

  // ---- reductions ----

  /** The node's own reduction by another operator, with its axes and flags, whichever way they are given. */
  private static Value reduce(Body b, Node n, String opType, Value x, List<Value> in) {
    List<Attribute> attributes = new ArrayList<>();
    attributes.add(Attribute.ofInt("keepdims", n.intAttr("keepdims", 1)));
    long[] axes = n.intsAttr("axes", null);
    Value axesInput = in.size() > 1 ? in.get(1) : null;
    if (axes != null && b.opset() < 13) {
      attributes.add(Attribute.ofInts("axes", axes));
    } else if (axes != null) {
      axesInput = b.ints(axes);
    }
    if (n.hasAttr("noop_with_empty_axes") && b.opset() >= 13) {
      attributes.add(Attribute.ofInt("noop_with_empty_axes", n.intAttr("noop_with_empty_axes", 0)));
    }
    return axesInput == null ? b.node(opType, attributes, x) : b.node(opType, attributes, x, axesInput);
  }

  private static Value meanVarianceNormalization(Body b, Node n, List<Value> in) {
    long[] axes = n.intsAttr("axes", new long[] {0, 2, 3});
    Value x = in.get(0);
    Value mean = b.reduce("ReduceMean", x, axes, true);
    Value meanOfSquares = b.reduce("ReduceMean", b.mul(x, x), axes, true);
    Value deviation = b.op("Sqrt", b.sub(meanOfSquares, b.mul(mean, mean)));
    return b.div(b.sub(x, mean), b.add(deviation, b.scalar(1e-9)));
  }
}
