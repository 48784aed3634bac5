package dev.tenon.cli;

import dev.tenon.frontend.ModelSource;
import dev.tenon.json.Json;
import dev.tenon.verify.Verifier;
import dev.tenon.verify.VerifyOptions;
import dev.tenon.verify.VerifyReport;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tenon verify}. */
@Command(name = "verify", mixinStandardHelpOptions = true, sortOptions = false, usageHelpWidth = 110,
    description = "Compares a SavedModel with the model it was converted from: the same inputs through TensorFlow and the source's runtime,"
        + " which is libtorch for TorchScript and ONNX Runtime for everything else.",
    footer = {"", "Exit code 6 if an output differs by more than the tolerance, or if no size was found that the source's runtime accepts."})
final class VerifyCommand implements Callable<Integer> {
  private final Terminal terminal;

  @Spec
  private CommandSpec spec;

  @Parameters(paramLabel = "MODEL", index = "0", description = "The source, as given to 'tenon convert'.")
  private String model;

  @Parameters(paramLabel = "DIR", index = "1", description = "The SavedModel.")
  private Path savedModel;

  @Option(names = "--layers", description = "Compare every intermediate value that has a counterpart, and name the first that diverges.")
  private boolean layers;

  @Mixin
  private OperatorOptions operators;

  @Mixin
  private VerificationOptions verification;

  @Mixin
  private CommonOptions common;

  VerifyCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    common.apply(terminal);
    VerifyOptions options = verification.parse(spec.commandLine()).withLayers(layers).withCustom(operators.parse(spec.commandLine()));
    if (Isolation.isWanted(operators.nativeCode())) {
      return Isolation.run(spec, terminal, operators.nativeCode(), null);
    }
    VerifyReport report;
    terminal.phase("verify");
    try (ModelSource source = ModelSource.resolve(model, terminal::note);
        Verifier verifier = new Verifier(source, savedModel, options, terminal::note)) {
      if (!verifier.sameSource()) {
        terminal.warning(savedModel + " was made of another file than " + model + ", or the file has changed since");
      }
      report = verifier.run();
    } finally {
      terminal.end();
    }
    if (common.json) {
      terminal.result(Json.text(report.toJson()).stripTrailing());
    } else {
      VerificationText.print(report, terminal);
    }
    boolean diverges = report.layers() != null && report.layers().firstDivergence().isPresent();
    if (!report.ok()) {
      terminal.error(savedModel + ": " + VerificationText.summary(report));
      return ExitCodes.MISMATCH;
    }
    if (!common.json) {
      terminal.result(savedModel + " " + VerificationText.summary(report)
          + (diverges ? ", though an intermediate value diverges" : ""));
    }
    return ExitCodes.OK;
  }
}
