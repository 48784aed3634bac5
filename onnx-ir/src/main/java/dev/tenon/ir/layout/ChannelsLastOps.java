package dev.tenon.ir.layout;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.Function;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Node;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * The operators that TensorFlow computes on channels-last tensors, and what each means in ONNX.
 *
 * <p>The channels-last form of {@code Conv} on two spatial dimensions is the operator {@code dev.tenon::Conv2D}. Its first input
 * and its output are [N, spatial…, C]; every other input and all attributes are as in ONNX. Its meaning is a model-local function,
 * {@code Transpose → Conv → Transpose}, so a model that holds it is still valid ONNX and runs anywhere.
 */
public final class ChannelsLastOps {
  /** The domain of Tenon's own operators. */
  public static final String DOMAIN = "dev.tenon";

  private static final Set<String> ALWAYS = Set.of("Conv", "ConvTranspose", "GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool",
      "AveragePool", "LpPool", "InstanceNormalization", "GroupNormalization", "LRN", "DepthToSpace", "SpaceToDepth", "GridSample");

  private ChannelsLastOps() {}

  /** The channels-last operator for a node, {@code Conv2D} say; empty if it has none or cannot use it. */
  public static Optional<String> nameFor(Node n) {
    if (!n.domain().isEmpty() || n.input(0) == null) {
      return Optional.empty();
    }
    int rank = dataRank(n);
    if (rank < 3 || rank > 5) {
      return Optional.empty();
    }
    boolean can = ALWAYS.contains(n.opType())
        || n.isOp("MaxPool") && n.output(1) == null
        || n.isOp("BatchNormalization") && n.output(1) == null && n.intAttr("training_mode", 0) == 0 && n.intAttr("spatial", 1) == 1
        || (n.isOp("Resize") || n.isOp("Upsample")) && resizesSpaceOnly(n, rank);
    return can ? Optional.of(n.opType() + (rank - 2) + "D") : Optional.empty();
  }

  /** The rank of the data of a channels-last operator. */
  static int rank(String op) {
    return op.charAt(op.length() - 2) - '0' + 2;
  }

  /** The rank of the data input: by its type, or by the weight's where shapes are not known. */
  private static int dataRank(Node n) {
    int rank = n.input(0).rank();
    if (rank < 0 && (n.isOp("Conv") || n.isOp("ConvTranspose")) && n.input(1) != null) {
      rank = n.input(1).rank();
    }
    return rank < 0 && n.output().rank() > 0 ? n.output().rank() : rank;
  }

  /** True if batch and channels provably keep their sizes. */
  private static boolean resizesSpaceOnly(Node n, int rank) {
    long[] axes = n.intsAttr("axes", null);
    if (axes != null && Arrays.stream(axes).map(a -> a < 0 ? a + rank : a).anyMatch(a -> a < 2)) {
      return false;
    }
    if (axes != null) {
      return true;
    }
    Value in = n.input(0);
    Value out = n.output();
    if (in.shape().hasRank() && out.shape().hasRank()
        && in.shape().dim(0).equals(out.shape().dim(0)) && in.shape().dim(1).equals(out.shape().dim(1))) {
      return true;
    }
    Tensor scales = scales(n);
    return scales != null && scales.numel() == rank && scales.toDoubles()[0] == 1 && scales.toDoubles()[1] == 1;
  }

  private static Tensor scales(Node n) {
    if (n.hasAttr("scales")) {
      return Tensor.of(n.floatsAttr("scales", null), n.floatsAttr("scales", null).length);
    }
    Value v = n.input(n.isOp("Upsample") || n.inputs().size() == 2 ? 1 : 2);
    return v == null ? null : v.constant();
  }

  /**
   * The meanings of all channels-last operators among these nodes. A function's attributes are those that any of its calls uses;
   * ONNX leaves the others at their defaults.
   */
  static Map<Function.Id, Function> functionsFor(Iterable<Node> calls, int opset) {
    Map<String, Map<String, Attribute.Kind>> attributes = new TreeMap<>();
    Map<String, Integer> inputs = new TreeMap<>();
    for (Node n : calls) {
      Map<String, Attribute.Kind> kinds = attributes.computeIfAbsent(n.opType(), k -> new TreeMap<>());
      n.attributes().forEach(a -> kinds.put(a.name(), a.kind()));
      inputs.merge(n.opType(), n.inputs().size(), Math::max);
    }
    Map<Function.Id, Function> functions = new LinkedHashMap<>();
    attributes.forEach((op, kinds) -> {
      Function f = TransposedMatMul.isOne(op) ? TransposedMatMul.function(op, opset) : function(op, kinds, inputs.get(op), opset);
      functions.put(f.id(), f);
    });
    return functions;
  }

  private static Function function(String op, Map<String, Attribute.Kind> attributes, int inputCount, int opset) {
    String base = op.substring(0, op.length() - 2);
    int rank = rank(op);
    Graph body = new Graph(op);
    Value[] in = new Value[inputCount];
    for (int i = 0; i < inputCount; i++) {
      in[i] = body.addInput(i == 0 ? "x" : "input" + i, null);
    }
    in[0] = body.newNode("Transpose").inputs(in[0]).attr("perm", Permutations.toLongs(Permutations.toChannelsFirst(rank)))
        .output("first").append().output();
    Node call = body.newNode(base).inputs(in)
        .attributes(attributes.entrySet().stream().map(a -> Attribute.reference(a.getKey(), a.getValue(), a.getKey())).toList())
        .output("result").append();
    body.addOutput(body.newNode("Transpose").inputs(call.output())
        .attr("perm", Permutations.toLongs(Permutations.toChannelsLast(rank))).output("y").append().output());
    return new Function(DOMAIN, op, "", List.copyOf(attributes.keySet()), Map.of(), Map.of("", opset), body,
        base + " on tensors with the channels in the last dimension");
  }
}
