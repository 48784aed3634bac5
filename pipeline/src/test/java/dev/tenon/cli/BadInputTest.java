package dev.tenon.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import dev.tenon.ir.proto.GraphProto;
import dev.tenon.ir.proto.ModelProto;
import dev.tenon.ir.proto.NodeProto;
import dev.tenon.ir.proto.OperatorSetIdProto;
import dev.tenon.ir.proto.StringStringEntryProto;
import dev.tenon.ir.proto.TensorProto;
import dev.tenon.ir.proto.TensorShapeProto;
import dev.tenon.ir.proto.TypeProto;
import dev.tenon.ir.proto.ValueInfoProto;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A bad file or place ends in one clear line with the right exit code, and leaves nothing behind. */
class BadInputTest {
  @TempDir
  private Path folder;
  private Path work;

  @BeforeEach
  void makeWorkFolder() throws IOException {
    work = Files.createDirectory(folder.resolve("work"));
  }

  /** Runs a conversion that must fail: one line that says these words, code 3, and no trace of an output. */
  private void assertRefused(Path model, String... words) throws IOException {
    CommandRun run = CommandRun.of("convert", model, "-o", work.resolve("out"));
    assertEquals(ExitCodes.BAD_INPUT, run.code(), run.err());
    assertEquals(1, run.errorLines().size(), run.err());
    String line = run.errorLines().get(0);
    assertTrue(line.startsWith("tenon: error: "), line);
    assertTrue(line.contains(model.getFileName().toString()), "names the file: " + line);
    for (String w : words) {
      assertTrue(line.contains(w), "expected '" + w + "' in: " + line);
    }
    assertEquals("", run.out());
    assertNothingIn(work);
  }

  private static void assertNothingIn(Path dir) throws IOException {
    try (Stream<Path> files = Files.list(dir)) {
      assertEquals(List.of(), files.toList());
    }
  }

  private Path file(String name, byte[] bytes) throws IOException {
    return Files.write(folder.resolve(name), bytes);
  }

  // ---- files that are no models ----

  @Test
  void missingFile() throws IOException {
    assertRefused(folder.resolve("nowhere.onnx"), "no such file");
  }

  @Test
  void emptyFile() throws IOException {
    assertRefused(file("empty.onnx", new byte[0]), "empty");
  }

  @Test
  void truncatedFile() throws IOException {
    byte[] whole = Files.readAllBytes(TinyModels.convolutions(folder.resolve("whole.onnx")));
    assertRefused(file("truncated.onnx", Arrays.copyOf(whole, whole.length * 2 / 3)), "truncated");
  }

  @Test
  void notProtobuf() throws IOException {
    assertRefused(file("text.onnx", "this is no model at all\n".repeat(20).getBytes()), "expected");
  }

  @Test
  void folderInsteadOfFile() throws IOException {
    assertRefused(Files.createDirectory(folder.resolve("dir.onnx")), "directory");
  }

  // ---- models that are wrong ----

  private static ModelProto.Builder model(GraphProto.Builder graph) {
    return ModelProto.newBuilder().setIrVersion(8).setGraph(graph)
        .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("").setVersion(17));
  }

  private static ValueInfoProto value(String name) {
    return ValueInfoProto.newBuilder().setName(name).setType(TypeProto.newBuilder().setTensorType(TypeProto.Tensor.newBuilder()
        .setElemType(1).setShape(TensorShapeProto.newBuilder().addDim(TensorShapeProto.Dimension.newBuilder().setDimValue(4))))).build();
  }

  private static NodeProto node(String op, String output, String... inputs) {
    return NodeProto.newBuilder().setOpType(op).setName(op + "_" + output).addAllInput(List.of(inputs)).addOutput(output).build();
  }

  private static GraphProto.Builder graph(NodeProto... nodes) {
    return GraphProto.newBuilder().setName("g").addInput(value("x")).addOutput(value("y")).addAllNode(List.of(nodes));
  }

  private void assertRefused(String name, ModelProto.Builder model, String... words) throws IOException {
    assertRefused(file(name, model.build().toByteArray()), words);
  }

  @Test
  void cycle() throws IOException {
    assertRefused("cycle.onnx", model(graph(node("Add", "a", "x", "b"), node("Relu", "b", "a"), node("Relu", "y", "b"))), "cycle", "Relu_b");
  }

  @Test
  void inputThatNobodyComputes() throws IOException {
    assertRefused("missing.onnx", model(graph(node("Add", "y", "x", "ghost"))), "ghost", "Add_y");
  }

  @Test
  void tensorSizeThatDoesNotMatchItsData() throws IOException {
    TensorProto w = TensorProto.newBuilder().setName("w").setDataType(1).addDims(4).setRawData(ByteString.copyFrom(new byte[12])).build();
    assertRefused("size.onnx", model(graph(node("Add", "y", "x", "w")).addInitializer(w)), "w", "12", "16");
  }

  @Test
  void externalDataOutsideTheFolder() throws IOException {
    file("secret", new byte[64]);
    TensorProto w = TensorProto.newBuilder().setName("w").setDataType(1).addDims(4)
        .setDataLocation(TensorProto.DataLocation.EXTERNAL)
        .addExternalData(StringStringEntryProto.newBuilder().setKey("location").setValue("../secret")).build();
    Path inner = Files.createDirectory(folder.resolve("inner")).resolve("outside.onnx");
    Files.write(inner, model(graph(node("Add", "y", "x", "w")).addInitializer(w)).build().toByteArray());
    assertRefused(inner, "../secret");
  }

  @Test
  void unknownElementType() throws IOException {
    TensorProto w = TensorProto.newBuilder().setName("w").setDataType(99).addDims(4).setRawData(ByteString.copyFrom(new byte[16])).build();
    assertRefused("type.onnx", model(graph(node("Add", "y", "x", "w")).addInitializer(w)), "w", "99");
  }

  @Test
  void futureOpset() throws IOException {
    ModelProto.Builder m = model(graph(node("Relu", "y", "x"))).clearOpsetImport()
        .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(999));
    assertRefused("future.onnx", m, "opset", "999");
  }

  // ---- places ----

  @Test
  void outputThatExists() throws IOException {
    Path model = TinyModels.convolutions(folder.resolve("m.onnx"));
    Path out = Files.createDirectory(folder.resolve("there"));
    Files.writeString(out.resolve("precious.txt"), "mine");
    CommandRun run = CommandRun.of("convert", model, "-o", out);
    assertEquals(ExitCodes.BAD_INPUT, run.code());
    assertTrue(run.errorLines().get(0).contains("not empty"), run.err());
    CommandRun forced = CommandRun.of("convert", model, "-o", out, "--force");
    assertEquals(ExitCodes.BAD_INPUT, forced.code(), "--force replaces SavedModels, nothing else");
    assertTrue(forced.errorLines().get(0).contains("precious.txt"), forced.err());
    assertEquals("mine", Files.readString(out.resolve("precious.txt")));
  }

  @Test
  void outputThatIsAFile() throws IOException {
    Path model = TinyModels.convolutions(folder.resolve("m.onnx"));
    Path out = Files.writeString(folder.resolve("file"), "mine");
    CommandRun run = CommandRun.of("convert", model, "-o", out);
    assertEquals(ExitCodes.BAD_INPUT, run.code());
    assertEquals("mine", Files.readString(out));
  }

  @Test
  void outputThatCannotBeWritten() throws IOException {
    Path model = TinyModels.convolutions(folder.resolve("m.onnx"));
    Path file = Files.writeString(folder.resolve("blocker"), "mine");
    CommandRun run = CommandRun.of("convert", model, "-o", file.resolve("sub").resolve("out"));
    assertEquals(ExitCodes.BAD_INPUT, run.code(), run.err());
    assertEquals(1, run.errorLines().size(), run.err());
    assertTrue(run.errorLines().get(0).contains("cannot be written"), run.err());
  }

  @Test
  void parentFoldersMadeOnTheWayVanishWithAFailure() throws IOException {
    CommandRun run = CommandRun.of("convert", file("empty.onnx", new byte[0]), "-o", work.resolve("a").resolve("b").resolve("out"));
    assertEquals(ExitCodes.BAD_INPUT, run.code());
    assertNothingIn(work);
  }

  // ---- other commands, usage, unsupported ----

  @Test
  void unsupportedOperatorsAreAllListedAndNothingIsWritten() throws IOException {
    Path model = TinyModels.custom(folder.resolve("custom.onnx"));
    CommandRun run = CommandRun.of("convert", model, "-o", work.resolve("out"));
    assertEquals(ExitCodes.UNSUPPORTED, run.code());
    assertTrue(run.err().contains("com.acme::Blur") && run.err().contains("com.acme::Sharpen"), run.err());
    assertTrue(run.err().contains("/encoder/blur/Blur"), "names the place: " + run.err());
    assertFalse(run.err().contains("\tat "), "no stack trace");
    assertNothingIn(work);
  }

  @Test
  void usageErrorsSayWhereToRead() {
    CommandRun run = CommandRun.of("convert", "x.onnx");
    assertEquals(ExitCodes.USAGE, run.code());
    assertTrue(run.err().contains("--output") && run.err().contains("tenon convert --help"), run.err());
    assertEquals(ExitCodes.USAGE, CommandRun.of("convert", "x.onnx", "-o", "y", "--input", "nonsense").code());
    assertEquals(ExitCodes.USAGE, CommandRun.of("convert", "x.onnx", "-o", "y", "--input", "image:1,3,-4,8").code());
    assertEquals(ExitCodes.USAGE, CommandRun.of("convert", "x.onnx", "-o", "y", "--passes", "no-such-pass").code());
    assertEquals(ExitCodes.USAGE, CommandRun.of("frobnicate").code());
  }

  @Test
  void namesAndVerifyWantAFolderThatConvertWrote() throws IOException {
    CommandRun names = CommandRun.of("names", work);
    assertEquals(ExitCodes.BAD_INPUT, names.code());
    assertEquals(1, names.errorLines().size(), names.err());
    Path model = TinyModels.convolutions(folder.resolve("m.onnx"));
    assertEquals(ExitCodes.BAD_INPUT, CommandRun.of("verify", model, work).code());
  }

  @Test
  void stackTraceOnlyWhenAskedFor() throws IOException {
    Path empty = file("empty.onnx", new byte[0]);
    assertFalse(CommandRun.of("inspect", empty).err().contains("\tat "));
    assertTrue(CommandRun.of("inspect", empty, "-v").err().contains("\tat "));
  }
}
