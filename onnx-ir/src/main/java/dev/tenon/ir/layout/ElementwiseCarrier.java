package dev.tenon.ir.layout;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.Node;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.function.Function;

/** Operators that compute element by element, with broadcasting between some or all of their inputs. */
final class ElementwiseCarrier implements Carrier {
  private static final Set<String> UNARY = Set.of("Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "BitwiseNot", "Cast",
      "CastLike", "Ceil", "Celu", "Clip", "Cos", "Cosh", "Dropout", "Elu", "Erf", "Exp", "Floor", "Gelu", "HardSigmoid",
      "HardSwish", "Identity", "IsInf", "IsNaN", "LeakyRelu", "Log", "Mish", "Neg", "Not", "Reciprocal", "Relu",
      "Round", "Selu", "Shrink", "Sigmoid", "Sign", "Sin", "Sinh",
      "Softplus", "Softsign", "Sqrt", "Swish", "Tan", "Tanh", "ThresholdedRelu");
  private static final Set<String> BROADCAST = Set.of("Add", "And", "BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Div", "Equal",
      "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Max", "Mean", "Min", "Mod", "Mul", "Or", "PRelu", "Pow", "Sub",
      "Sum", "Where", "Xor");
  private static final Set<String> QUANTIZATION = Set.of("QuantizeLinear", "DequantizeLinear");

  static final ElementwiseCarrier ALL_INPUTS = new ElementwiseCarrier(Integer.MAX_VALUE);

  /** How many inputs take part; the rest are scalars or examples of a type. */
  private final int operands;

  private ElementwiseCarrier(int operands) {
    this.operands = operands;
  }

  static void register(Carriers carriers) {
    ElementwiseCarrier unary = new ElementwiseCarrier(1);
    UNARY.forEach(op -> carriers.op(op, unary));
    BROADCAST.forEach(op -> carriers.op(op, ALL_INPUTS));
    QUANTIZATION.forEach(op -> carriers.op(op, unary));
  }

  static boolean isUnary(String opType) {
    return UNARY.contains(opType);
  }

  @Override
  public Frame frame(Node n, Function<Value, Roles> known) {
    Value y = n.output(0);
    // Before opset 7 operands are lined up by an attribute.
    if (y == null || y.rank() < 1 || n.hasAttr("broadcast") || n.hasAttr("axis") && !QUANTIZATION.contains(n.opType())) {
      return null;
    }
    int rank = y.rank();
    Roles roles = known.apply(y);
    int count = Math.min(operands, n.inputs().size());
    for (int i = 0; i < count; i++) {
      Value v = n.input(i);
      if (v == null || v.rank() < 0 || v.rank() > rank || v.constant() != null && v.rank() > 0 && v.dtype().bits() < 8) {
        return null;
      }
      if (roles == null && v.rank() == rank) {
        roles = known.apply(v);
      }
    }
    if (roles == null || QUANTIZATION.contains(n.opType()) && !isScaledPerTensorOrAxis(n)) {
      return null;
    }
    Frame f = Frame.of(n).allOutputs(roles);
    for (int i = 0; i < count; i++) {
      if (!isAllOnes(n.input(i), rank)) {
        f.input(i, n.input(i).rank() == rank ? roles : roles.trailing(n.input(i).rank()));
      }
    }
    return f;
  }

  private static boolean isScaledPerTensorOrAxis(Node n) {
    for (int i = 1; i < n.inputs().size(); i++) {
      if (n.input(i) != null && (n.input(i).rank() < 0 || n.input(i).rank() > 1)) {
        return false;
      }
    }
    return n.intAttr("block_size", 0) == 0;
  }

  /** True for operands of lower rank that broadcast the same way in any layout. */
  private static boolean isAllOnes(Value v, int rank) {
    return v.rank() == 0 || v.rank() < rank && v.shape().dims().stream().allMatch(d -> d.is(1));
  }

  @Override
  public Node rebuild(Rebuild r) {
    Node n = r.node();
    Roles roles = r.frame().outputs()[0];
    List<Value> inputs = new ArrayList<>();
    for (int i = 0; i < n.inputs().size(); i++) {
      Value v = n.input(i);
      inputs.add(v == null || i >= operands || isAllOnes(v, roles.rank()) ? r.in(i) : operand(r, i, roles));
    }
    if (QUANTIZATION.contains(n.opType()) && n.input(1).rank() == 1) {
      return r.rebuild(inputs, Attribute.ofInt("axis", Rebuild.position(roles.perm(r.layout()), n.intAttr("axis", 1))));
    }
    return r.rebuild(inputs);
  }

  /** An operand such that broadcasting lines its axes up with those of the result as it is stored. */
  private static Value operand(Rebuild r, int i, Roles result) {
    Value v = r.node().input(i);
    int[] order = result.perm(r.layout());
    int missing = result.rank() - v.rank();
    if (v.constant() != null) {
      return constant(r, v, order);
    }
    Value stored = r.in(i);
    int lead = 0;
    while (lead < order.length && order[lead] < missing) {
      lead++;
    }
    long[] ones = new long[order.length];
    int count = 0;
    for (int at = lead; at < order.length; at++) {
      if (order[at] < missing) {
        ones[count++] = at - lead;
      }
    }
    return count == 0 ? stored : r.unsqueezed(stored, Arrays.copyOf(ones, count));
  }

  private static Value constant(Rebuild r, Value v, int[] order) {
    Tensor t = v.constant();
    if (t.numel() == 1 && t.rank() <= 1) {
      return v;
    }
    long[] dims = new long[order.length];
    Arrays.fill(dims, 1);
    System.arraycopy(t.dims(), 0, dims, order.length - t.rank(), t.rank());
    Tensor moved = t.reshape(dims).permute(order);
    // Leading ones are broadcast anyway; without them a per-channel constant is a vector again.
    int lead = 0;
    while (lead < moved.rank() - 1 && moved.dim(lead) == 1) {
      lead++;
    }
    return r.constant(v, moved.reshape(Arrays.copyOfRange(moved.dims(), lead, moved.rank())));
  }
}
