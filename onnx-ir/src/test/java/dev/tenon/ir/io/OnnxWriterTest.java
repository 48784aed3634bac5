package dev.tenon.ir.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Function;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.Provenance;
import dev.tenon.ir.Shape;
import dev.tenon.ir.SparseTensor;
import dev.tenon.ir.Storage;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.ir.testing.Equivalence;
import dev.tenon.ir.testing.Graphs;
import dev.tenon.ir.testing.RandomInputs;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OnnxWriterTest {
  @TempDir
  Path folder;

  private static Model reread(Model m) {
    return OnnxReader.read(ByteBuffer.wrap(OnnxWriter.toBytes(m)), "written");
  }

  private static OnnxWriter.Options external() {
    return OnnxWriter.Options.defaults().withWeights(OnnxWriter.Weights.EXTERNAL);
  }

  private List<String> files() throws IOException {
    try (Stream<Path> all = Files.list(folder)) {
      return all.map(p -> p.getFileName().toString()).sorted().toList();
    }
  }

  private static Model linear(Graphs g) {
    Value x = g.input("x", "batch", 5);
    Value w = g.weight("fc.weight", 300, 5);
    Value computed = g.initializer("computed", w.initializer().permute(1, 0).negate());
    return g.output("y", g.op("Add", g.op("MatMul", x, computed), g.weight("fc.bias", 300))).model();
  }

  // ---- weights ----

  @Test
  void computedRecipesAreEvaluatedAsTheyAreWritten() {
    Model m = linear(Graphs.opset(17));
    Tensor expected = m.graph().initializers().stream().filter(v -> v.name().equals("computed")).findFirst().orElseThrow().initializer();
    Tensor read = reread(m).graph().initializers().stream().filter(v -> v.name().equals("computed")).findFirst().orElseThrow().initializer();
    assertTrue(expected.contentEquals(read));
    assertEquals("-permute(fc.weight, 1 0)", expected.recipe().toString());
    assertEquals("computed", read.recipe().toString());
  }

  @Test
  void externalWeightsGoToOneAlignedFileAndSmallOnesStay() throws IOException {
    Graphs g = Graphs.opset(17);
    Value a = g.weight("small", 3);
    Value b = g.weight("odd", 257);
    Value c = g.weight("large", 200, 100);
    Model m = g.output("y", g.op("Concat", List.of(a, b, g.op("Reshape", c, g.constant(Tensor.vector(-1)))), Attribute.ofInt("axis", 0))).model();
    Path file = folder.resolve("m.onnx");
    OnnxWriter.write(m, file, external());
    assertEquals(List.of("m.onnx", "m.onnx.data"), files());
    assertTrue(Files.size(file) < 1024, "only the graph and small tensors are in the model's file");
    assertEquals(4096 + 80_000, Files.size(folder.resolve("m.onnx.data")), "the large tensor begins on a page");
    Equivalence.assertSameOutputs(m, OnnxReader.read(file), 0, List.of(RandomInputs.seeded(1)));
  }

  @Test
  void aModelCanBeWrittenOverItself() {
    Path file = folder.resolve("m.onnx");
    Model first = linear(Graphs.opset(17));
    OnnxWriter.write(first, file, external());
    OnnxWriter.write(OnnxReader.read(file), file, external());
    Equivalence.assertSameOutputs(first, OnnxReader.read(file), Map.of("batch", 2L));
  }

  @Test
  void aFailureLeavesTheOldFileAndNoRemains() throws IOException {
    Path file = folder.resolve("m.onnx");
    Files.writeString(file, "old");
    Graphs g = Graphs.opset(17);
    Storage broken = Storage.decoded(4000, () -> {
      throw new IllegalStateException("cannot be decoded");
    });
    g.output("y", g.op("Abs", g.initializer("w", Tensor.source("w", DataType.FLOAT, new long[] {1000}, broken))));
    for (OnnxWriter.Options o : List.of(OnnxWriter.Options.defaults(), external())) {
      assertThrows(IllegalStateException.class, () -> OnnxWriter.write(g.model(), file, o));
      assertEquals("old", Files.readString(file));
      assertEquals(List.of("m.onnx"), files());
    }
  }

  @Test
  void theSameModelGivesTheSameBytes() throws IOException {
    Path file = folder.resolve("m.onnx");
    OnnxWriter.write(linear(Graphs.opset(17)), file);
    assertArrayEquals(OnnxWriter.toBytes(linear(Graphs.opset(17))), Files.readAllBytes(file));
  }

  @Test
  void tensorsOfAllTypesSurvive() {
    Graphs g = Graphs.opset(21);
    for (DataType t : DataType.values()) {
      if (t != DataType.UNDEFINED && t != DataType.STRING) {
        ByteBuffer b = ByteBuffer.allocate((int) t.byteSize(5));
        for (int i = 0; i < b.capacity(); i++) {
          b.put(i, (byte) (i * 37 + 1));
        }
        g.initializer(t.label(), Tensor.source(t.label(), t, new long[] {5}, Storage.of(b)));
      }
    }
    g.initializer("string", Tensor.ofStrings(List.of("a", "", "ü"), 3, 1).reshape(1, 3));
    Model m = g.output("y", g.input("x", 1)).model();
    Model again = reread(m);
    Map<String, Value> read = new java.util.HashMap<>();
    again.graph().initializers().forEach(v -> read.put(v.name(), v));
    m.graph().initializers().forEach(v -> assertTrue(v.initializer().contentEquals(read.get(v.name()).initializer()), v.toString()));
    assertEquals(14, again.irVersion(), "float6 needs IR version 14");
  }

  // ---- the graph ----

  @Test
  void shapesAreWrittenWithSymbolsAndAnonymousDimensionsLeftOpen() {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", "n", 3, null);
    Value mid = g.op("Abs", x);
    Dim n = Dim.symbol("n");
    mid.setType(Type.tensor(DataType.FLOAT, Shape.of(n.times(2).minus(1).floorDiv(3), Dim.unknown(), Dim.unknown().times(2).plus(1), Dim.of(0))));
    Value unknown = g.op("Abs", mid);
    unknown.setType(Type.tensor(DataType.FLOAT, Shape.unknown()));
    Graph read = reread(g.output("y", g.op("Abs", unknown)).model()).graph();
    Shape s = read.firstNode().output().shape();
    assertEquals(n.times(2).minus(1).floorDiv(3), s.dim(0));
    assertTrue(s.dim(1).isAnonymous() && s.dim(2).isAnonymous(), s.toString());
    assertEquals(Dim.ZERO, s.dim(3));
    assertEquals(-1, read.firstNode().next().output().rank());
    assertEquals("float32[n,3,?]", read.inputs().get(0).type().toString().replaceAll("\\?\\d+", "?"));
  }

  @Test
  void everyKindOfAttributeSurvives() {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", 2);
    Graphs body = g.subgraph("body");
    body.output("b", body.op("Add", x, body.initializer("inner", Tensor.of(new float[] {1, 2}, 2))));
    SparseTensor sparse = new SparseTensor(Tensor.of(new float[] {5}, 1), Tensor.vector(3), new long[] {2, 4});
    Value y = g.op("Custom", x, Attribute.ofFloat("f", 0.1f), Attribute.ofInt("i", Long.MIN_VALUE), Attribute.ofString("s", "tü\n"),
        Attribute.ofFloats("fs", 1, Float.NaN), Attribute.ofInts("is"), Attribute.ofStrings("ss", List.of("", "b")),
        Attribute.ofTensor("t", Tensor.vector(1, 2)), Attribute.ofGraph("g", body.graph()),
        new Attribute("ts", Attribute.Kind.TENSORS, List.of(Tensor.scalar(1f), Tensor.scalar(2L)), null),
        new Attribute("sp", Attribute.Kind.SPARSE_TENSOR, sparse, null),
        new Attribute("sps", Attribute.Kind.SPARSE_TENSORS, List.of(sparse), null),
        new Attribute("tp", Attribute.Kind.TYPE, new Type.SequenceType(Type.tensor(DataType.INT64, Shape.of(3))), null),
        new Attribute("tps", Attribute.Kind.TYPES, List.of(new Type.MapType(DataType.INT64, Type.tensor(DataType.FLOAT, Shape.unknown()))), null));
    Model m = g.output("y", y).model();
    assertEquals(GraphText.of(m), GraphText.of(reread(m)));
    assertEquals(13, reread(m).graph().firstNode().attributes().size());
  }

  @Test
  void leftOutInputsAndOutputsStayLeftOut() {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", 4);
    Node n = g.graph().newNode("Custom").domain("acme").inputs(null, x, null).noOutput().outputNamed("b", null).noOutput().append();
    Node sink = g.graph().newNode("Sink").domain("acme").inputs(x).noOutput().append();
    Model m = g.output("y", n.output(1)).model();
    Graph read = reread(m).graph();
    assertEquals("acme::Custom(-, x, -) -> -, y", read.firstNode().toString());
    assertEquals(sink.inputs().size(), read.lastNode().inputs().size());
    assertEquals(1, reread(m).opset("acme"), "a domain that nodes use is imported");
  }

  @Test
  void functionsSurviveAndTheirConstantsBecomeNodes() {
    Graph body = new Graph("F");
    Value a = body.addInput("a", null);
    Value c = body.addInitializer("c", Tensor.scalar(2f));
    Node mul = body.newNode("Mul").inputs(a, c).outputNamed("p", null).append();
    body.addOutput(body.newNode("LeakyRelu").inputs(mul.output()).outputNamed("b", null)
        .attribute(Attribute.reference("alpha", Attribute.Kind.FLOAT, "slope")).append().output());
    Function f = new Function("dev.tenon", "F", "", List.of(), Map.of("slope", Attribute.ofFloat("slope", 0.5f)), Map.of("", 17), body, "twice");
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", 3);
    Model m = g.output("y", g.graph().newNode("F").domain("dev.tenon").inputs(x).outputNamed("r", null).append().output()).model();
    m.addFunction(f);
    m.setIrVersion(7);
    Model read = reread(m);
    assertEquals(9, read.irVersion(), "functions with defaults need IR version 9");
    Function again = read.functions().get(f.id());
    assertEquals(List.of("Constant", "Mul", "LeakyRelu"), again.body().nodeList().stream().map(Node::opType).toList());
    assertEquals("twice", again.docString());
    // Runs as 2x, negative parts halved again.
    try (var ort = dev.tenon.ir.ort.OrtModel.open(m)) {
      Map<String, Tensor> out = ort.run(Map.of("x", Tensor.of(new float[] {1, -1, 3}, 3)));
      assertArrayEquals(new float[] {2, -1, 6}, out.get("y").toFloats());
    }
  }

  @Test
  void provenanceThatAPassMadeSurvivesAndOtherMetadataDoNotGrow() {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", 4);
    Provenance fused = new Provenance(List.of("Conv_1", "/layer1/bn/Mul", "Relu 3"), "layer1", "/src/net.py:12");
    Value y = g.op("Abs", x);
    y.producer().setProvenance(fused);
    Value plain = g.op("Neg", y);
    plain.producer().setName("neg");
    plain.producer().setProvenance(Provenance.of("neg"));
    plain.producer().metadata().put("k", "v");
    Model read = reread(g.output("y", plain).model());
    assertEquals(fused, read.graph().firstNode().provenance());
    assertEquals(Map.of(), read.graph().firstNode().metadata());
    assertEquals(Provenance.of("neg"), read.graph().lastNode().provenance());
    assertEquals(Map.of("k", "v"), read.graph().lastNode().metadata());
    assertArrayEquals(OnnxWriter.toBytes(read), OnnxWriter.toBytes(reread(read)));
  }

  @Test
  void extraOutputsAreInTheFileOnly() {
    Model m = linear(Graphs.opset(17));
    String product = m.graph().firstNode().output().name();
    Model read = OnnxReader.read(ByteBuffer.wrap(OnnxWriter.toBytes(m, OnnxWriter.Options.defaults().withExtraOutputs(List.of(product, "y")))), "w");
    assertEquals(List.of("y", product), read.graph().outputs().stream().map(Value::name).toList());
    assertEquals(1, m.graph().outputs().size());
    assertThrows(IllegalArgumentException.class,
        () -> OnnxWriter.toBytes(m, OnnxWriter.Options.defaults().withExtraOutputs(List.of("nothing"))));
  }

  @Test
  void defaultsOfInputsSurvive() {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", 2);
    Value w = g.input("w", "n");
    g.graph().setInitializer(w, Tensor.of(new float[] {3, 4}, 2));
    w.setType(Type.tensor(DataType.FLOAT, Graphs.shape("n")));
    Model m = g.output("y", g.op("Add", x, w)).model();
    Value read = reread(m).graph().inputs().get(1);
    assertTrue(read.isInitializer());
    assertEquals("float32[n]", read.type().toString());
  }
}
