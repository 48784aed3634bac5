package dev.tenon.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tenon.ir.testing.Fixtures;
import dev.tenon.tf.custom.StubBuild;
import dev.tenon.tf.custom.StubFolder.Language;
import dev.tenon.zoo.Batch;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The example in {@code testmodels/custom-op}, from the unknown operator to the verified SavedModel, and what happens when somebody's
 * kernel or library is not what it should be. Skipped where there is no C compiler.
 */
@TestInstance(Lifecycle.PER_CLASS)
class StubsTest {
  private static final Path EXAMPLE = Fixtures.root().resolve("testmodels/custom-op");
  private static final String KERNEL = "shrinkage_soft_threshold_kernel.c";

  @TempDir
  static Path shared;

  private Path good;

  private static Path ops() {
    return EXAMPLE.resolve("ops.yaml");
  }

  /** The example's library, with the kernel that stands in the example. */
  @BeforeAll
  void buildExample() throws IOException {
    assumeTrue(StubBuild.compiler(Language.C) != null, "no C compiler on this machine, so kernels cannot be built");
    good = shared.resolve("good");
    CommandRun written = CommandRun.of("stubs", EXAMPLE.resolve("model.onnx"), "-o", good, "--ops", ops());
    assertEquals(0, written.code(), written.err());
    assertTrue(written.out().contains("shrinkage::soft_threshold is ShrinkageSoftThreshold in TensorFlow, 2 uses"), written.out());
    assertTrue(written.out().contains("4 test cases, with outputs"), written.out());
    Files.write(good.resolve(KERNEL), Files.readAllBytes(EXAMPLE.resolve(KERNEL)));
    CommandRun built = CommandRun.of("stubs", "build", good);
    assertEquals(0, built.code(), built.err());
    assertTrue(built.out().contains("libcustom_ops.so has ShrinkageSoftThreshold"), built.out());
  }

  private Path library() {
    return good.resolve("libcustom_ops.so");
  }

  /** A library whose kernel computes this, in a folder of its own. */
  private static Path built(Path folder, String shape, String computation) throws IOException {
    CommandRun written = CommandRun.of("stubs", EXAMPLE.resolve("model.onnx"), "-o", folder, "--ops", ops());
    assertEquals(0, written.code(), written.err());
    Files.writeString(folder.resolve(KERNEL), """
        #include "shrinkage_soft_threshold.h"
        void shrinkage_soft_threshold_shape(tenon_shapes* shapes) {
          %s
        }
        void shrinkage_soft_threshold_compute(tenon_context* call, const shrinkage_soft_threshold_args* args) {
          %s
        }
        """.formatted(shape, computation));
    CommandRun built = CommandRun.of("stubs", "build", folder);
    assertEquals(0, built.code(), built.err());
    return folder.resolve("libcustom_ops.so");
  }

  // ---- the example ----

  @Test
  void theKernelGivesWhatWasRecorded() {
    CommandRun run = CommandRun.of("stubs", "test", good, "--ops", ops());
    assertEquals(0, run.code(), run.out() + run.err());
    assertEquals(4, run.out().lines().filter(l -> l.contains(" ok ")).count(), run.out());
  }

  @ParameterizedTest
  @CsvSource({"model.onnx,''", "model.pt2,''", "model.pt,'image:batch,3,height,width'"})
  void everyFormatOfTheExampleIsConvertedAndVerified(String model, String input, @TempDir Path folder) throws IOException {
    Path out = folder.resolve("out");
    CommandRun run = input.isEmpty() ? CommandRun.of("convert", EXAMPLE.resolve(model), "-o", out, "--ops", ops(), "--op-library",
        library())
        : CommandRun.of("convert", EXAMPLE.resolve(model), "-o", out, "--ops", ops(), "--op-library", library(), "--input", input);
    assertEquals(0, run.code(), run.out() + run.err());
    assertTrue(run.out().contains("agrees with ONNX Runtime"), run.out());
    JsonNode record = new ObjectMapper().readTree(Files.readString(out.resolve("tenon.json")));
    assertEquals("libcustom_ops.so", record.at("/libraries/0/file").asText());
    assertEquals("ShrinkageSoftThreshold", record.at("/libraries/0/operators/0").asText());
    assertEquals(64, record.at("/libraries/0/sha256").asText().length());
    assertEquals("stub", record.at("/options/operators/shrinkage::soft_threshold/resolve").asText());

    CommandRun without = CommandRun.of("verify", EXAMPLE.resolve(model), out);
    assertEquals(ExitCodes.BAD_INPUT, without.code());
    assertTrue(without.err().contains("it needs the operators ShrinkageSoftThreshold of libcustom_ops.so")
        && without.err().contains("--op-library"),
        without.err());
    if (model.equals("model.onnx")) {
      CommandRun with = CommandRun.of("verify", EXAMPLE.resolve(model), out, "--op-library", library(), "--ops", ops(), "--layers");
      assertEquals(0, with.code(), with.out() + with.err());
    }
  }

  @Test
  void withoutRulesTheLibrarysOperatorIsFoundByItsName(@TempDir Path folder) {
    CommandRun run = CommandRun.of("convert", EXAMPLE.resolve("model.onnx"), "-o", folder.resolve("out"), "--op-library", library());
    assertEquals(ExitCodes.MISMATCH, run.code(), "there is nothing to compare with");
    assertTrue(run.err().contains("not verified: ONNX Runtime does not know shrinkage::soft_threshold; give its library with"),
        run.err());
    CommandRun unverified = CommandRun.of("convert", EXAMPLE.resolve("model.onnx"), "-o", folder.resolve("out"), "--op-library", library(),
        "--no-verify", "--force");
    assertEquals(0, unverified.code(), unverified.err());
  }

  @Test
  void aBatchTakesTheLibraryToo(@TempDir Path folder) {
    CommandRun run = CommandRun.of("batch", EXAMPLE.resolve("model.onnx"), "-o", folder.resolve("out"), "--ops", ops(), "--op-library",
        library());
    assertEquals(0, run.code(), run.out() + run.err());
  }

  @Test
  void noLibraryIsNeededForADefinitionInOnnx(@TempDir Path folder) throws IOException {
    CommandRun run = CommandRun.of("convert", EXAMPLE.resolve("model.onnx"), "-o", folder.resolve("out"), "--resolve",
        "shrinkage::soft_threshold=onnx:" + EXAMPLE.resolve("shrinkage.onnx"));
    assertEquals(0, run.code(), run.out() + run.err());
    assertTrue(run.out().contains("agrees with ONNX Runtime"), run.out());
  }

  @Test
  void anOperatorOfOnnxRuntimesOwnNeedsNoLibraryOfIt(@TempDir Path folder) throws IOException {
    assumeTrue(StubBuild.compiler(Language.CPP) != null, "no C++ compiler on this machine");
    Path model = TinyModels.quickGelu(folder.resolve("gelu.onnx"));
    Path stubs = folder.resolve("stubs");
    CommandRun written = CommandRun.of("stubs", model, "-o", stubs, "--lang", "cpp", "--library", "gelu", "--body", "expression",
        "--expression", "input / (1 + std::exp(-alpha * input))");
    assertEquals(0, written.code(), written.err());
    assertTrue(written.out().contains("2 test cases, with outputs"), written.out());
    CommandRun built = CommandRun.of("stubs", "build", stubs);
    assertEquals(0, built.code(), built.err());
    CommandRun run = CommandRun.of("convert", model, "-o", folder.resolve("out"), "--op-library", stubs.resolve("libgelu.so"));
    assertEquals(0, run.code(), run.out() + run.err());
  }

  @Test
  void thePyTorchLibraryIsTheReference(@TempDir Path folder) throws Exception {
    assumeTrue(StubBuild.compiler(Language.CPP) != null, "no C++ compiler on this machine");
    Path libtorch = libtorch();
    assumeTrue(libtorch != null, "libtorch has not been unpacked on this machine yet");
    Path torch = folder.resolve("libshrinkage.so");
    Process p = new ProcessBuilder("g++", "-O2", "-shared", "-fPIC", "-o", torch.toString(), EXAMPLE.resolve("shrinkage.cpp").toString(),
        "-L" + libtorch, "-l:libtorch_cpu.so").inheritIO().start();
    assertEquals(0, p.waitFor());
    Path out = folder.resolve("out");
    CommandRun run = CommandRun.of("convert", EXAMPLE.resolve("model.pt"), "-o", out, "--ops", ops(), "--op-library", library(),
        "--torch-library", torch,
        "--input", "image:batch,3,height,width");
    assertEquals(0, run.code(), run.out() + run.err());
    assertTrue(run.out().contains("agrees with libtorch"), run.out());
    CommandRun stubs = CommandRun.of("stubs", EXAMPLE.resolve("model.pt2"), "-o", folder.resolve("stubs"), "--ops", ops(),
        "--torch-library", torch);
    assertEquals(0, stubs.code(), stubs.out() + stubs.err());
    assertTrue(stubs.out().contains("4 test cases, with outputs"), stubs.out());
  }

  @Test
  void onnxRuntimesOwnLibraryIsTheReference(@TempDir Path folder) throws Exception {
    Path ort = folder.resolve("libshrinkage_ort.so");
    Process p = new ProcessBuilder("gcc", "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", ort.toString(),
        EXAMPLE.resolve("shrinkage_ort.c").toString(), "-lm").inheritIO().start();
    assertEquals(0, p.waitFor());
    // Without rules: the kernel's shape function tells the types between the operators.
    CommandRun run = CommandRun.of("convert", EXAMPLE.resolve("model.onnx"), "-o", folder.resolve("out"), "--op-library", library(),
        "--ort-library", ort);
    assertEquals(0, run.code(), run.out() + run.err());
    assertTrue(run.out().contains("agrees with ONNX Runtime"), run.out());
    CommandRun stubs = CommandRun.of("stubs", EXAMPLE.resolve("model.onnx"), "-o", folder.resolve("stubs"), "--ort-library", ort);
    assertEquals(0, stubs.code(), stubs.out() + stubs.err());
    assertTrue(stubs.out().contains("test cases, with outputs"), stubs.out());
  }

  private static Path libtorch() throws IOException {
    Path cache = ai.djl.util.Utils.getEngineCacheDir("pytorch");
    if (!Files.isDirectory(cache)) {
      return null;
    }
    try (Stream<Path> folders = Files.list(cache)) {
      return folders.filter(f -> Files.exists(f.resolve("libtorch_cpu.so"))).findFirst().orElse(null);
    }
  }

  // ---- what is not as it should be ----

  @Test
  void aCrashOfAKernelIsToldAndTakesNothingAlong(@TempDir Path folder) throws IOException {
    Path library = built(folder.resolve("stubs"), "tenon_shape_like(shapes, 0, 0);", "((volatile float*) 8)[0] = args->gain; (void) call;");
    Path out = folder.resolve("out");
    CommandRun run = CommandRun.of("convert", EXAMPLE.resolve("model.onnx"), "-o", out, "--ops", ops(), "--op-library", library);
    assertEquals(ExitCodes.CONVERSION, run.code());
    assertTrue(run.err().contains("the process that ran libcustom_ops.so ended with SIGSEGV in shrinkage_soft_threshold_compute of libcu"),
        run.err());
    assertTrue(run.err().contains(out + " is there, not verified"), run.err());
    CommandRun test = CommandRun.of("stubs", "test", folder.resolve("stubs"), "--ops", ops());
    assertEquals(ExitCodes.CONVERSION, test.code());
    assertTrue(test.err().contains("SIGSEGV"), test.err());
  }

  @Test
  void aCrashWhileTheGraphIsBuiltLeavesNothing(@TempDir Path folder) throws IOException {
    Path library = built(folder.resolve("stubs"), "((volatile float*) 8)[0] = 1; (void) shapes;", "(void) call; (void) args;");
    CommandRun run = CommandRun.of("convert", EXAMPLE.resolve("model.onnx"), "-o", folder.resolve("out"), "--ops", ops(), "--op-library",
        library);
    assertEquals(ExitCodes.CONVERSION, run.code());
    assertTrue(run.err().contains("shrinkage_soft_threshold_shape of libcustom_ops.so; nothing was written"), run.err());
    try (Stream<Path> left = Files.list(folder)) {
      assertEquals(List.of("stubs"), left.map(p -> p.getFileName().toString()).toList());
    }
  }

  @Test
  void anErrorOfAKernelIsAMismatchWithItsMessage(@TempDir Path folder) throws IOException {
    Path library = built(folder.resolve("stubs"), "tenon_shape_like(shapes, 0, 0);",
        "tenon_fail(call, TF_INVALID_ARGUMENT, \"found gain %g, expected none\", args->gain);");
    CommandRun run = CommandRun.of("convert", EXAMPLE.resolve("model.onnx"), "-o", folder.resolve("out"), "--ops", ops(), "--op-library",
        library);
    assertEquals(ExitCodes.MISMATCH, run.code(), run.err());
    assertTrue(run.out().contains("found gain 1.5, expected none"), run.out());
    CommandRun test = CommandRun.of("stubs", "test", folder.resolve("stubs"), "--ops", ops());
    assertEquals(ExitCodes.MISMATCH, test.code());
    assertTrue(test.out().contains("FAILED") && test.out().contains("found gain 1.5, expected none"), test.out());
  }

  @Test
  void aWrongShapeOrNoOutputIsToldByTheTest(@TempDir Path folder) throws IOException {
    built(folder.resolve("shape"), "(void) shapes;",
        "tenon_tensor y = tenon_output_like(call, 0, TF_FLOAT, &args->threshold); tenon_copy(call, &args->threshold, &y);");
    CommandRun shape = CommandRun.of("stubs", "test", folder.resolve("shape"), "--ops", ops());
    assertEquals(ExitCodes.MISMATCH, shape.code());
    assertTrue(shape.out().contains("has shape [6], expected ["), shape.out());
    built(folder.resolve("none"), "(void) shapes;", "(void) call; (void) args;");
    CommandRun none = CommandRun.of("stubs", "test", folder.resolve("none"), "--ops", ops());
    assertEquals(ExitCodes.MISMATCH, none.code());
    assertTrue(none.out().contains("Missing 0-th output"), none.out());
  }

  @Test
  void whatIsNoLibraryOfOperatorsIsRefused(@TempDir Path folder) throws IOException {
    Path text = Files.writeString(folder.resolve("libtext.so"), "not a library");
    CommandRun run = CommandRun.of("convert", EXAMPLE.resolve("model.onnx"), "-o", folder.resolve("out"), "--op-library", text);
    assertEquals(ExitCodes.BAD_INPUT, run.code());
    assertTrue(run.err().contains("libtext.so: found that it cannot be loaded"), run.err());
    CommandRun missing = CommandRun.of("convert", EXAMPLE.resolve("model.onnx"), "-o", folder.resolve("out"), "--op-library",
        folder.resolve("none.so"));
    assertEquals(ExitCodes.BAD_INPUT, missing.code());
    assertTrue(missing.err().contains("none.so: found no such file"), missing.err());
    assertFalse(Files.exists(folder.resolve("out")));
  }

  @Test
  void aMissingCompilerIsSaid() throws Exception {
    ProcessBuilder builder = Batch.sameJava(List.of("stubs", "build", good.toString()));
    builder.environment().put("PATH", "/nonexistent");
    builder.environment().remove("CC");
    Process p = builder.redirectErrorStream(true).start();
    String said = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertTrue(p.waitFor(1, TimeUnit.MINUTES));
    assertEquals(ExitCodes.BAD_INPUT, p.exitValue());
    assertTrue(said.contains("no compiler found") && said.contains("expected gcc on the PATH, or another named by CC"), said);
  }

  @Test
  void whatIsAskedWronglyIsSaid(@TempDir Path folder) throws IOException {
    assertError(ExitCodes.USAGE, "found no folder (-o)", "stubs", EXAMPLE.resolve("model.onnx"));
    assertError(ExitCodes.USAGE, "--body expression and --expression belong together", "stubs", EXAMPLE.resolve("model.onnx"), "-o",
        folder, "--body",
        "expression");
    assertError(ExitCodes.USAGE, "found 'magic', expected function, onnx:FILE", "inspect", EXAMPLE.resolve("model.onnx"), "--resolve",
        "a::b=magic");
    assertError(ExitCodes.USAGE, "found 'nchw', expected elementwise", "inspect", EXAMPLE.resolve("model.onnx"), "--op-layout",
        "a::b=nchw");
    assertError(ExitCodes.BAD_INPUT, "--resolve: operators: found a::b, expected one of the model's custom operators", "inspect",
        EXAMPLE.resolve("model.onnx"), "--resolve", "a::b=stub");
    assertError(ExitCodes.BAD_INPUT, "no operator a::b", "stubs", EXAMPLE.resolve("model.onnx"), "-o", folder, "--operator", "a::b");
    assertError(ExitCodes.BAD_INPUT, "no stubs.json", "stubs", "build", folder);
    Path plain = TinyModels.convolutions(folder.resolve("plain.onnx"));
    assertError(ExitCodes.BAD_INPUT, "no custom operators", "stubs", plain, "-o", folder.resolve("x"));
    assertError(ExitCodes.BAD_INPUT, "expected --lang c", "stubs", EXAMPLE.resolve("model.onnx"), "-o", good, "--lang", "cpp");
    Path rules = Files.writeString(folder.resolve("ops.yaml"), "operators: {shrinkage::soft_threshold: {op: soft-threshold}}");
    assertError(ExitCodes.BAD_INPUT, "found 'soft-threshold', expected the name of a TensorFlow operator", "stubs",
        EXAMPLE.resolve("model.onnx"), "-o",
        folder.resolve("x"), "--ops", rules);
  }

  private static void assertError(int code, String message, Object... arguments) {
    CommandRun run = CommandRun.of(arguments);
    assertEquals(code, run.code(), run.err());
    assertTrue(run.err().contains(message), run.err());
  }
}
