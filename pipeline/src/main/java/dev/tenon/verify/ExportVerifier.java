package dev.tenon.verify;

import dev.tenon.custom.Resolution;
import dev.tenon.frontend.Frontends;
import dev.tenon.frontend.ModelSource;
import dev.tenon.frontend.ReadOptions;
import dev.tenon.ir.Model;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.ort.OrtFailure;
import dev.tenon.ir.ort.OrtModel;
import dev.tenon.verify.VerifyReport.Runtime;
import dev.tenon.verify.VerifyReport.Trial;
import dev.tenon.verify.reference.ReferenceFailure;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Runs a source in its {@linkplain References reference} and the ONNX model that was exported from it in ONNX Runtime on the same inputs,
 * and compares.
 */
public final class ExportVerifier {
  private static final String NAME = "exported";

  private final ModelSource source;
  private final Map<String, Shape> inputShapes;
  private final Path exported;
  private final VerifyOptions options;
  private final Consumer<String> log;

  /**
   * A verification.
   *
   * @param inputShapes those that the source was read with
   * @param exported the file that was made
   * @param log is told in a line what takes long
   */
  public ExportVerifier(ModelSource source, Map<String, Shape> inputShapes, Path exported, VerifyOptions options, Consumer<String> log) {
    this.source = source;
    this.inputShapes = inputShapes;
    this.exported = exported;
    this.options = options;
    this.log = log;
  }

  /** Runs all sizes. */
  public VerifyReport run() {
    Model model = Frontends.read(source, new ReadOptions(inputShapes).withCustomTypes(Resolution.typer(options.custom().ops())), new Diagnostics());
    Map<String, Value> inputs = Verifier.inputs(model);
    References references;
    try {
      references = References.open(source, model, options, log);
    } catch (ReferenceFailure e) {
      return notVerified(new Runtime("none", "", e.getMessage()), e.getMessage());
    }
    try (references; OrtModel ort = OrtModel.open(exported, OrtModel.Options.defaults().withThreads(options.threads()))) {
      String odd = inputs.values().stream().filter(v -> !(v.type() instanceof Type.TensorType)).map(Value::name).findFirst().orElse("");
      if (!odd.isEmpty()) {
        return notVerified(references.runtime(), "input " + odd + " is no tensor");
      }
      List<SizePlan.Input> plan = new ArrayList<>();
      inputs.forEach((name, v) -> plan.add(new SizePlan.Input(name, v.dtype(), v.shape())));
      List<Trial> trials = new Trials(options, inputs, new SizePlan(plan))
          .withRecorded(Verifier.recordedInputs(source, model)).run(references, subject(ort),
          model.graph().outputs().stream().map(Value::name).toList());
      Runtime runtime = references.runtime();
      boolean none = trials.stream().noneMatch(t -> t.skipped().isEmpty());
      return new VerifyReport(options.tolerance(), runtime, NAME, trials, null,
          none ? "no size found that " + runtime.name() + " accepts; give one with --sizes" : "");
    } catch (OrtFailure e) {
      return notVerified(references.runtime(), "ONNX Runtime cannot load " + exported + ": " + TensorFlowModel.firstLine(e));
    }
  }

  private static Subject subject(OrtModel ort) {
    return new Subject() {
      @Override
      public String name() {
        return NAME;
      }

      @Override
      public Map<String, Tensor> run(Map<String, Tensor> inputs) {
        try {
          return ort.run(inputs);
        } catch (OrtFailure e) {
          throw new SubjectFailure(e);
        }
      }
    };
  }

  private VerifyReport notVerified(Runtime runtime, String why) {
    return new VerifyReport(options.tolerance(), runtime, NAME, List.of(), null, "not verified: " + why);
  }
}
