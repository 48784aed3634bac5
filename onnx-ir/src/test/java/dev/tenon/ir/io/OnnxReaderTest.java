package dev.tenon.ir.io;

import static dev.tenon.ir.io.Protos.info;
import static dev.tenon.ir.io.Protos.model;
import static dev.tenon.ir.io.Protos.node;
import static dev.tenon.ir.io.Protos.raw;
import static dev.tenon.ir.io.Protos.relu;
import static dev.tenon.ir.io.Protos.tensor;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Function;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.Provenance;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.Diagnostic;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.proto.AttributeProto;
import dev.tenon.ir.proto.FunctionProto;
import dev.tenon.ir.proto.GraphProto;
import dev.tenon.ir.proto.ModelProto;
import dev.tenon.ir.proto.OperatorSetIdProto;
import dev.tenon.ir.proto.StringStringEntryProto;
import dev.tenon.ir.proto.TensorAnnotation;
import dev.tenon.ir.proto.TrainingInfoProto;
import dev.tenon.ir.proto.ValueInfoProto;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a good file says is what the graph has. */
class OnnxReaderTest {

  private static List<String> ops(Graph g) {
    return g.nodeList().stream().map(Node::opType).toList();
  }

  // ---- versions and opsets ----

  @Test
  void domainAiOnnxIsTheEmptyOne() {
    Model m = Protos.read(model(relu().addNode(node("Abs", "a", "y", "z").setDomain("ai.onnx")))
        .setOpsetImport(0, OperatorSetIdProto.newBuilder().setDomain("ai.onnx").setVersion(13)));
    assertEquals(Map.of("", 13), m.opsetImports());
    assertTrue(m.graph().lastNode().isOp("Abs"));
  }

  @Test
  void modelsFromBeforeOpsetsAreAtOpset1() {
    assertEquals(1, Protos.read(model(relu()).setIrVersion(2).clearOpsetImport()).opset());
  }

  @Test
  void customDomainsNeedNoImport() {
    Model m = Protos.read(model(relu().addNode(node("Blur", "b", "y", "z").setDomain("com.acme"))));
    assertEquals(1, m.opset("com.acme"));
    assertEquals("com.acme::Blur", m.graph().lastNode().qualifiedOp());
  }

  @Test
  void opsetImportsMayRepeatThemselves() {
    assertEquals(17, Protos.read(model(relu()).addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("ai.onnx").setVersion(17))).opset());
  }

  // ---- inputs, initializers, types ----

  @Test
  void anInitializerAmongTheInputsIsPlainBeforeIr4AndADefaultFromIr4() {
    GraphProto.Builder g = relu().addInput(info("w", 2, 3)).addInitializer(raw("w", 1, 24, 2, 3)).addNode(node("Add", "add", "y,w", "z"));
    Graph old = Protos.read(model(g.clone()).setIrVersion(3)).graph();
    assertEquals(List.of("x"), old.inputs().stream().map(Value::name).toList());
    assertTrue(old.initializers().iterator().next().constant() != null);
    Graph now = Protos.read(model(g)).graph();
    assertEquals(List.of("x", "w"), now.inputs().stream().map(Value::name).toList());
    Value w = now.inputs().get(1);
    assertTrue(w.isInitializer() && w.isGraphInput());
    assertNull(w.constant(), "a caller may override it");
  }

  @Test
  void aDefaultDoesNotNarrowTheTypeOfItsInput() {
    var declared = info("w");
    declared.getTypeBuilder().getTensorTypeBuilder().getShapeBuilder().addDimBuilder().setDimParam("n");
    Graph g = Protos.read(model(relu().addInput(declared).addInitializer(raw("w", 1, 12, 3)))).graph();
    assertEquals("float32[n]", g.inputs().get(1).type().toString());
  }

  @Test
  void tensorsAreSourcesByName() {
    Graph g = Protos.read(model(relu().addInitializer(raw("layer.weight", 1, 24, 2, 3))
        .addNode(node("Constant", "c", "", "k").addAttribute(AttributeProto.newBuilder().setName("value")
            .setType(AttributeProto.AttributeType.TENSOR).setT(raw("inner", 7, 8, 1)))))).graph();
    assertEquals("layer.weight", g.initializers().iterator().next().initializer().recipe().toString());
    assertEquals("k", g.lastNode().tensorAttr("value").recipe().toString());
  }

  @Test
  void dimensionsAreNumbersSymbolsExpressionsOrUnknown() {
    var x = info("x");
    var shape = x.getTypeBuilder().getTensorTypeBuilder().getShapeBuilder();
    shape.addDimBuilder().setDimValue(4);
    shape.addDimBuilder().setDimParam("batch");
    shape.addDimBuilder().setDimParam("2*batch + 1");
    shape.addDimBuilder().setDimParam("");
    shape.addDimBuilder();
    shape.addDimBuilder().setDimValue(-1);
    shape.addDimBuilder().setDimParam("?");
    shape.addDimBuilder().setDimParam("?");
    shape.addDimBuilder().setDimParam("unk__12 x");
    Shape s = Protos.read(model(relu().setInput(0, x))).graph().inputs().get(0).shape();
    assertEquals(Dim.of(4), s.dim(0));
    assertEquals(Dim.symbol("batch").times(2).plus(1), s.dim(2));
    for (int i = 3; i <= 7; i++) {
      assertTrue(s.dim(i).isAnonymous(), "dimension " + i);
    }
    assertNotEquals(s.dim(6), s.dim(7), "two question marks are not the same dimension");
    assertEquals(Dim.symbol("unk__12 x"), s.dim(8));
  }

  @Test
  void valueInfoGivesTypesAndUnknownRanksStayUnknown() {
    var mid = info("mid", 2, 3);
    var loose = ValueInfoProto.newBuilder().setName("z");
    loose.getTypeBuilder().getTensorTypeBuilder().setElemType(10);
    Graph g = Protos.read(model(relu().addNode(node("Abs", "a", "y", "mid")).addNode(node("Cast", "c", "mid", "z"))
        .addValueInfo(mid).addValueInfo(loose).addValueInfo(info("nobody", 1)))).graph();
    assertEquals("float32[2,3]", g.firstNode().next().output().type().toString());
    assertEquals(Type.tensor(DataType.FLOAT16, Shape.unknown()), g.lastNode().output().type());
  }

  @Test
  void typesOtherThanTensorsAreRead() {
    var seq = ValueInfoProto.newBuilder().setName("s");
    seq.getTypeBuilder().getOptionalTypeBuilder().getElemTypeBuilder().getSequenceTypeBuilder().getElemTypeBuilder()
        .getTensorTypeBuilder().setElemType(7);
    var map = ValueInfoProto.newBuilder().setName("m");
    map.getTypeBuilder().getMapTypeBuilder().setKeyType(7).getValueTypeBuilder().getTensorTypeBuilder().setElemType(1);
    Graph g = Protos.read(model(relu().addInput(seq).addInput(map))).graph();
    assertEquals("optional(seq(int64[...]))", g.inputs().get(1).type().toString());
    assertEquals("map(int64,float32[...])", g.inputs().get(2).type().toString());
  }

  // ---- order ----

  @Test
  void nodesOutOfOrderAreSortedAndOthersKeepTheirPlaces() {
    GraphProto.Builder g = relu().clearNode().addNode(node("Add", "last", "b,c", "y")).addNode(node("Abs", "b", "a", "b"))
        .addNode(node("Neg", "c", "a", "c")).addNode(node("Exp", "a", "x", "a"));
    assertEquals(List.of("Exp", "Abs", "Neg", "Add"), ops(Protos.read(model(g)).graph()));
  }

  // ---- subgraphs ----

  private static AttributeProto.Builder branch(String name, GraphProto.Builder g) {
    return AttributeProto.newBuilder().setName(name).setType(AttributeProto.AttributeType.GRAPH).setG(g);
  }

  private static GraphProto.Builder body(String output) {
    return GraphProto.newBuilder().setName("body").addOutput(ValueInfoProto.newBuilder().setName(output));
  }

  @Test
  void siblingsMayUseTheSameNamesAndSeeTheGraphAround() {
    GraphProto.Builder then = body("r").addNode(node("Abs", "t", "y", "r"));
    GraphProto.Builder other = body("r").addInitializer(raw("k", 1, 4, 1)).addNode(node("Add", "e", "x,k", "r"));
    Model m = Protos.read(model(relu().addInput(info("cond")).addNode(node("If", "if", "cond", "z")
        .addAttribute(branch("then_branch", then)).addAttribute(branch("else_branch", other)))));
    Node branching = m.graph().lastNode();
    Node abs = branching.graphAttr("then_branch").firstNode();
    Node add = branching.graphAttr("else_branch").firstNode();
    assertSame(m.graph().firstNode().output(), abs.input(0), "an outer value is read by identity");
    assertEquals("r", abs.output().name());
    assertEquals("r_1", add.output().name());
    assertSame(add.output(), branching.graphAttr("else_branch").outputs().get(0));
    assertSame(branching, branching.graphAttr("then_branch").owner());
  }

  @Test
  void aShadowingNameMeansTheInnerValueFromItsDefinitionOn() {
    GraphProto.Builder then = body("y").addNode(node("Neg", "n", "y", "t")).addNode(node("Abs", "a", "t", "y"));
    Model m = Protos.read(model(relu().addInput(info("cond")).addNode(node("If", "if", "cond", "z").addAttribute(branch("then_branch", then)))));
    Graph g = m.graph().lastNode().graphAttr("then_branch");
    assertSame(m.graph().firstNode().output(), g.firstNode().input(0), "before its own definition, y is the outer one");
    assertSame(g.lastNode().output(), g.outputs().get(0), "after it, y is the inner one");
    assertEquals("y_1", g.lastNode().output().name());
  }

  @Test
  void everyNameInTheTreeIsDifferent() {
    GraphProto.Builder inner = body("a").addNode(node("Abs", "i", "x", "a")).addNode(node("Abs", "j", "a", "a_1"));
    GraphProto.Builder then = body("a").addNode(node("Abs", "t", "x", "a_1")).addNode(node("If", "deep", "x", "a")
        .addAttribute(branch("then_branch", inner)));
    Model m = Protos.read(model(relu().addNode(node("Abs", "out", "x", "a")).addNode(node("If", "if", "x", "z")
        .addAttribute(branch("then_branch", then)).addAttribute(branch("else_branch", then.clone())))));
    List<String> names = new java.util.ArrayList<>();
    m.graph().forEachNode(n -> n.outputs().forEach(v -> names.add(v.name())));
    assertEquals(new TreeSet<>(names).size(), names.size(), names.toString());
  }

  @Test
  void aSubgraphMayHandOutAnOuterValue() {
    Model m = Protos.read(model(relu().addInput(info("cond")).addNode(node("If", "if", "cond", "z").addAttribute(branch("then_branch", body("y"))))));
    Graph g = m.graph().lastNode().graphAttr("then_branch");
    assertEquals(List.of("Identity"), ops(g));
    assertSame(m.graph().firstNode().output(), g.firstNode().input(0));
  }

  @Test
  void aSubgraphThatReadsALaterNodeMovesItsOwnerBack() {
    GraphProto.Builder g = GraphProto.newBuilder().setName("g").addInput(info("x", 2)).addInput(info("cond")).addOutput(info("z"))
        .addNode(node("If", "if", "cond", "z").addAttribute(branch("then_branch", body("r").addNode(node("Neg", "n", "late", "r")))))
        .addNode(node("Exp", "e", "x", "late"));
    assertEquals(List.of("Exp", "If"), ops(Protos.read(model(g)).graph()));
  }

  // ---- functions ----

  @Test
  void functionsKeepDomainOverloadAttributesDefaultsAndOpsets() {
    FunctionProto f = FunctionProto.newBuilder().setName("Scale").setDomain("acme").setOverload("v2").addInput("a").addOutput("b")
        .addAttribute("must").addAttributeProto(AttributeProto.newBuilder().setName("alpha").setType(AttributeProto.AttributeType.FLOAT).setF(0.5f))
        .addNode(node("LeakyRelu", "l", "a", "b").addAttribute(AttributeProto.newBuilder().setName("alpha")
            .setType(AttributeProto.AttributeType.FLOAT).setRefAttrName("alpha")))
        .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(16)).setDocString("doc").build();
    Model m = Protos.read(model(relu().addNode(node("Scale", "s", "y", "z").setDomain("acme").setOverload("v2"))).addFunctions(f));
    Function read = m.functions().get(Function.Id.of(m.graph().lastNode()));
    assertEquals(List.of("must"), read.attributeNames());
    assertEquals(0.5f, read.attributeDefaults().get("alpha").as(Float.class));
    assertEquals(Map.of("", 16), read.opsetImports());
    assertEquals("alpha", read.body().firstNode().attribute("alpha").refName());
    assertEquals("a", read.body().inputs().get(0).name());
    assertSame(read.body().firstNode().output(), read.body().outputs().get(0));
  }

  // ---- attributes, texts ----

  @Test
  void attributesOfOldFilesHaveNoTypeAndAreKnownByTheirValue() {
    Node n = Protos.read(model(relu().addNode(node("Foo", "f", "x", "z").addAttribute(AttributeProto.newBuilder().setName("i").setI(3))
        .addAttribute(AttributeProto.newBuilder().setName("fs").addFloats(1.5f))))).graph().lastNode();
    assertEquals(3, n.intAttr("i", 0));
    assertArrayEquals(new float[] {1.5f}, n.floatsAttr("fs", null));
  }

  @Test
  void listsMayBeEmptyAndZerosLeftOut() {
    Node n = Protos.read(model(relu().addNode(node("Foo", "f", "x", "z")
        .addAttribute(AttributeProto.newBuilder().setName("ints").setType(AttributeProto.AttributeType.INTS))
        .addAttribute(AttributeProto.newBuilder().setName("zero").setType(AttributeProto.AttributeType.INT))
        .addAttribute(AttributeProto.newBuilder().setName("text").setType(AttributeProto.AttributeType.STRING))))).graph().lastNode();
    assertEquals(0, n.intsAttr("ints", null).length);
    assertEquals(0, n.intAttr("zero", 7));
    assertEquals("", n.stringAttr("text", null));
  }

  @Test
  void documentationAndMetadataAreKept() {
    var entry = StringStringEntryProto.newBuilder().setKey("k").setValue("v").build();
    Model m = Protos.read(model(relu().setDocString("about the graph").addMetadataProps(entry).setNode(0, node("Relu", "r", "x", "y")
        .setDocString("about the node").addMetadataProps(entry)).addInitializer(raw("w", 1, 4, 1).setDocString("about the weight")))
        .setProducerName("p").setProducerVersion("1").setDomain("d").setModelVersion(3).setDocString("about the model").addMetadataProps(entry));
    assertEquals("about the graph", m.graph().docString());
    assertEquals("about the node", m.graph().firstNode().docString());
    assertEquals("about the weight", m.graph().initializers().iterator().next().docString());
    assertEquals(Map.of("k", "v"), m.graph().firstNode().metadata());
    assertEquals(List.of("p", "1", "d", "3", "about the model", "v"), List.of(m.producerName(), m.producerVersion(), m.domain(),
        Long.toString(m.modelVersion()), m.docString(), m.metadata().get("k")));
  }

  @Test
  void whatIsNotReadIsNoted(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("m.onnx");
    ModelProto.Builder p = model(relu().addQuantizationAnnotation(TensorAnnotation.newBuilder().setTensorName("x")))
        .addTrainingInfo(TrainingInfoProto.newBuilder());
    Files.write(file, p.build().toByteArray());
    Diagnostics d = new Diagnostics();
    OnnxReader.read(file, new OnnxReader.Options(null, d));
    assertEquals(List.of("quantization-annotation-ignored", "training-info-ignored"), d.all().stream().map(Diagnostic::code).toList());
    assertFalse(d.hasErrors());
  }

  // ---- provenance ----

  @Test
  void namelessNodesGetSourceNamesThatNoOtherNodeHas() {
    Graph g = Protos.read(model(relu().addNode(node("Abs", "", "x", "a")).addNode(node("Abs", "Abs_1", "x", "b"))
        .addNode(node("Abs", "", "x", "c")))).graph();
    assertEquals(List.of("relu", "Abs_0", "Abs_1", "Abs_2"), g.nodeList().stream().map(n -> n.provenance().sources().get(0)).toList());
  }

  @Test
  void provenanceOfDynamoComesFromItsMetadata() {
    var scopes = StringStringEntryProto.newBuilder().setKey(ModulePaths.NAME_SCOPES).setValue("['', 'layer1', 'layer1.0.conv1', 'conv2d_1']");
    Node n = Protos.read(model(relu().setNode(0, node("Relu", "node_relu", "x", "y").addMetadataProps(scopes)))).graph().firstNode();
    assertEquals(new Provenance(List.of("node_relu"), "layer1.0.conv1", ""), n.provenance());
  }

  @Test
  void elementsAreReadOnlyViews() {
    Tensor t = Protos.read(model(relu().addInitializer(raw("w", 1, 24, 2, 3)))).graph().initializers().iterator().next().initializer();
    assertTrue(t.bytes().isReadOnly());
    assertEquals(tensor("w", 1, 2, 3).getDimsList(), List.of(t.dim(0), t.dim(1)));
  }
}
