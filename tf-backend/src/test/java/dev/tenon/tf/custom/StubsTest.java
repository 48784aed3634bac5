package dev.tenon.tf.custom;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.ConversionException;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.tf.BackendOptions;
import dev.tenon.tf.Conversion;
import dev.tenon.tf.EmitterRegistry;
import dev.tenon.tf.TensorFlowBackend;
import dev.tenon.tf.custom.StubFolder.Language;
import dev.tenon.tf.custom.StubFolder.Stub;
import dev.tenon.tf.emit.Emitters;
import dev.tenon.tf.runtime.GraphRunner;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tensorflow.proto.OpDef;

/** Stubs are generated, built with the machine's compiler, loaded and run. */
class StubsTest {
  @TempDir
  Path folder;

  private static void needsCompiler(Language language) {
    assumeTrue(StubBuild.compiler(language) != null, "no " + language + " compiler on this machine, so stubs cannot be built");
  }

  private StubFolder write(CustomModels m, String op, Declaration declared, Language language, Body body) {
    OperatorSignature s = SignatureReader.read("test::" + op, m.uses(op), declared);
    List<String> places = m.uses(op).stream().map(Node::label).toList();
    return StubFolder.write(folder.resolve("stubs"), List.of(new Stub(s, places, body, LayoutKind.OPAQUE)), language,
        op.toLowerCase(Locale.ROOT) + language).folder();
  }

  private OperatorLibrary build(StubFolder stubs) {
    assertEquals("", StubBuild.run(stubs), "the compiler has nothing to say");
    return OperatorLibrary.load(stubs.libraryFile());
  }

  private static Conversion convert(Model model, String op, OperatorLibrary library) {
    OpDef def = library.operators().get(0);
    EmitterRegistry registry = Emitters.all().op("test", op, 1, new TensorFlowOperator(OperatorBinding.of(def.getName()), def));
    Diagnostics diagnostics = new Diagnostics();
    Conversion c = new TensorFlowBackend(registry).convert(model, BackendOptions.defaults(), diagnostics);
    assertEquals(List.of(), diagnostics.errors());
    return c;
  }

  // ---- everything a signature can hold ----

  private static Attribute[] attributes(boolean second) {
    return new Attribute[] {Attribute.ofFloat("f", 0.5f), Attribute.ofInt("i", second ? -3 : 3),
        Attribute.ofString("s", "a long \"prefix\", of more than 22 bytes: "),
        Attribute.ofTensor("t", Tensor.of(new double[] {7, 8}, 2)), new Attribute("ty", Attribute.Kind.TYPE,
            CustomModels.tensor(DataType.INT32), null),
        Attribute.ofFloats("fs", second ? new float[0] : new float[] {1, 2.5f}), Attribute.ofInts("is", 10, 20),
        Attribute.ofStrings("ss", second ? List.of() : List.of("!", "?")),
        new Attribute("ts", Attribute.Kind.TENSORS, List.of(Tensor.scalar(100f), Tensor.scalar(200f)), null)};
  }

  @ParameterizedTest
  @EnumSource(Language.class)
  void everyKindOfAttributeInputAndOutputPasses(Language language) throws IOException {
    needsCompiler(language);
    CustomModels m = new CustomModels();
    Value x = m.graphs.input("x", "n", 3);
    Value k = m.graphs.input(DataType.INT64, "k", "n");
    Value h = m.graphs.input(DataType.FLOAT16, "h", "n");
    Value flags = m.graphs.input(DataType.BOOL, "flags", "n");
    Value names = m.graphs.input(DataType.STRING, "names", "n");
    Value shift = m.graphs.input("shift", 3);
    Value part = m.graphs.input("part", 3);
    List<Type> types = List.of(CustomModels.tensor(DataType.FLOAT, "n", 3), CustomModels.tensor(DataType.INT64),
        CustomModels.tensor(DataType.STRING, "n"),
        CustomModels.tensor(DataType.FLOAT16, "n", null, 3), CustomModels.tensor(DataType.BOOL, "n"));
    List<Value> first = m.node("Everything", List.of(x, k, h, flags, names, shift, part, shift), types, attributes(false));
    List<Value> second = m.node("Everything", Arrays.asList(x, k, h, flags, names, null, part), types, attributes(true));
    for (int i = 0; i < types.size(); i++) {
      m.graphs.output("first" + i, first.get(i)).output("second" + i, second.get(i));
    }

    Declaration declared = CustomModels.declared("TestEverything" + language,
        List.of("x", "k", "h", "flags", "names", "optional shift", "list parts"), List.of());
    StubFolder stubs = write(m, "Everything", declared, language, Body.NONE);
    String lower = language == Language.C ? "c" : "cpp";
    String extension = language == Language.C ? "c" : "cc";
    String kernel = "test_everything_" + lower + "_kernel." + extension;
    assertTrue(StubBuild.run(stubs).isEmpty(), "what is generated compiles without warnings");
    try (InputStream in = StubsTest.class.getResourceAsStream("everything_kernel." + extension)) {
      String text = new String(in.readAllBytes()).replace("test_everything", "test_everything_" + lower)
          .replace("TEST_EVERYTHING", "TEST_EVERYTHING_" + lower.toUpperCase(Locale.ROOT));
      Files.writeString(stubs.path().resolve(kernel), text);
    }
    OperatorLibrary library = build(stubs);
    try (GraphRunner runner = GraphRunner.open(convert(m.model(), "Everything", library))) {
      checkEverything(runner, 2);
      checkEverything(runner, 5);
    }
  }

  private static void checkEverything(GraphRunner runner, int n) {
    float[] x = new float[3 * n];
    long[] k = new long[n];
    float[] h = new float[n];
    List<String> names = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      x[3 * i] = i + 0.25f;
      k[i] = (1L << 60) + i;
      h[i] = i - 1.5f;
      names.add("name \u00e4 " + i);
    }
    Map<String, Tensor> out = runner.run(Map.of("x", Tensor.of(x, n, 3), "k", Tensor.of(k, n), "h",
        Tensor.of(h, n).cast(DataType.FLOAT16).evaluated(),
        "flags", Tensor.of(k, n).cast(DataType.BOOL).evaluated(), "names", Tensor.ofStrings(names, n), "shift",
            Tensor.of(new float[] {1, 2, 3}, 3),
        "part", Tensor.of(new float[] {4, 5, 6}, 3)));
    // f + i + t + ty + is + ts, and fs of the first.
    float common = 0.5f + 7 + 8 + 3 + 30 + 300;
    for (int e = 0; e < 3 * n; e++) {
      assertEquals(x[e] + common + 3 + 3.5f + e % 3 + 1, out.get("first0").toFloats()[e], 1e-3);
      assertEquals(x[e] + common - 3, out.get("second0").toFloats()[e], 1e-3);
    }
    long sum = Arrays.stream(k).sum();
    assertArrayEquals(new long[] {sum}, out.get("first1").toLongs());
    assertEquals(names.stream().map(s -> "a long \"prefix\", of more than 22 bytes: " + s + "!?").toList(), out.get("first2").toStrings());
    assertEquals(names.stream().map(s -> "a long \"prefix\", of more than 22 bytes: " + s).toList(), out.get("second2").toStrings());
    assertArrayEquals(new long[] {n, 2, 3}, out.get("first3").dims());
    assertArrayEquals(new long[] {n, 1, 3}, out.get("second3").dims());
    assertEquals(h[1] * 5, out.get("second3").toFloats()[4], 1e-3);
    assertEquals(h[1] * 2, out.get("first3").toFloats()[10], 1e-3);
    assertEquals(DataType.FLOAT16, out.get("first3").dtype());
    assertTrue(Arrays.stream(out.get("first4").toLongs()).allMatch(v -> v == 0));
  }

  // ---- first versions ----

  @ParameterizedTest
  @EnumSource(Language.class)
  void anExpressionIsBroadcastAndKnowsChannels(Language language) {
    needsCompiler(language);
    CustomModels m = new CustomModels();
    Value x = m.graphs.input("x", "n", 2, "w");
    Value t = m.graphs.input("t", 2);
    Value y = m.node("Soft", List.of(x, t), List.of(CustomModels.tensor(DataType.FLOAT, "n", 2, "w")), Attribute.ofFloat("gain", 2)).get(0);
    m.graphs.output("y", y);
    Declaration declared = CustomModels.declared("TestSoft" + language, List.of("x", "t"), List.of("y"));
    StubFolder stubs = write(m, "Soft", declared, language, Body.expression("gain * copysign(fmax(fabs(x) - t, 0), x)", Set.of("t")));
    OperatorLibrary library = build(stubs);
    Conversion c = convert(m.model(), "Soft", library);
    assertEquals(2, c.outputs().get(0).shape().getDim(1).getSize());
    try (GraphRunner runner = GraphRunner.open(c)) {
      Tensor out = runner.run(Map.of("x", Tensor.of(new float[] {3, -3, 5, -0.5f}, 1, 2, 2), "t",
          Tensor.of(new float[] {1, 2}, 2))).get("y");
      assertArrayEquals(new float[] {4, -4, 6, 0}, out.toFloats(), 1e-6f);
    }
  }

  @Test
  void identityOfHalfAndOfTextIsWhatWentIn() {
    needsCompiler(Language.C);
    CustomModels m = new CustomModels();
    Value h = m.graphs.input(DataType.FLOAT16, "h", "n");
    Value s = m.graphs.input(DataType.STRING, "s", "n");
    m.graphs.output("h_out", m.node("Same", List.of(h), List.of(CustomModels.unknown())).get(0));
    m.graphs.output("s_out", m.node("Same", List.of(s), List.of(CustomModels.unknown())).get(0));
    OperatorSignature signature = SignatureReader.read("test::Same", m.uses("Same"), Declaration.NONE);
    assertEquals(Set.of(DataType.FLOAT16, DataType.STRING), signature.types().get("T"));
    m.uses("Same").forEach(n -> n.output().setType(n.input(0).type()));
    OperatorLibrary library = build(write(m, "Same", Declaration.NONE, Language.C, Body.IDENTITY));
    try (GraphRunner runner = GraphRunner.open(convert(m.model(), "Same", library))) {
      Tensor half = Tensor.of(new float[] {1.5f, -2}, 2).cast(DataType.FLOAT16).evaluated();
      Map<String, Tensor> out = runner.run(Map.of("h", half, "s", Tensor.ofStrings(List.of("short", "much longer than a short string"),
          2)));
      assertArrayEquals(new float[] {1.5f, -2}, out.get("h_out").toFloats());
      assertEquals(List.of("short", "much longer than a short string"), out.get("s_out").toStrings());
    }
  }

  // ---- what is not right ----

  @Test
  void anUnwrittenKernelSaysWhereItIs() {
    needsCompiler(Language.C);
    CustomModels m = new CustomModels();
    Value x = m.graphs.input("x", 2);
    m.graphs.output("y", m.node("Unwritten", List.of(x), List.of(CustomModels.tensor(DataType.FLOAT, 2))).get(0));
    OperatorLibrary library = build(write(m, "Unwritten", Declaration.NONE, Language.C, Body.NONE));
    try (GraphRunner runner = GraphRunner.open(convert(m.model(), "Unwritten", library))) {
      String message = assertThrows(IllegalStateException.class, () -> runner.run(Map.of("x", Tensor.of(new float[2], 2)))).getMessage();
      assertTrue(message.contains("its computation is not written yet, see test_unwritten_kernel.c"), message);
    }
  }

  @Test
  void anErrorOfTheCompilerIsShown() throws IOException {
    needsCompiler(Language.C);
    CustomModels m = new CustomModels();
    Value x = m.graphs.input("x", 2);
    m.graphs.output("y", m.node("Broken", List.of(x), List.of(CustomModels.tensor(DataType.FLOAT, 2))).get(0));
    StubFolder stubs = write(m, "Broken", Declaration.NONE, Language.C, Body.NONE);
    Files.writeString(stubs.path().resolve("test_broken_kernel.c"), "#include \"test_broken.h\"\nint x = y;\n");
    String message = assertThrows(ConversionException.class, () -> StubBuild.run(stubs)).getMessage();
    assertTrue(message.contains("test_broken_kernel.c:2") && message.contains("build.sh failed"), message);
  }

  @Test
  void aLibraryOfAnotherSignatureIsReportedWithBothSides() {
    needsCompiler(Language.C);
    CustomModels m = new CustomModels();
    Value x = m.graphs.input("x", 2);
    m.graphs.output("y", m.node("Other", List.of(x), List.of(CustomModels.tensor(DataType.FLOAT, 2)), Attribute.ofFloat("a", 1)).get(0));
    OperatorLibrary library = build(write(m, "Other", Declaration.NONE, Language.C, Body.IDENTITY));

    CustomModels doubles = new CustomModels();
    Value d = doubles.graphs.input(DataType.DOUBLE, "x", 2);
    doubles.graphs.output("y", doubles.node("Other", List.of(d), List.of(CustomModels.tensor(DataType.DOUBLE, 2)),
        Attribute.ofFloat("a", 1)).get(0));
    assertMisfit(doubles, library, "input input is float32, the node's float64");

    CustomModels attribute = new CustomModels();
    Value f = attribute.graphs.input("x", 2);
    attribute.graphs.output("y", attribute.node("Other", List.of(f), List.of(CustomModels.tensor(DataType.FLOAT, 2)),
        Attribute.ofInt("b", 1)).get(0));
    assertMisfit(attribute, library, "the node's attribute b = 1 is none of its: [a]");

    CustomModels more = new CustomModels();
    Value p = more.graphs.input("x", 2);
    more.graphs.output("y", more.node("Other", List.of(p, p), List.of(CustomModels.tensor(DataType.FLOAT, 2)),
        Attribute.ofFloat("a", 1)).get(0));
    assertMisfit(more, library, "found 1 inputs, expected the node's 2");
  }

  private static void assertMisfit(CustomModels m, OperatorLibrary library, String expected) {
    OpDef def = library.operators().get(0);
    Diagnostics diagnostics = new Diagnostics();
    EmitterRegistry registry = Emitters.all().op("test", "Other", 1,
        new TensorFlowOperator(OperatorBinding.of(def.getName()), def));
    new TensorFlowBackend(registry).convert(m.model(), BackendOptions.defaults(), diagnostics);
    assertEquals(1, diagnostics.errors().size());
    assertTrue(diagnostics.errors().get(0).message().contains(expected), diagnostics.errors().get(0).message());
  }

  @Test
  void whatTheUserWroteStays() throws IOException {
    CustomModels m = new CustomModels();
    Value x = m.graphs.input("x", 2);
    m.node("Mine", List.of(x), List.of(CustomModels.tensor(DataType.FLOAT, 2)));
    StubFolder stubs = write(m, "Mine", Declaration.NONE, Language.C, Body.NONE);
    for (String mine : List.of("test_mine_kernel.c", "build.sh", "CMakeLists.txt")) {
      Files.writeString(stubs.path().resolve(mine), "mine");
    }
    Files.delete(stubs.path().resolve("test_mine_op.c"));
    write(m, "Mine", Declaration.NONE, Language.C, Body.IDENTITY);
    for (String mine : List.of("test_mine_kernel.c", "build.sh", "CMakeLists.txt")) {
      assertEquals("mine", Files.readString(stubs.path().resolve(mine)));
    }
    assertTrue(Files.exists(stubs.path().resolve("test_mine_op.c")));
  }
}
