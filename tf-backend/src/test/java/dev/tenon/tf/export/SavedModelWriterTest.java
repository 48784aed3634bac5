package dev.tenon.tf.export;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tensorflow.Output;
import org.tensorflow.Result;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.OpDef;
import org.tensorflow.proto.TensorProto;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

class SavedModelWriterTest {

  private static final float[] X = {0.5f, -1, 2};
  private static final float[] B = {1, 0.25f, -0.5f};
  /** Products of a dozen floats of size one: rounding differs with the order of summation only. */
  private static final float TOLERANCE = 1e-5f;

  @TempDir Path dir;

  @Test
  void modelLoadsInTensorFlowAndGivesTheNumbers() throws IOException {
    SavedModelNames names;
    try (TestGraph g = TestGraph.twoLayers()) {
      names = SavedModelWriter.write(g.spec(), dir);
    }
    assertEquals(Map.of("input.1", "input_1", "from", "from_"), names.inputs());
    assertEquals("copy_of_input", names.outputs().get("copy/of.input"));
    try (SavedModelBundle bundle = SavedModelBundle.load(dir.toString(), "serve");
        TFloat32 x = row(X);
        TFloat32 b = row(B);
        Result result = bundle.function("serving_default").call(Map.of("input_1", x, "from_", b))) {
      float[] y = TestGraph.twoLayersByHand(X, B);
      assertArrayEquals(y, values(result, "y"), TOLERANCE);
      assertArrayEquals(y, values(result, "same"), TOLERANCE);
      assertArrayEquals(new float[] {y[3], y[4], y[5]}, values(result, "half"), TOLERANCE);
      assertArrayEquals(X, values(result, "copy_of_input"));
    }
  }

  @Test
  void modelWithoutVariablesLoadsAndRuns() throws IOException {
    try (TestGraph g = new TestGraph()) {
      Output<?> x = g.input("x", "x", DataType.DT_FLOAT, -1, 3);
      g.output("y", g.op("Neg", "neg", x), -1, 3);
      SavedModelWriter.write(g.spec(), dir);
    }
    try (SavedModelBundle bundle = SavedModelBundle.load(dir.toString(), "serve");
        TFloat32 x = row(X);
        Result result = bundle.function("serving_default").call(Map.of("x", x))) {
      assertArrayEquals(new float[] {-0.5f, 1, -2}, values(result, "y"));
    }
  }

  @Test
  void awkwardVariablesAreRestored() throws IOException {
    try (TestGraph g = new TestGraph()) {
      Output<?> x = g.input("x", "x", DataType.DT_FLOAT, -1, 3);
      List<Output<?>> casts = new ArrayList<>();
      Map<DataType, ByteBuffer> twos = new TreeMap<>(Map.of(
          DataType.DT_HALF, ByteBuffer.wrap(new byte[] {0, 0x40}),
          DataType.DT_BFLOAT16, ByteBuffer.wrap(new byte[] {0, 0x40}),
          DataType.DT_INT64, ByteBuffer.wrap(new byte[] {2, 0, 0, 0, 0, 0, 0, 0}),
          DataType.DT_INT32, ByteBuffer.wrap(new byte[] {2, 0, 0, 0}),
          DataType.DT_UINT8, ByteBuffer.wrap(new byte[] {2}),
          DataType.DT_DOUBLE, ByteBuffer.wrap(new byte[] {0, 0, 0, 0, 0, 0, 0, 0x40}),
          DataType.DT_BOOL, ByteBuffer.wrap(new byte[] {1})));
      twos.forEach((dtype, bytes) -> {
        Output<?> read = g.variable("scalars/" + dtype, false, dtype, new long[0], bytes);
        casts.add(g.builder("Cast", "cast_" + dtype).addInput(read)
            .setAttr("SrcT", dtype).setAttr("DstT", DataType.DT_FLOAT).build().output(0));
      });
      Output<?> empty = g.variable("empty", true, new long[] {0, 3});
      Output<?> total = g.builder("AddN", "total")
          .addInputList(casts.toArray(new Output<?>[0])).build().output(0);
      Output<?> axis = g.builder("Const", "axis").setAttr("dtype", DataType.DT_INT32)
          .setAttr("value", TInt32.scalarOf(0)).build().output(0);
      Output<?> joined = g.builder("ConcatV2", "joined")
          .addInputList(new Output<?>[] {x, empty}).addInput(axis).build().output(0);
      g.output("y", g.op("AddV2", "y", joined, total), -1, 3);
      g.variables.add(new VariableSpec("unused", DataType.DT_FLOAT, new long[] {1}, true,
          TensorData.of(TestGraph.floats(1))));
      SavedModelWriter.write(g.spec(), dir);
    }
    try (SavedModelBundle bundle = SavedModelBundle.load(dir.toString(), "serve");
        TFloat32 x = row(X);
        Result result = bundle.function("serving_default").call(Map.of("x", x))) {
      assertArrayEquals(new float[] {13.5f, 12, 15}, values(result, "y")); // six twos and true
    }
  }

  @Test
  void sameSpecGivesSameBytes() throws IOException {
    Map<String, byte[]> first = writeTwoLayers("a");
    Map<String, byte[]> second = writeTwoLayers("b");
    assertEquals(first.keySet(), second.keySet());
    assertEquals(List.of("saved_model.pb", "variables/variables.data-00000-of-00001", "variables/variables.index"),
        List.copyOf(first.keySet()));
    first.forEach((name, bytes) -> assertArrayEquals(bytes, second.get(name), name));
  }

  private Map<String, byte[]> writeTwoLayers(String name) throws IOException {
    Path target = Files.createDirectory(dir.resolve(name));
    try (TestGraph g = TestGraph.twoLayers()) {
      SavedModelWriter.write(g.spec(), target);
    }
    Map<String, byte[]> files = new TreeMap<>();
    try (Stream<Path> paths = Files.walk(target)) {
      for (Path path : paths.filter(Files::isRegularFile).toList()) {
        files.put(target.relativize(path).toString().replace('\\', '/'), Files.readAllBytes(path));
      }
    }
    return files;
  }

  @Test
  void checkpointKeysFollowTheModules() throws IOException {
    try (TestGraph g = new TestGraph()) {
      Output<?> x = g.input("x", "x", DataType.DT_FLOAT, -1);
      for (String name : List.of("a", "a/b", "variables/kernel", "__call__", "m/1.5/w", "layers/3/w", "_blocks/0/w")) {
        g.variable(name, true, new long[0], 1);
      }
      g.output("y", x, -1);
      SavedModelNames names = SavedModelWriter.write(g.spec(), dir);
      assertEquals(
          Map.of(
              "a", "a/.ATTRIBUTES/VARIABLE_VALUE",
              "a/b", "a_/b/.ATTRIBUTES/VARIABLE_VALUE",
              "variables/kernel", "variables_/kernel/.ATTRIBUTES/VARIABLE_VALUE",
              "__call__", "m__call__/.ATTRIBUTES/VARIABLE_VALUE",
              "m/1.5/w", "m/1..5/w/.ATTRIBUTES/VARIABLE_VALUE",
              "layers/3/w", "layers/3/w/.ATTRIBUTES/VARIABLE_VALUE",
              "_blocks/0/w", "_blocks/0/w/.ATTRIBUTES/VARIABLE_VALUE"),
          names.checkpointKeys());
    }
  }

  @Test
  void sideEffectsAreControlOutputs() throws IOException {
    try (TestGraph g = new TestGraph()) {
      Output<?> x = g.input("x", "x", DataType.DT_FLOAT, 1);
      Output<?> counter = g.variable("counter", false, new long[0], 0);
      g.builder("AssignAddVariableOp", "count").addInput(g.graph.operation("counter").output(0)).addInput(counter).build();
      g.output("y", x, 1);
      SavedModelWriter.write(g.spec(), dir);
    }
    try (SavedModelReader reader = SavedModelReader.open(dir)) {
      FunctionDef function = reader.metaGraph().getGraphDef().getLibrary().getFunction(0);
      assertTrue(function.getSignature().getIsStateful());
      assertEquals(Map.of("count", "count"), function.getControlRetMap());
    }
  }

  @Test
  void contradictionsAreNamed() {
    try (TestGraph g = TestGraph.twoLayers()) {
      g.variables.remove(1);
      assertMessage("Node layer1/0/dense/bias is a handle of variable layer1/0/dense/bias", g.spec());
    }
    try (TestGraph g = TestGraph.twoLayers()) {
      g.inputs.remove(1);
      assertMessage("Placeholders that are no input of the signature: [bias_in]", g.spec());
    }
    try (TestGraph g = TestGraph.twoLayers()) {
      g.outputs.add(new SignatureTensor("z", "split:2", DataType.DT_FLOAT, DataTypes.shapeProto(-1)));
      assertMessage("Output z takes output 2 of split, an Split with 2 outputs", g.spec());
    }
    try (TestGraph g = TestGraph.twoLayers()) {
      g.outputs.add(g.outputs.get(0));
      assertMessage("A name is given twice", g.spec());
    }
  }

  private void assertMessage(String expected, SavedModelSpec spec) {
    String message =
        assertThrows(IllegalArgumentException.class, () -> SavedModelWriter.write(spec, dir)).getMessage();
    assertTrue(message.startsWith(expected), message);
  }

  @Test
  void unknownOperatorIsNamed() throws IOException {
    try (TestGraph g = TestGraph.twoLayers()) {
      SavedModelSpec spec = g.spec();
      SavedModelSpec changed = new SavedModelSpec(
          spec.graph().toBuilder().addNode(NodeDef.newBuilder().setName("n").setOp("NoSuchOp")).build(),
          spec.inputs(), spec.outputs(), spec.variables(), "2.18.0");
      String message =
          assertThrows(SavedModelException.class, () -> SavedModelWriter.write(changed, dir)).getMessage();
      assertTrue(message.startsWith("Node n: found operator NoSuchOp"), message);
    }
  }

  @Test
  void folderMustBeEmpty() throws IOException {
    Files.writeString(dir.resolve("precious"), "");
    try (TestGraph g = TestGraph.twoLayers()) {
      assertThrows(SavedModelException.class, () -> SavedModelWriter.write(g.spec(), dir));
    }
  }

  @Test
  void functionsOfTheLibraryAreKept() throws IOException {
    FunctionDef twice = FunctionDef.newBuilder()
        .setSignature(OpDef.newBuilder().setName("twice")
            .addInputArg(OpDef.ArgDef.newBuilder().setName("v").setType(DataType.DT_FLOAT))
            .addOutputArg(OpDef.ArgDef.newBuilder().setName("w").setType(DataType.DT_FLOAT)))
        .addNodeDef(NodeDef.newBuilder().setName("add").setOp("AddV2").addInput("v").addInput("v")
            .putAttr("T", Attrs.of(DataType.DT_FLOAT)))
        .putRet("w", "add:z:0")
        .build();
    try (TestGraph g = new TestGraph()) {
      g.input("x", "x", DataType.DT_FLOAT, -1, 3);
      g.outputs.add(new SignatureTensor("y", "again", DataType.DT_FLOAT, DataTypes.shapeProto(-1, 3)));
      SavedModelSpec spec = g.spec();
      GraphDef.Builder graph = spec.graph().toBuilder();
      graph.getLibraryBuilder().addFunction(twice);
      graph.addNode(Attrs.node("call", "PartitionedCall", "x").putAttr("f", Attrs.ofFunction("twice"))
          .putAttr("Tin", Attrs.ofTypes(List.of(DataType.DT_FLOAT)))
          .putAttr("Tout", Attrs.ofTypes(List.of(DataType.DT_FLOAT))));
      graph.addNode(Attrs.node("again", "twice", "call:0", "^x")); // a function's name is an operator as well
      SavedModelWriter.write(
          new SavedModelSpec(graph.build(), spec.inputs(), spec.outputs(), spec.variables(), "2.18.0"), dir);
    }
    try (SavedModelBundle bundle = SavedModelBundle.load(dir.toString(), "serve");
        TFloat32 x = row(X);
        Result result = bundle.function("serving_default").call(Map.of("x", x))) {
      assertArrayEquals(new float[] {2, -4, 8}, values(result, "y"));
    }
  }

  @Test
  void graphOverTwoGigabytesIsRefused() throws IOException {
    Path zeros = Files.createTempFile("zeros", null);
    try (FileChannel channel = FileChannel.open(zeros, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      // A sparse file stands for the constant: neither memory nor disk is used.
      ByteString gigabyte =
          UnsafeByteOperations.unsafeWrap(channel.map(FileChannel.MapMode.READ_WRITE, 0, 1 << 30));
      TensorProto value = TensorProto.newBuilder().setDtype(DataType.DT_FLOAT).setTensorContent(gigabyte).build();
      try (TestGraph g = TestGraph.twoLayers()) {
        GraphDef.Builder graph = g.spec().graph().toBuilder();
        for (String name : List.of("one", "two")) {
          graph.addNode(Attrs.node(name, "Const").putAttr("value", AttrValue.newBuilder().setTensor(value).build()));
        }
        SavedModelSpec spec = SavedModelSpec.of(graph.build(), g.inputs, g.outputs, g.variables);
        String message =
            assertThrows(SavedModelTooLargeException.class, () -> SavedModelWriter.write(spec, dir)).getMessage();
        assertTrue(message.contains("largest node is one with 1073741"), message);
      }
    } finally {
      Files.delete(zeros);
    }
  }

  @Test
  void namesAreMadeLegalAndKeptApart() throws IOException {
    try (TestGraph g = new TestGraph()) {
      List<String> names = List.of("a.b", "a_b", "0", "self", "class", "ü");
      for (int i = 0; i < names.size(); i++) {
        g.output(names.get(i), g.input(names.get(i), "p" + i, DataType.DT_FLOAT, 1), 1);
      }
      for (String name : List.of("_stem/kernel", "stem/kernel", "é")) {
        g.variable(name, true, new long[0], 1);
      }
      SavedModelNames legal = SavedModelWriter.write(g.spec(), dir);
      assertEquals(List.of("a_b_1", "a_b", "arg_0", "self_", "class_", "arg__"), List.copyOf(legal.inputs().values()));
      assertEquals(List.of("a_b_1", "a_b", "0", "self", "class", "_"), List.copyOf(legal.outputs().values()));
      assertEquals(List.of("stem/kernel_1", "stem/kernel", "unnamed"), List.copyOf(legal.variables().values()));
    }
  }

  private static TFloat32 row(float... values) {
    return TFloat32.tensorOf(Shape.of(1, values.length), DataBuffers.of(values));
  }

  private static float[] values(Result result, String name) {
    Tensor tensor = result.get(name).orElseThrow();
    float[] values = new float[(int) tensor.shape().size()];
    ((TFloat32) tensor).asRawTensor().data().asFloats().read(values);
    return values;
  }
}
