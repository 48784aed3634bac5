package dev.tenon.verify.reference;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.convert.ConvertOptions;
import dev.tenon.convert.Converter;
import dev.tenon.convert.Progress;
import dev.tenon.frontend.ModelSource;
import dev.tenon.ir.Shape;
import dev.tenon.verify.TensorComparison;
import dev.tenon.verify.Verifier;
import dev.tenon.verify.VerifyOptions;
import dev.tenon.verify.VerifyReport;
import dev.tenon.verify.VerifyReport.OutputResult;
import dev.tenon.verify.VerifyReport.Trial;
import dev.tenon.verify.reference.ScriptArchive.Method;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A TorchScript source is compared with libtorch, and a mismatch is blamed on the half that is wrong. */
class BlameTest {
  @TempDir
  private Path folder;

  private Path archive(String name, String expression) throws IOException {
    Path file = folder.resolve(name);
    try (OutputStream out = Files.newOutputStream(file)) {
      ScriptArchive.write(out, List.of(Method.forward(List.of("x: Tensor"), "Tensor", List.of("return " + expression))));
    }
    return file;
  }

  private Path convert(Path archive) {
    Path out = folder.resolve(archive.getFileName() + ".saved");
    try (ModelSource source = ModelSource.ofFile(archive)) {
      new Converter(ConvertOptions.defaults().withInputShapes(Map.of("x", Shape.of(2, 3))), Progress.NONE).convert(source, out);
    }
    return out;
  }

  private static VerifyReport verify(Path archive, Path savedModel) {
    try (ModelSource source = ModelSource.ofFile(archive);
        Verifier verifier = new Verifier(source, savedModel, VerifyOptions.defaults().withLatency(false), line -> { })) {
      return verifier.run();
    }
  }

  @Test
  void agreementNamesLibtorch() throws IOException {
    Path archive = archive("a.pt", "torch.sigmoid(torch.mul(x, 2.))");
    VerifyReport report = verify(archive, convert(archive));
    assertTrue(report.ok(), report.note());
    assertEquals("libtorch", report.reference().name());
    assertEquals("", report.reference().remark());
    assertTrue(report.trials().get(0).outputs().get(0).lowering().within(1e-5));
  }

  @Test
  void wrongSavedModelIsTensorFlowsFault() throws IOException {
    VerifyReport report = verify(archive("tanh.pt", "torch.tanh(x)"), convert(archive("relu.pt", "torch.relu(x)")));
    assertFalse(report.ok());
    assertEquals("TensorFlow", report.trials().get(0).outputs().get(0).blame());
  }

  @Test
  void wrongLoweringIsTheLoweringsFault() {
    TensorComparison wrong = new TensorComparison("", 1, 0.5, 0.1);
    OutputResult result = new OutputResult("y", wrong, 1e-4, Double.NaN, wrong);
    assertEquals("lowering", result.blame());
    VerifyReport report = new VerifyReport(1e-4, new VerifyReport.Runtime("libtorch", "2.7.1", ""), "TensorFlow",
        List.of(new Trial(Map.of("x", new long[] {2}), "", List.of(result), Double.NaN, Double.NaN)), null, "");
    assertTrue(report.toJson().toString().contains("\"blame\":\"lowering\""), report.toJson().toString());
  }

  private Path archiveWithNewOperator(String condition) throws IOException {
    Path archive = folder.resolve("new.pt");
    try (OutputStream out = Files.newOutputStream(archive)) {
      ScriptArchive.write(out, List.of(Method.forward(List.of("x: Tensor"), "Tensor",
          List.of("if " + condition + ":", "  y = torch._upsample_lanczos2d_aa(x, [2, 2], True)", "else:", "  y = torch.relu(x)", "return y"))));
    }
    return archive;
  }

  @Test
  void operatorNewerThanLibtorchDoesNoHarmWhereItIsNeverCalled() throws IOException {
    Path archive = archiveWithNewOperator("torch.gt(torch.size(x, 0), 1000)");
    VerifyReport report = verify(archive, convert(archive));
    assertTrue(report.ok(), report.note());
    assertEquals("libtorch", report.reference().name());
    assertTrue(report.reference().remark().contains("_upsample_lanczos2d_aa"), report.reference().remark());
  }

  @Test
  void whatLibtorchCannotReturnIsComparedWithOnnxRuntime() throws IOException {
    Path archive = folder.resolve("text.pt");
    try (OutputStream out = Files.newOutputStream(archive)) {
      ScriptArchive.write(out, List.of(Method.forward(List.of("x: Tensor"), "Tuple[Tensor, str]",
          List.of("return (torch.relu(x), \"a\")"))));
    }
    VerifyReport report = verify(archive, convert(archive));
    assertTrue(report.ok(), report.note());
    assertEquals("ONNX Runtime", report.reference().name());
    assertTrue(report.reference().remark().contains("libtorch cannot return"), report.reference().remark());
  }
}
