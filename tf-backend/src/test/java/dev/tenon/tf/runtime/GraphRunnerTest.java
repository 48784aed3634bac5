package dev.tenon.tf.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Storage;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.tf.BackendOptions;
import dev.tenon.tf.Conversion;
import dev.tenon.tf.TensorFlowBackend;
import dev.tenon.tf.testing.Tensors;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class GraphRunnerTest {

  private static Conversion convert(Graph g) {
    Model m = new Model(g);
    m.opsetImports().put("", 17);
    return new TensorFlowBackend().convert(m, BackendOptions.defaults(), new Diagnostics());
  }

  @Test
  void everyElementTypeGoesInAndOut() {
    for (DataType t : List.of(DataType.FLOAT, DataType.DOUBLE, DataType.FLOAT16, DataType.BFLOAT16, DataType.INT8, DataType.INT16,
        DataType.INT32, DataType.INT64, DataType.UINT8, DataType.UINT16, DataType.UINT32, DataType.UINT64, DataType.BOOL, DataType.STRING,
        DataType.INT4, DataType.UINT4, DataType.FLOAT8E4M3FN, DataType.FLOAT8E5M2)) {
      Tensor x = t.bits() == 4
          ? Tensor.constant("", t, new long[] {3}, Storage.of(java.nio.ByteBuffer.wrap(new byte[] {0x21, 0x07})))
          : t.name().startsWith("FLOAT8") ? Tensor.constant("", t, new long[] {3}, Storage.of(java.nio.ByteBuffer.wrap(new byte[] {0x21, 0x07, 0x40})))
              : Tensors.random(new Random(1), t, 3, 1);
      Graph g = new Graph("g");
      Value in = g.addInput("x", Type.tensor(t, x.shape()));
      g.addOutput(g.newNode("Identity").inputs(in).output("y").append().output());
      try (GraphRunner r = GraphRunner.open(convert(g))) {
        Tensor y = r.run(Map.of("x", x)).get("y");
        assertTrue(x.contentEquals(y), t + ": " + y);
      }
    }
  }

  @Test
  void tensorFlowJavasOwnTensorsHoldTheSameElements() {
    for (DataType t : DataType.values()) {
      if (TfTensors.hasClass(t)) {
        Tensor x = Tensors.random(new Random(2), t, 2, 3);
        try (org.tensorflow.Tensor tf = TfTensors.toTensorFlow(x)) {
          assertTrue(x.contentEquals(TfTensors.fromTensorFlow(tf)), t.toString());
        }
      }
    }
  }

  @Test
  void variablesAreInitializedAndIntermediateTensorsCanBeFetched() {
    Graph g = new Graph("g");
    Value x = g.addInput("x", Type.tensor(DataType.FLOAT, dev.tenon.ir.Shape.of(2)));
    Tensor w = Tensor.of(new float[] {10, 20}, 2);
    Value weight = g.addInitializer("layer.weight", Tensor.source("layer.weight", DataType.FLOAT, new long[] {2}, Storage.of(w.bytes())));
    Value sum = g.newNode("Add").inputs(x, weight).outputNamed("sum", x.type()).append().output();
    sum.setOrigin(Value.Origin.of("sum"));
    g.addOutput(g.newNode("Neg").inputs(sum).outputNamed("y", x.type()).append().output());
    Conversion c = convert(g);
    assertEquals(1, c.variables().size());
    try (GraphRunner r = GraphRunner.open(c, new GraphRunner.Options(1, true))) {
      Map<String, Tensor> feeds = Map.of("x", Tensor.of(new float[] {1, 2}, 2));
      assertTrue(Tensor.of(new float[] {-11, -22}, 2).contentEquals(r.run(feeds).get("y")));
      String tensor = c.tensors().stream().filter(t -> t.value().equals("sum")).findFirst().orElseThrow().tensor();
      assertTrue(Tensor.of(new float[] {11, 22}, 2).contentEquals(r.fetch(feeds, List.of(tensor)).get(0)));
      assertThrows(IllegalArgumentException.class, () -> r.run(Map.of()));
      assertThrows(IllegalArgumentException.class, () -> r.run(Map.of("x", w, "z", w)));
    }
  }
}
