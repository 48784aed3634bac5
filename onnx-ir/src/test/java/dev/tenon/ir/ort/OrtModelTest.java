package dev.tenon.ir.ort;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Model;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.io.OnnxReader;
import dev.tenon.ir.io.OnnxWriter;
import dev.tenon.ir.testing.Equivalence;
import dev.tenon.ir.testing.Fixtures;
import dev.tenon.ir.testing.Graphs;
import dev.tenon.ir.testing.RandomInputs;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OrtModelTest {

  @Test
  void tensorsOfEveryTypeTheRuntimeTakesPassThrough() {
    List<DataType> types = List.of(DataType.FLOAT, DataType.DOUBLE, DataType.FLOAT16, DataType.BFLOAT16, DataType.INT8, DataType.INT16,
        DataType.INT32, DataType.INT64, DataType.UINT8, DataType.BOOL, DataType.STRING);
    for (DataType t : types) {
      Graphs g = Graphs.opset(16);
      Model m = g.output("y", g.op("Identity", g.input(t, "x", "n", 3))).model();
      try (OrtModel ort = OrtModel.open(m)) {
        assertEquals(t, ((dev.tenon.ir.Type.TensorType) ort.inputs().get("x")).dtype());
        for (long n : new long[] {2, 1, 0}) {
          Tensor x = RandomInputs.tensor(t, new long[] {n, 3}, 7);
          Tensor y = ort.run(Map.of("x", x)).get("y");
          assertTrue(x.contentEquals(y), t + ": " + x + " gave " + y);
        }
      }
    }
  }

  @Test
  void scalarsPassThrough() {
    Graphs g = Graphs.opset(16);
    try (OrtModel ort = OrtModel.open(g.output("y", g.op("Neg", g.input("x"))).model())) {
      assertEquals(-2.5, ort.run(Map.of("x", Tensor.scalar(2.5f))).get("y").item());
    }
  }

  @Test
  void inputsAndOutputsHaveNamesAndSymbolicShapes() {
    try (OrtModel ort = OrtModel.open(Fixtures.onnx("resnet18_narrow.ts.onnx"))) {
      assertEquals("{image=float32[batch,3,height,width]}", ort.inputs().toString());
      assertEquals(List.of("logits"), List.copyOf(ort.outputs().keySet()));
    }
  }

  @Test
  void aFileAndTheModelReadFromItGiveTheSameNumbers() {
    Path file = Fixtures.onnx("unet_small.dynamo.onnx");
    Model model = OnnxReader.read(file);
    Map<String, Tensor> feeds = RandomInputs.seeded(3).size("batch", 2).size("height", 32).size("width", 48).forModel(model);
    try (OrtModel a = OrtModel.open(file, OrtModel.Options.reference()); OrtModel b = OrtModel.open(model, OrtModel.Options.reference())) {
      Equivalence.assertSame(a.run(feeds), b.run(feeds), 0, "unet");
    }
  }

  @Test
  void intermediateValuesCanBeSeen(@TempDir Path folder) {
    Graphs g = Graphs.opset(16);
    Value mid = g.op("Mul", g.input("x", "n"), g.constant(Tensor.scalar(3f)));
    Model m = g.output("y", g.op("Neg", mid)).model();
    OrtModel.Options options = OrtModel.Options.defaults().withExtraOutputs(List.of(mid.name()));
    Path file = folder.resolve("m.onnx");
    OnnxWriter.write(m, file);
    try (OrtModel a = OrtModel.open(m, options); OrtModel b = OrtModel.open(file, options)) {
      for (OrtModel ort : List.of(a, b)) {
        Map<String, Tensor> out = ort.run(Map.of("x", Tensor.of(new float[] {1, 2}, 2)));
        assertEquals(List.of("y", mid.name()), List.copyOf(out.keySet()));
        assertArrayEquals(new float[] {3, 6}, out.get(mid.name()).toFloats());
      }
    }
  }

  @Test
  void sequencesComeOutElementByElement() {
    Graphs g = Graphs.opset(16);
    Value s = g.op("SplitToSequence", g.input("x", "n"), Attribute.ofInt("axis", 0));
    try (OrtModel ort = OrtModel.open(g.output("s", s).model())) {
      Map<String, Tensor> out = ort.run(Map.of("x", Tensor.of(new float[] {4, 5}, 2)));
      assertEquals(List.of("s[0]", "s[1]"), List.copyOf(out.keySet()));
      assertArrayEquals(new float[] {5}, out.get("s[1]").toFloats());
    }
  }

  @Test
  void failuresSayWhat() {
    Graphs g = Graphs.opset(16);
    Model unknown = g.output("y", g.op("NoSuchOperator", g.input("x", 1))).model();
    assertTrue(assertThrows(OrtFailure.class, () -> OrtModel.open(unknown)).getMessage().contains("NoSuchOperator"));
    Graphs h = Graphs.opset(16);
    try (OrtModel ort = OrtModel.open(h.output("y", h.op("Neg", h.input("x", 3))).model())) {
      String message = assertThrows(OrtFailure.class, () -> ort.run(Map.of("x", Tensor.of(new float[2], 2)))).getMessage();
      assertTrue(message.contains("float32[2]"), message);
    }
  }
}
