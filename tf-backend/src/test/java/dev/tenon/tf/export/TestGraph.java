package dev.tenon.tf.export;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.tensorflow.Graph;
import org.tensorflow.GraphOperation;
import org.tensorflow.GraphOperationBuilder;
import org.tensorflow.Output;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TInt32;

/** Builds a flat graph the way the emitters do, and its spec. */
final class TestGraph implements AutoCloseable {

  final Graph graph = new Graph();
  final List<SignatureTensor> inputs = new ArrayList<>();
  final List<SignatureTensor> outputs = new ArrayList<>();
  final List<VariableSpec> variables = new ArrayList<>();
  private final UniqueNames nodeNames = new UniqueNames();

  GraphOperationBuilder builder(String op, String name) {
    return graph.opBuilder(op, name, graph.baseScope());
  }

  Output<?> op(String op, String name, Output<?>... args) {
    GraphOperationBuilder builder = builder(op, name);
    for (Output<?> arg : args) {
      builder.addInput(arg);
    }
    return builder.build().output(0);
  }

  Output<?> input(String name, String node, DataType dtype, long... shape) {
    Output<?> output = builder("Placeholder", node)
        .setAttr("dtype", dtype)
        .setAttr("shape", Shape.of(shape))
        .build()
        .output(0);
    inputs.add(new SignatureTensor(name, node + ":0", dtype, DataTypes.shapeProto(shape)));
    return output;
  }

  void output(String name, Output<?> value, long... shape) {
    outputs.add(new SignatureTensor(
        name, value.op().name() + ":" + value.index(), value.dataType(), DataTypes.shapeProto(shape)));
  }

  /** Declares a variable and reads it. */
  Output<?> variable(String name, boolean trainable, DataType dtype, long[] shape, ByteBuffer data) {
    variables.add(new VariableSpec(name, dtype, shape, trainable, TensorData.of(data)));
    String node = nodeNames.unique(UniqueNames.node(name));
    GraphOperation handle = builder("VarHandleOp", node)
        .setAttr("dtype", dtype)
        .setAttr("shape", Shape.of(shape))
        .setAttr("shared_name", name)
        .build();
    return builder("ReadVariableOp", node + "/Read").addInput(handle.output(0)).setAttr("dtype", dtype).build().output(0);
  }

  Output<?> variable(String name, boolean trainable, long[] shape, float... data) {
    return variable(name, trainable, DataType.DT_FLOAT, shape, floats(data));
  }

  SavedModelSpec spec() {
    return SavedModelSpec.of(graph.toGraphDef(), inputs, outputs, variables);
  }

  static ByteBuffer floats(float... values) {
    ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      bytes.putFloat(value);
    }
    return bytes.flip();
  }

  static float[] ramp(int count, float scale) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (i - count / 2f) * scale;
    }
    return values;
  }

  /**
   * Two inputs, two dense layers with a name clash in between, a split, and every awkward output:
   * {@code y = relu((x + b) W1 + c) W2}, {@code half} the second of a split, {@code same} the same tensor as {@code y}, and
   * {@code input.1} again.
   */
  static TestGraph twoLayers() {
    TestGraph g = new TestGraph();
    Output<?> x = g.input("input.1", "input.1", DataType.DT_FLOAT, -1, 3);
    Output<?> b = g.input("from", "bias_in", DataType.DT_FLOAT, -1, 3);
    Output<?> w1 = g.variable("layer1/0/dense/kernel", true, new long[] {3, 4}, ramp(12, 0.1f));
    Output<?> c = g.variable("layer1/0/dense/bias", true, new long[] {4}, ramp(4, 0.5f));
    Output<?> mean = g.variable("bn/moving_mean", false, new long[] {4}, ramp(4, 0.25f));
    Output<?> w2 = g.variable("layer1/2/kernel", true, new long[] {4, 6}, ramp(24, 0.05f));
    Output<?> sum = g.op("AddV2", "sum", x, b);
    Output<?> hidden = g.op("AddV2", "hidden", g.op("MatMul", "layer1/0/dense/MatMul", sum, w1), c);
    Output<?> centred = g.op("Sub", "input_1", hidden, mean); // the name the first input's argument would have
    Output<?> relu = g.op("Relu", "relu", centred);
    Output<?> y = g.op("MatMul", "y", relu, w2);
    Output<?> axis = g.builder("Const", "axis")
        .setAttr("dtype", DataType.DT_INT32)
        .setAttr("value", TInt32.scalarOf(1))
        .build()
        .output(0);
    GraphOperation split =
        g.builder("Split", "split").addInput(axis).addInput(y).setAttr("num_split", 2).build();
    g.output("y", y, -1, 6);
    g.output("half", split.output(1), -1, 3);
    g.output("same", y, -1, 6);
    g.output("copy/of.input", x, -1, 3);
    return g;
  }

  /** What {@link #twoLayers} gives for one row, as y. */
  static float[] twoLayersByHand(float[] x, float[] b) {
    float[] w1 = ramp(12, 0.1f);
    float[] c = ramp(4, 0.5f);
    float[] mean = ramp(4, 0.25f);
    float[] w2 = ramp(24, 0.05f);
    float[] y = new float[6];
    for (int j = 0; j < 4; j++) {
      float h = c[j] - mean[j];
      for (int i = 0; i < 3; i++) {
        h += (x[i] + b[i]) * w1[i * 4 + j];
      }
      for (int k = 0; k < 6; k++) {
        y[k] += Math.max(h, 0) * w2[j * 6 + k];
      }
    }
    return y;
  }

  @Override
  public void close() {
    graph.close();
  }
}
