package dev.tenon.tf.export;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tensorflow.Graph;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.types.TFloat32;

class SavedModelReaderTest {

  @TempDir Path dir;

  @BeforeEach
  void writeModel() throws IOException {
    try (TestGraph g = TestGraph.twoLayers()) {
      SavedModelWriter.write(g.spec(), dir);
    }
  }

  @Test
  void signatureKeepsTheModelsOrder() throws IOException {
    try (SavedModelReader reader = SavedModelReader.open(dir)) {
      assertEquals(List.of("input_1", "from_"), reader.inputs().stream().map(SignatureTensor::name).toList());
      assertEquals(List.of("y", "half", "same", "copy_of_input"),
          reader.outputs().stream().map(SignatureTensor::name).toList());
      assertArrayEquals(new long[] {-1, 3}, DataTypes.dims(reader.inputs().get(0).shape()));
    }
  }

  @Test
  void variablesAreDescribed() throws IOException {
    try (SavedModelReader reader = SavedModelReader.open(dir)) {
      assertEquals(
          List.of("layer1/0/dense/kernel float[3, 4] true", "layer1/0/dense/bias float[4] true",
              "bn/moving_mean float[4] false", "layer1/2/kernel float[4, 6] true"),
          reader.variables().stream().map(v -> v + " " + v.trainable()).toList());
      assertEquals(TestGraph.floats(TestGraph.ramp(12, 0.1f)),
          reader.checkpoint().map(reader.variables().get(0).checkpointKey()));
    }
  }

  @Test
  void intermediatesOfTheInlinedGraphCanBeFetched() throws IOException {
    float[] xs = {0.5f, -1, 2};
    float[] bs = {1, 0.25f, -0.5f};
    try (SavedModelReader reader = SavedModelReader.open(dir);
        Graph graph = new Graph()) {
      InlinedGraph inlined = reader.inlined();
      graph.importGraphDef(inlined.graph());
      assertEquals(List.of("input_1", "from_"), List.copyOf(inlined.inputs().keySet()));
      assertEquals("input_1_1:0", inlined.inputs().get("input_1"), "the body has a node input_1");
      assertEquals("split:1", inlined.outputs().get("half"));
      assertEquals(4, inlined.variables().size());
      try (Session session = new Session(graph);
          TFloat32 x = TFloat32.tensorOf(Shape.of(1, 3), DataBuffers.of(xs));
          TFloat32 b = TFloat32.tensorOf(Shape.of(1, 3), DataBuffers.of(bs))) {
        session.runner().addTarget(inlined.restoreOp()).run().close();
        try (Result result = session.runner()
            .feed(inlined.inputs().get("input_1"), x)
            .feed(inlined.inputs().get("from_"), b)
            .fetch("sum")
            .fetch(inlined.outputs().get("y"))
            .fetch(inlined.outputs().get("copy_of_input"))
            .run()) {
          assertArrayEquals(new float[] {1.5f, -0.75f, 1.5f}, values(result, 0));
          // Rounding differs with the order of summation only.
          assertArrayEquals(TestGraph.twoLayersByHand(xs, bs), values(result, 1), 1e-5f);
          assertArrayEquals(xs, values(result, 2));
        }
      }
    }
  }

  private static float[] values(Result result, int i) {
    TFloat32 tensor = (TFloat32) result.get(i);
    float[] values = new float[(int) tensor.size()];
    tensor.asRawTensor().data().asFloats().read(values);
    return values;
  }

  @Test
  void everyTruncationEndsInOneLine() throws IOException {
    Path pb = dir.resolve("saved_model.pb");
    byte[] whole = Files.readAllBytes(pb);
    for (int length = 0; length < whole.length; length += 97) {
      Files.write(pb, Arrays.copyOf(whole, length));
      IOException e = assertThrows(IOException.class, () -> SavedModelReader.open(dir).close());
      assertTrue(e.getMessage().contains(dir.toString()) && e.getMessage().lines().count() == 1, e.getMessage());
    }
  }

  @Test
  void flippedBytesNeverEscapeAsOtherExceptions() throws IOException {
    Path pb = dir.resolve("saved_model.pb");
    byte[] whole = Files.readAllBytes(pb);
    for (int i = 0; i < whole.length; i += 41) {
      byte[] damaged = whole.clone();
      damaged[i] ^= 0x15;
      Files.write(pb, damaged);
      try (SavedModelReader reader = SavedModelReader.open(dir)) {
        reader.inlined();
      } catch (IOException e) {
        assertTrue(e.getMessage() != null && !e.getMessage().isEmpty());
      }
    }
  }

  @Test
  void missingModelIsNamed() {
    Path nowhere = dir.resolve("nowhere");
    String message = assertThrows(SavedModelException.class, () -> SavedModelReader.open(nowhere)).getMessage();
    assertEquals(nowhere + ": found no saved_model.pb, expected a SavedModel's folder", message);
  }
}
