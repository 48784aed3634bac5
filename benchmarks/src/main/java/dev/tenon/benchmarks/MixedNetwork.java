package dev.tenon.benchmarks;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.NodeBuilder;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A graph of any size in which the layout has much to decide: residual, dense, squeeze-and-excite, shuffled, ConvNeXt-like,
 * attention and encoder-decoder blocks in turn, all on the same number of channels, which is also the height and the width.
 */
final class MixedNetwork {
  private static final int C = 16;

  private final Graph g = new Graph("mixed");
  /** Weights are shared by content: their sizes tell the layout something, their values nothing. */
  private final Map<String, Value> constants = new HashMap<>();

  private MixedNetwork() {}

  /** A model of at least this many nodes, and a few more to end the last block. */
  static Model of(int nodes) {
    return new MixedNetwork().build(nodes);
  }

  private Model build(int nodes) {
    Value x = g.addInput("x", Type.tensor(DataType.FLOAT, Shape.of(Dim.symbol("batch"), Dim.of(C), Dim.of(C), Dim.of(C))));
    Deque<Value> skips = new ArrayDeque<>();
    for (int i = 0; g.nodeCount() < nodes; i++) {
      x = switch (i % 8) {
        case 0, 1 -> residual(x);
        case 2 -> dense(x);
        case 3 -> squeezeAndExcite(x);
        case 4 -> shuffled(x);
        case 5 -> convNext(x);
        case 6 -> i % 16 == 6 ? attention(x) : encoderDecoder(x);
        default -> scaled(x);
      };
      // Long connections too: a value from far before is joined here and there.
      skips.addLast(x);
      if (skips.size() > 40) {
        x = op("Add", x, skips.removeFirst());
        skips.clear();
      }
    }
    g.addOutput(op("Flatten", op("GlobalAveragePool", x)));
    Model model = new Model(g);
    model.opsetImports().put("", 17);
    return model;
  }

  private Value residual(Value x) {
    Value y = op("Relu", conv(x, C, C, 3, 1));
    return op("Relu", op("Add", conv(y, C, C, 3, 1), x));
  }

  private Value dense(Value x) {
    Value one = op("Relu", conv(x, C, C, 3, 1));
    Value two = op("Relu", conv(join(x, one), 2 * C, C, 1, 1));
    return conv(join(x, one, two), 3 * C, C, 1, 1);
  }

  private Value squeezeAndExcite(Value x) {
    Value y = op("HardSwish", conv(x, C, C, 3, C));
    Value s = conv(op("Relu", conv(op("GlobalAveragePool", y), C, 8, 1, 1)), 8, C, 1, 1);
    return op("Add", x, op("Mul", y, op("Sigmoid", s)));
  }

  /** ShuffleNet: half of the channels goes through a convolution, then the channels of both halves alternate. */
  private Value shuffled(Value x) {
    Node split = node("Split", x).attr("axis", 1).output("half").output("half").append();
    Value y = op("Relu", conv(split.outputs().get(1), C / 2, C / 2, 3, 1));
    Value joined = join(split.outputs().get(0), y);
    Value groups = op("Reshape", joined, longs(0, 2, C / 2, C, C));
    return op("Reshape", transpose(groups, 0, 2, 1, 3, 4), longs(0, C, C, C));
  }

  private Value convNext(Value x) {
    Value y = transpose(conv(x, C, C, 7, C), 0, 2, 3, 1);
    y = node("LayerNormalization", y, floats(C), floats(C)).attr("axis", -1).output("norm").append().output();
    y = op("Add", op("MatMul", y, floats(C, 4 * C)), floats(4 * C));
    y = op("Mul", y, op("Sigmoid", y));
    y = op("Mul", op("MatMul", y, floats(4 * C, C)), floats(C));
    return op("Add", x, transpose(y, 0, 3, 1, 2));
  }

  /** Attention among the positions of the picture. */
  private Value attention(Value x) {
    Value tokens = transpose(op("Reshape", x, longs(0, C, C * C)), 0, 2, 1);
    Value q = op("MatMul", tokens, floats(C, C));
    Value k = transpose(op("MatMul", tokens, floats(C, C)), 0, 2, 1);
    Value weights = node("Softmax", op("MatMul", q, k)).attr("axis", -1).output("weights").append().output();
    Value y = transpose(op("MatMul", weights, op("MatMul", tokens, floats(C, C))), 0, 2, 1);
    return op("Add", x, op("Reshape", y, longs(0, C, C, C)));
  }

  private Value encoderDecoder(Value x) {
    Value small = node("MaxPool", x).attribute(Attribute.ofInts("kernel_shape", 2, 2)).attribute(Attribute.ofInts("strides", 2, 2))
        .output("small").append().output();
    small = op("Relu", conv(small, C, C, 3, 1));
    Value large = node("Resize", small, null, constant(Tensor.of(new float[] {1, 1, 2, 2}, 4), "scales")).attr("mode", "nearest")
        .attr("coordinate_transformation_mode", "asymmetric").attr("nearest_mode", "floor").output("large").append().output();
    return op("Relu", conv(join(x, large), 2 * C, C, 3, 1));
  }

  /** What is left of a batch norm: constants of lower rank along the channels; then a constant over all of the picture. */
  private Value scaled(Value x) {
    Value y = op("Add", op("Mul", x, floats(C, 1, 1)), floats(1, C, 1, 1));
    Value mean = node("ReduceMean", y).attribute(Attribute.ofInts("axes", 2, 3)).attr("keepdims", 1).output("mean").append().output();
    return op("LeakyRelu", op("Sub", op("Add", y, floats(C, C, C)), mean));
  }

  private Value conv(Value x, int in, int out, int kernel, int groups) {
    return node("Conv", x, floats(out, in / groups, kernel, kernel), floats(out))
        .attribute(Attribute.ofInts("kernel_shape", kernel, kernel)).attr("group", groups)
        .attribute(Attribute.ofInts("pads", kernel / 2, kernel / 2, kernel / 2, kernel / 2)).output("conv").append().output();
  }

  private Value join(Value... parts) {
    return node("Concat", parts).attr("axis", 1).output("joined").append().output();
  }

  private Value transpose(Value x, long... perm) {
    return node("Transpose", x).attribute(Attribute.ofInts("perm", perm)).output("transposed").append().output();
  }

  private Value op(String type, Value... inputs) {
    return node(type, inputs).output(type).append().output();
  }

  private NodeBuilder node(String type, Value... inputs) {
    return g.newNode(type).name("/" + type + g.nodeCount()).inputs(inputs);
  }

  private Value floats(long... dims) {
    int n = 1;
    for (long d : dims) {
      n *= (int) d;
    }
    return constant(Tensor.of(new float[n], dims), "f" + Shape.of(dims));
  }

  private Value longs(long... values) {
    return constant(Tensor.vector(values), "i" + List.of(Shape.of(values)));
  }

  private Value constant(Tensor t, String key) {
    return constants.computeIfAbsent(key, k -> g.newInitializer("constant", t));
  }
}
