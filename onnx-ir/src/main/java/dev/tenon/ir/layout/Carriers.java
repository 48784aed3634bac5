package dev.tenon.ir.layout;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Node;
import dev.tenon.ir.NodeBuilder;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/**
 * The operators through which a permutation of axes can be carried: {@code op(transpose(x, p)) = transpose(op'(x), p)}, where
 * {@code op'} is the same operator with its axes renamed and its constants rearranged.
 */
final class Carriers {
  private static final Set<String> UNARY = Set.of("Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Ceil", "Celu", "Cos", "Cosh",
      "Elu", "Erf", "Exp", "Floor", "Gelu", "HardSigmoid", "HardSwish", "Identity", "IsInf", "IsNaN", "LeakyRelu", "Log", "Mish",
      "Neg", "Not", "Reciprocal", "Relu", "Round", "Selu", "Shrink", "Sigmoid", "Sign", "Sin", "Sinh", "Softplus", "Softsign", "Sqrt",
      "Swish", "Tan", "Tanh", "ThresholdedRelu", "Cast", "Dropout", "BitwiseNot");
  private static final Set<String> VARIADIC = Set.of("Add", "Sub", "Mul", "Div", "Pow", "Mod", "Max", "Min", "Mean", "Sum", "PRelu", "And",
      "Or", "Xor", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Where", "BitwiseAnd", "BitwiseOr", "BitwiseXor");
  private static final Set<String> REDUCTIONS = Set.of("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1",
      "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare");
  /** A dynamic operand is transposed too if its share of the result is at most this. */
  private static final long SMALL_SHARE = 8;

  private final Node node;
  private final int[] perm;
  private final Graph graph;
  private final ChannelsLast pass;

  private Carriers(Node node, int[] perm, ChannelsLast pass) {
    this.node = node;
    this.perm = perm;
    this.graph = node.graph();
    this.pass = pass;
  }

  /**
   * A node that computes on the tensors before the transposes.
   *
   * @param perm what its outputs must be transposed by to be the old node's; the identity where the transpose is gone
   */
  record Carried(Node node, int[] perm) {}

  /**
   * Makes the node that computes on the tensors before the transposes.
   *
   * @param perm what the transposes in front of the node do
   * @return null if the permutation cannot be carried
   */
  static Carried carry(Node node, int[] perm, ChannelsLast pass) {
    Carriers carriers = new Carriers(node, perm, pass);
    Carried shrunk = carriers.withFewerAxes();
    if (shrunk != null) {
      return shrunk;
    }
    if (node.output().rank() != perm.length) {
      return null;
    }
    Node moved = carriers.sameAxes();
    return moved == null ? null : new Carried(moved, perm);
  }

  private Node sameAxes() {
    String op = node.opType();
    boolean ours = node.isOp(ChannelsLastOps.DOMAIN, op);
    if (!node.domain().isEmpty() && !ours || outputsInUse() > 1 && !op.equals("Split")) {
      return null;
    }
    if (UNARY.contains(op)) {
      return rebuild(List.of(before(0)), List.of());
    }
    if (ours) {
      return null;
    }
    if (op.equals("Clip")) {
      List<Value> inputs = new ArrayList<>(node.inputs());
      inputs.set(0, before(0));
      return rebuild(inputs, List.of());
    }
    if (VARIADIC.contains(op)) {
      return variadic();
    }
    if (REDUCTIONS.contains(op) && node.intAttr("keepdims", 1) != 0) {
      return reduction();
    }
    return switch (op) {
      case "Concat" -> concat();
      case "Softmax", "LogSoftmax", "Hardmax" -> softmax();
      case "Pad" -> pad();
      case "Slice" -> slice();
      case "Split" -> split();
      default -> null;
    };
  }

  private int outputsInUse() {
    return (int) node.outputs().stream().filter(v -> v != null && !v.isUnused()).count();
  }

  /** Input i without its transpose. */
  private Value before(int i) {
    return pass.sourceOf(node.input(i), perm);
  }

  private Node rebuild(List<Value> inputs, List<Attribute> changed) {
    NodeBuilder b = graph.newNode(node.opType()).domain(node.domain()).name(node.name()).provenance(node.provenance()).inputs(inputs);
    for (Attribute a : node.attributes()) {
      b.attribute(changed.stream().filter(c -> c.name().equals(a.name())).findFirst().orElse(a));
    }
    changed.stream().filter(c -> !node.hasAttr(c.name())).forEach(b::attribute);
    node.outputs().forEach(v -> {
      if (v == null) {
        b.noOutput();
      } else {
        b.output(v.name());
      }
    });
    return b.insertBefore(node);
  }

  // ---- operators that take axes away ----

  /** Reductions, squeezes and flattenings behind which the remaining axes are in order again. */
  private Carried withFewerAxes() {
    if (!node.domain().isEmpty()) {
      return null;
    }
    if (REDUCTIONS.contains(node.opType()) && node.intAttr("keepdims", 1) == 0 || node.isOp("Squeeze")) {
      return withoutAxes();
    }
    if ((node.isOp("Flatten") || node.isOp("Reshape")) && movesOnlyOnes()) {
      return flattened();
    }
    return node.isOp("Reshape") ? mergedSpace() : null;
  }

  private Carried withoutAxes() {
    long[] axes = axes();
    if (axes == null) {
      return null;
    }
    long[] movedAxes = Arrays.stream(axes).map(this::moved).sorted().toArray();
    // The axes that remain, as they follow each other before and behind the transpose.
    List<Integer> before = new ArrayList<>();
    List<Integer> behind = new ArrayList<>();
    for (int i = 0; i < perm.length; i++) {
      int axis = i;
      if (Arrays.stream(movedAxes).noneMatch(a -> a == axis)) {
        before.add(axis);
      }
      if (Arrays.stream(movedAxes).noneMatch(a -> a == perm[axis])) {
        behind.add(perm[axis]);
      }
    }
    int[] rest = behind.stream().mapToInt(before::indexOf).toArray();
    if (!Permutations.isIdentity(rest)) {
      return null;
    }
    return new Carried(withAxes(movedAxes), rest);
  }

  /** True if the transpose changes nothing in memory: the axes that are not of size one keep their order. */
  private boolean movesOnlyOnes() {
    Value x = before(0);
    if (x == null || x.rank() != perm.length) {
      return false;
    }
    int last = -1;
    for (int axis : perm) {
      if (!x.shape().dim(axis).is(1)) {
        if (axis < last) {
          return false;
        }
        last = axis;
      }
    }
    return true;
  }

  /** A reshape of a transpose that moves nothing is a reshape of what is in front of it. */
  private Carried flattened() {
    int[] none = java.util.stream.IntStream.range(0, node.output().rank()).toArray();
    if (node.isOp("Flatten")) {
      // The same split of the elements in two, only where the batch stands alone on the left.
      return node.intAttr("axis", 1) == 1 && perm[0] == 0 ? new Carried(rebuild(List.of(before(0)), List.of()), none) : null;
    }
    Tensor target = node.input(1) == null ? null : node.input(1).constant();
    if (target == null) {
      return null;
    }
    long[] dims = target.toLongs();
    for (int i = 1; i < dims.length; i++) {
      if (dims[i] == 0) {
        return null;
      }
    }
    return dims.length == 0 || perm[0] != 0 ? null : new Carried(rebuild(List.of(before(0), node.input(1)), List.of()), none);
  }

  /** [N, C, H, W] to [N, C, H*W] is, before the transpose, [N, H, W, C] to [N, H*W, C]. */
  private Carried mergedSpace() {
    Value x = node.input(0);
    Value y = node.output();
    if (perm.length < 4 || y.rank() != 3 || x.rank() != perm.length || !Arrays.equals(perm, Permutations.toChannelsFirst(perm.length))
        || !y.shape().dim(0).equals(x.shape().dim(0)) || !y.shape().dim(1).equals(x.shape().dim(1)) || !y.shape().dim(1).isConstant()
        || !x.shape().dim(0).isConstant() && !isBatchKept()) {
      return null;
    }
    long batch = x.shape().dim(0).isConstant() ? x.shape().dim(0).constant() : 0;
    Value target = graph.newInitializer("shape", Tensor.vector(batch, -1, y.shape().dim(1).constant()));
    return new Carried(rebuild(List.of(before(0), target), List.of()), new int[] {0, 2, 1});
  }

  /** A zero in Reshape's target copies the input's dimension, unless {@code allowzero} says otherwise. */
  private boolean isBatchKept() {
    return node.intAttr("allowzero", 0) == 0;
  }

  // ---- elementwise with broadcasting ----

  private Node variadic() {
    if (node.hasAttr("broadcast") || node.hasAttr("axis")) {
      return null;
    }
    List<Value> inputs = new ArrayList<>();
    // First ask, then change: nothing may be left half done.
    for (Value v : node.inputs()) {
      if (v == null || pass.sourceOf(v, perm) == null && !fits(v)) {
        return null;
      }
    }
    for (Value v : node.inputs()) {
      Value source = pass.sourceOf(v, perm);
      inputs.add(source != null ? source : operand(v));
    }
    return rebuild(inputs, List.of());
  }

  /** True if an operand without a transpose can be given the other layout at little cost. */
  private boolean fits(Value v) {
    if (v.rank() < 0 || v.rank() > perm.length) {
      return false;
    }
    if (v.constant() != null) {
      return v.dtype().bits() >= 8;
    }
    if (v.rank() == 0 || v.shape().dims().stream().allMatch(d -> d.is(1))) {
      return true;
    }
    return v.rank() == perm.length && SMALL_SHARE * ChannelsLast.estimate(v.shape()) <= ChannelsLast.estimate(node.output().shape());
  }

  private Value operand(Value v) {
    Tensor t = v.constant();
    if (t == null) {
      // Operands of lower rank got here only if they are all ones, and broadcast the same way in any layout.
      return v.rank() < perm.length ? v : pass.transposed(v, Permutations.inverse(perm), node);
    }
    if (t.numel() == 1 && t.rank() <= 1) {
      return v;
    }
    long[] dims = new long[perm.length];
    Arrays.fill(dims, 1);
    System.arraycopy(t.dims(), 0, dims, perm.length - t.rank(), t.rank());
    Tensor moved = t.reshape(dims).permute(Permutations.inverse(perm));
    // Leading ones are broadcast anyway; without them a per-channel constant is a vector again.
    int lead = 0;
    while (lead < moved.rank() - 1 && moved.dim(lead) == 1) {
      lead++;
    }
    return pass.constant(v, moved.reshape(Arrays.copyOfRange(moved.dims(), lead, moved.rank())), graph);
  }

  // ---- axes ----

  /** The axis of the tensor before the transpose that is {@code axis} behind it. */
  private long moved(long axis) {
    return perm[(int) (axis < 0 ? axis + perm.length : axis)];
  }

  private Node reduction() {
    long[] axes = axes();
    return axes == null ? null : withAxes(Arrays.stream(axes).map(this::moved).sorted().toArray());
  }

  /** The axes, from the attribute or the constant input; null if they are not known. */
  private long[] axes() {
    if (node.hasAttr("axes")) {
      return node.intsAttr("axes", null);
    }
    return node.input(1) == null || node.input(1).constant() == null ? null : node.input(1).constant().toLongs();
  }

  private Node withAxes(long[] axes) {
    if (node.hasAttr("axes")) {
      return rebuild(List.of(before(0)), List.of(Attribute.ofInts("axes", axes)));
    }
    return rebuild(List.of(before(0), graph.newInitializer("axes", Tensor.vector(axes))), List.of());
  }

  private Node split() {
    List<Value> inputs = new ArrayList<>(node.inputs());
    inputs.set(0, before(0));
    return rebuild(inputs, List.of(Attribute.ofInt("axis", moved(node.intAttr("axis", 0)))));
  }

  private Node concat() {
    List<Value> inputs = new ArrayList<>();
    for (Value v : node.inputs()) {
      Value source = v == null ? null : pass.sourceOf(v, perm);
      if (source == null && (v == null || v.constant() == null || v.rank() != perm.length)) {
        return null;
      }
      inputs.add(source);
    }
    for (int i = 0; i < inputs.size(); i++) {
      if (inputs.get(i) == null) {
        Value v = node.input(i);
        inputs.set(i, pass.constant(v, v.constant().permute(Permutations.inverse(perm)), graph));
      }
    }
    return rebuild(inputs, List.of(Attribute.ofInt("axis", moved(node.intAttr("axis", 1)))));
  }

  private Node softmax() {
    // Before opset 13 softmax works on the tensor flattened at the axis, which no permutation commutes with in general.
    if (pass.opset() < 13) {
      return null;
    }
    return rebuild(List.of(before(0)), List.of(Attribute.ofInt("axis", moved(node.intAttr("axis", -1)))));
  }

  private Node pad() {
    if (node.hasInput(3)) {
      return null;
    }
    long[] pads = node.hasAttr("pads") ? node.intsAttr("pads", null)
        : node.input(1) == null || node.input(1).constant() == null ? null : node.input(1).constant().toLongs();
    if (pads == null || pads.length != 2 * perm.length) {
      return null;
    }
    long[] p = new long[pads.length];
    for (int i = 0; i < perm.length; i++) {
      p[perm[i]] = pads[i];
      p[perm.length + perm[i]] = pads[perm.length + i];
    }
    if (node.hasAttr("pads")) {
      return rebuild(List.of(before(0)), List.of(Attribute.ofInts("pads", p)));
    }
    List<Value> inputs = new ArrayList<>(node.inputs());
    inputs.set(0, before(0));
    inputs.set(1, graph.newInitializer("pads", Tensor.vector(p)));
    return rebuild(inputs, List.of());
  }

  private Node slice() {
    if (node.hasAttr("starts")) {
      long[] axes = node.intsAttr("axes", java.util.stream.LongStream.range(0, node.intsAttr("starts", null).length).toArray());
      return rebuild(List.of(before(0)), List.of(Attribute.ofInts("axes", Arrays.stream(axes).map(this::moved).toArray())));
    }
    if (node.input(3) == null || node.input(3).constant() == null) {
      return null;
    }
    Tensor axes = node.input(3).constant();
    List<Value> inputs = new ArrayList<>(node.inputs());
    inputs.set(0, before(0));
    inputs.set(3, graph.newInitializer("axes",
        Tensor.vector(Arrays.stream(axes.toLongs()).map(this::moved).toArray()).cast(axes.dtype()).evaluated()));
    return rebuild(inputs, List.of());
  }

}
