package dev.tenon.ir.io;

import static dev.tenon.ir.io.Protos.assertBad;
import static dev.tenon.ir.io.Protos.info;
import static dev.tenon.ir.io.Protos.model;
import static dev.tenon.ir.io.Protos.node;
import static dev.tenon.ir.io.Protos.raw;
import static dev.tenon.ir.io.Protos.relu;

import com.google.protobuf.ByteString;
import dev.tenon.ir.proto.AttributeProto;
import dev.tenon.ir.proto.FunctionProto;
import dev.tenon.ir.proto.GraphProto;
import dev.tenon.ir.proto.ModelProto;
import dev.tenon.ir.proto.OperatorSetIdProto;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every kind of bad file ends in one line that names the file, the place, what was found and what was expected. */
class OnnxReaderBadFilesTest {
  @TempDir
  Path folder;

  private void assertBadFile(byte[] contents, String... texts) throws IOException {
    Path file = folder.resolve("bad.onnx");
    Files.write(file, contents);
    assertBad(() -> OnnxReader.read(file), texts);
  }

  private void assertBadFile(String contents, String... texts) throws IOException {
    assertBadFile(contents.getBytes(StandardCharsets.ISO_8859_1), texts);
  }

  // ---- files that are no ONNX models ----

  @Test
  void filesThatAreSomethingElseAreNamed() throws IOException {
    assertBadFile("PK\3\4 and so on, longer", "bad.onnx", "zip archive", ".pt");
    assertBadFile("\u0040\0\0\0\0\0\0\0{\"w\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}          ", "safetensors");
    assertBadFile("version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 1\n", "Git LFS pointer", "git lfs pull");
    assertBadFile("\n<!DOCTYPE html><html><body>404</body></html>", "HTML");
    assertBadFile("{\"graph\": 1}", "JSON");
    assertBadFile("\u0080\2}q\0.", "pickle");
    assertBadFile("\b\1\u0012\u0020\n\u001e*\4test and more than that, so that it is long", "saved_model.pb");
    assertBadFile("\u001c\0\0\0TFL3\u0014\0 ", "TensorFlow Lite");
    assertBadFile("\u0089HDF\r\n\u001a\n", "HDF5");
  }

  @Test
  void aMissingFileADirectoryAndAnEmptyFileAreNamed() throws IOException {
    assertBad(() -> OnnxReader.read(folder.resolve("absent.onnx")), "absent.onnx", "no such file");
    assertBad(() -> OnnxReader.read(folder), "a directory");
    Files.createFile(folder.resolve("saved_model.pb"));
    assertBad(() -> OnnxReader.read(folder), "SavedModel");
    assertBadFile("", "an empty file");
  }

  @Test
  void bytesThatAreNoProtobufAreRefused() throws IOException {
    assertBadFile("The quick brown fox jumps over the lazy dog", "bad.onnx", "byte ");
    assertBadFile(new byte[100], "no protobuf message");
  }

  @Test
  void aTruncatedFileIsRefusedAtEveryLength() throws IOException {
    byte[] whole = model(relu().addInitializer(raw("w", 1, 24, 2, 3))).build().toByteArray();
    for (int length = 1; length < whole.length; length++) {
      assertBadFile(Arrays.copyOf(whole, length), "bad.onnx");
    }
    assertBadFile(Arrays.copyOf(whole, whole.length - 5), "truncated", "byte ");
  }

  @Test
  void garbageAfterTheModelIsRefused() throws IOException {
    byte[] whole = model(relu()).build().toByteArray();
    byte[] zeros = Arrays.copyOf(whole, whole.length + 7);
    assertBadFile(zeros, "no protobuf message");
    byte[] field = Arrays.copyOf(whole, whole.length + 4);
    // Field 100, a varint: a whole field that ONNX does not have.
    System.arraycopy(new byte[] {(byte) 0xa0, 6, 1, (byte) 0x40}, 0, field, whole.length, 3);
    assertBadFile(Arrays.copyOf(field, whole.length + 3), "field 100", "nothing after it");
  }

  @Test
  void nestingBeyondReasonIsRefusedWithoutAStackOverflow() {
    GraphProto.Builder graph = relu();
    for (int depth = 0; depth < 400; depth++) {
      graph = GraphProto.newBuilder().setName("g").addNode(node("If", "if" + depth, "", "o" + depth)
          .addAttribute(AttributeProto.newBuilder().setName("then_branch").setType(AttributeProto.AttributeType.GRAPH).setG(graph)));
    }
    assertBad(model(graph), "messages inside each other");
  }

  // ---- versions ----

  @Test
  void versionsOutsideTheKnownRangeAreRefused() {
    assertBad(model(relu()).setIrVersion(15), "ir_version", "15", "1 to 14");
    assertBad(model(relu()).setIrVersion(0), "ir_version", "0");
    assertBad(model(relu()).clearIrVersion(), "ir_version", "none");
    assertBad(model(relu()).setOpsetImport(0, OperatorSetIdProto.newBuilder().setVersion(29)), "opset 29", "1 to 28");
    assertBad(model(relu()).setOpsetImport(0, OperatorSetIdProto.newBuilder().setVersion(0)), "opset 0");
    assertBad(model(relu()).addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("ai.onnx").setVersion(16)), "both opset 17 and 16");
    assertBad(model(relu()).clearOpsetImport(), "no opset", "relu");
  }

  @Test
  void aModelWithoutAGraphIsRefused() {
    assertBad(model(relu()).clearGraph(), "no graph");
  }

  // ---- graphs ----

  @Test
  void aMissingInputNamesTheNodeAndTheValue() {
    assertBad(model(relu().addNode(node("Add", "sum", "y,gone", "z"))), "node sum", "'gone'", "nothing defines");
  }

  @Test
  void aNamelessNodeIsNamedByOperatorAndNumber() {
    assertBad(model(relu().addNode(node("Add", "", "y,gone", "z"))), "Add (number 1)");
  }

  @Test
  void aCycleNamesItsNodes() {
    GraphProto.Builder g = relu().addNode(node("Add", "first", "y,c", "a")).addNode(node("Neg", "second", "a", "b"))
        .addNode(node("Abs", "third", "b", "c")).addNode(node("Exp", "outside", "c", "d"));
    assertBad(model(g), "cycle", "first", "second", "third");
    assertBad(model(relu().addNode(node("Add", "self", "y,s", "s"))), "cycle", "self -> self");
  }

  @Test
  void namesDefinedTwiceAreRefused() {
    assertBad(model(relu().addNode(node("Abs", "again", "x", "y"))), "again", "'y'", "defined already");
    assertBad(model(relu().addNode(node("Split", "twice", "x", "p,p"))), "twice", "'p'");
    assertBad(model(relu().addNode(node("Abs", "overInput", "y", "x"))), "'x'");
    assertBad(model(relu().addInput(info("x", 1))), "input x", "twice");
    assertBad(model(relu().addInitializer(raw("w", 1, 4, 1)).addInitializer(raw("w", 1, 4, 1))), "initializer w", "twice");
  }

  @Test
  void thingsWithoutNamesOrTypesAreRefused() {
    assertBad(model(relu().addInput(info(""))), "without a name");
    assertBad(model(relu().addInitializer(raw("", 1, 4, 1))), "without a name");
    assertBad(model(relu().addNode(node("", "n", "x", "z"))), "node n", "no op_type");
    assertBad(model(relu().addOutput(info("nowhere", 1))), "output nowhere", "nothing defines");
    assertBad(model(relu().addInput(info("untyped").clearType())), "input untyped", "no element type");
    var unknown = info("u");
    unknown.getTypeBuilder().getTensorTypeBuilder().setElemType(77);
    assertBad(model(relu().addInput(unknown)), "input u", "element type 77");
  }

  @Test
  void aDefaultMustFitItsInput() {
    assertBad(model(relu().addInitializer(raw("x", 7, 48, 2, 3))), "input x", "int64[2,3]", "float32[2,3]");
  }

  @Test
  void textsOfTheFileCannotBreakTheMessageIntoLines() {
    assertBad(model(relu().addNode(node("Add", "evil\nname", "y,go\rne", "z"))), "evil");
  }

  // ---- attributes ----

  private static ModelProto.Builder withAttribute(AttributeProto.Builder a) {
    return model(relu().addNode(node("Foo", "foo", "x", "z").addAttribute(a)));
  }

  @Test
  void attributesThatContradictThemselvesAreRefused() {
    var i = AttributeProto.newBuilder().setName("a").setType(AttributeProto.AttributeType.INT);
    assertBad(withAttribute(i.clone().setF(1)), "node foo, attribute a", "FLOAT", "INT");
    assertBad(withAttribute(AttributeProto.newBuilder().setName("a")), "neither type nor value");
    assertBad(withAttribute(AttributeProto.newBuilder().setName("a").setI(1).setF(1)), "values of types");
    assertBad(withAttribute(AttributeProto.newBuilder().setName("a").setType(AttributeProto.AttributeType.GRAPH)), "GRAPH");
    assertBad(withAttribute(i.clone().setRefAttrName("b")), "a reference to the attribute 'b'");
    assertBad(withAttribute(i.clone().clearName().setI(1)), "no name");
    assertBad(model(relu().addNode(node("Foo", "foo", "x", "z").addAttribute(i.clone().setI(1)).addAttribute(i.clone().setI(2)))), "twice");
    assertBad(withAttribute(AttributeProto.newBuilder().setName("s").setType(AttributeProto.AttributeType.STRING)
        .setS(ByteString.copyFrom(new byte[] {(byte) 0xff, 0}))), "UTF-8");
  }

  // ---- functions ----

  @Test
  void functionsThatCallThemselvesAreRefused() {
    var a = FunctionProto.newBuilder().setName("A").setDomain("d").addInput("x").addOutput("y")
        .addNode(node("B", "callB", "x", "y").setDomain("d")).addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("d").setVersion(1));
    var b = a.clone().setName("B").clearNode().addNode(node("A", "callA", "x", "y").setDomain("d"));
    assertBad(model(relu()).addFunctions(a).addFunctions(b), "function", "comes round");
    assertBad(model(relu()).addFunctions(a).addFunctions(a), "d::A twice");
  }
}
