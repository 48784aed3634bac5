package dev.tenon.convert;

import dev.tenon.frontend.Frontends;
import dev.tenon.frontend.ModelSource;
import dev.tenon.frontend.ReadOptions;
import dev.tenon.frontend.SourceFormat;
import dev.tenon.ir.Model;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.diag.Diagnostic;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.diag.UnsupportedModelException;
import dev.tenon.ir.io.OnnxWriter;
import dev.tenon.ir.pass.InferredShapes;
import dev.tenon.ir.pass.PassContext;
import dev.tenon.ir.pass.PassManager;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Writes a model of any format as ONNX: its own operators, cleaned up, with all parameters under their names. Custom operators stay
 * nodes of their own domain.
 */
public final class Exporter {
  private final ExportOptions options;
  private final Progress progress;

  public Exporter(ExportOptions options, Progress progress) {
    this.options = options;
    this.progress = progress;
  }

  /**
   * Exports.
   *
   * @param target the file to be made; it appears whole or not at all
   * @throws BadInputException if the source is malformed or the target cannot be written
   * @throws UnsupportedModelException with all reasons, if the model holds what ONNX cannot express
   */
  public ExportReport export(ModelSource source, Path target) {
    OutputFile.check(source, target, options.force());
    Phases phases = new Phases(progress);
    phases.begin("read");
    Diagnostics diagnostics = new Diagnostics();
    SourceFormat format = SourceFormat.of(source);
    Model model = Frontends.read(source, new ReadOptions(options.inputShapes()), diagnostics);
    int sourceNodes = nodes(model);
    phases.begin("passes");
    InferredShapes shapes = new InferredShapes();
    shapes.infer(model, diagnostics);
    List<Diagnostic> errors = diagnostics.errors();
    if (format.isPyTorch() && !errors.isEmpty()) {
      throw new UnsupportedModelException(errors);
    }
    PassManager.forExport(options.passes()).run(new PassContext(model, diagnostics, shapes));
    shapes.infer(model, new Diagnostics());
    if (format.isPyTorch()) {
      sign(model, format);
    }
    phases.begin("write");
    boolean external = write(model, target);
    phases.stop();
    progress.end();
    Path data = OutputFile.data(target);
    return new ExportReport(target, external ? data : null, model, format, sourceNodes, nodes(model),
        size(target) + (external ? size(data) : 0), diagnostics.all(), phases.millis());
  }

  /** What PyTorch wrote was a program; the ONNX model is of our making. */
  private static void sign(Model model, SourceFormat format) {
    model.metadata().put("tenon.source_format", format.label());
    if (format == SourceFormat.EXPORTED_PROGRAM) {
      model.metadata().put("tenon.torch_version", model.producerVersion());
    }
    model.setProducer("tenon", Versions.tenon());
  }

  private boolean write(Model model, Path target) {
    OnnxWriter.Options how = OnnxWriter.Options.defaults();
    try {
      Files.createDirectories(target.toAbsolutePath().getParent());
      boolean external = OnnxWriter.write(model, target, options.external() ? how.withWeights(OnnxWriter.Weights.EXTERNAL) : how);
      if (!external) {
        Files.deleteIfExists(OutputFile.data(target)); // that of the model which was replaced
      }
      return external;
    } catch (IOException e) {
      throw BadInputException.of(target, "", "that it cannot be written (" + e.getMessage() + ")", "a file that can be made");
    } catch (UncheckedIOException e) {
      throw new BadInputException(e.getMessage(), e);
    }
  }

  private static int nodes(Model model) {
    int[] n = {0};
    model.graph().forEachNode(x -> n[0]++);
    return n[0];
  }

  private static long size(Path file) {
    try {
      return Files.size(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
