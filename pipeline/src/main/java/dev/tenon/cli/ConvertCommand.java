package dev.tenon.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tenon.convert.ConversionRecord;
import dev.tenon.convert.ConversionReport;
import dev.tenon.convert.ConvertOptions;
import dev.tenon.convert.Converter;
import dev.tenon.frontend.ModelSource;
import dev.tenon.ir.pass.PassManager;
import dev.tenon.json.Json;
import dev.tenon.verify.Verifier;
import dev.tenon.verify.VerifyOptions;
import dev.tenon.verify.VerifyReport;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tenon convert}. */
@Command(name = "convert", mixinStandardHelpOptions = true, sortOptions = false, usageHelpWidth = 110,
    description = "Converts a model into a TensorFlow SavedModel, and verifies it.",
    footer = {"", "The SavedModel stays where it is if verification finds a mismatch (exit code 6), to be looked at with",
        "'tenon verify --layers'. After any other error there is nothing."})
final class ConvertCommand implements Callable<Integer> {

  /** How variables are named. */
  enum Names {
    framework, source
  }

  private final Terminal terminal;

  @Spec
  private CommandSpec spec;

  @Parameters(paramLabel = "MODEL", description = Tenon.MODEL)
  private String model;

  @Option(names = {"-o", "--output"}, required = true, paramLabel = "DIR", description = "The folder to be made.")
  private Path output;

  @Mixin
  private InputShapes inputs;

  @Option(names = "--names", paramLabel = "framework|source", defaultValue = "framework",
      description = "Variables are named with TensorFlow's words (layer1/0/conv1/kernel, the default) or as in the source.")
  private Names names;

  @Option(names = "--freeze", description = "Weights become constants: faster to run, not trainable, less than 2 GB.")
  private boolean freeze;

  @Mixin
  private IoLayout ioLayout;

  @Option(names = "--passes", paramLabel = "SPEC", defaultValue = "default",
      description = "Passes to run: 'default', 'none', names, or '-name' for all but that; comma-separated.")
  private String passes;

  @Option(names = "--dump-passes", paramLabel = "DIR", description = "Write the model after each pass, as .onnx and as text.")
  private Path dumpPasses;

  @Option(names = "--force", description = "Replace a SavedModel that is there already.")
  private boolean force;

  @Option(names = "--no-verify", negatable = false, description = "Do not compare the result with the source.")
  private boolean noVerify;

  @Mixin
  private OperatorOptions operators;

  @Mixin
  private VerificationOptions verification;

  @Mixin
  private CommonOptions common;

  ConvertCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    common.apply(terminal);
    ConvertOptions options = options();
    VerifyOptions verifyOptions = verification.parse(spec.commandLine()).withCustom(options.custom());
    if (Isolation.isWanted(operators.nativeCode())) {
      return Isolation.run(spec, terminal, operators.nativeCode(), output);
    }
    FirstRun.announce(terminal);
    try (ModelSource source = ModelSource.resolve(model, terminal::note)) {
      ConversionReport report = new Converter(options, terminal).convert(source, output);
      Tenon.warn(report.diagnostics(), terminal);
      if (!common.json) {
        print(report);
      }
      VerifyReport verified = null;
      long start = System.nanoTime();
      if (!noVerify) {
        terminal.phase("verify");
        try (Verifier verifier = new Verifier(source, output, verifyOptions, terminal::note)) {
          verified = verifier.run();
        }
        terminal.end();
      }
      return finish(report, verified, (System.nanoTime() - start) / 1e6);
    }
  }

  private ConvertOptions options() {
    try {
      PassManager.of(passes);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage());
    }
    return new ConvertOptions(inputs.parse(spec.commandLine()), names == Names.source, freeze, passes, dumpPasses, force,
        ioLayout.parse(spec.commandLine()), operators.parse(spec.commandLine()));
  }

  private void print(ConversionReport r) {
    ConversionRecord record = r.record();
    String producer = record.source().producer().isEmpty() ? "" : ", " + record.source().producer();
    terminal.result(record.source().file() + " (opset " + record.source().opsets().getOrDefault("", 1) + producer + ")");
    List<List<String>> rows = new ArrayList<>();
    ports(rows, "inputs", record.inputs());
    ports(rows, "outputs", record.outputs());
    String variables = record.variables().isEmpty() ? "none, weights are constants"
        : Texts.count(record.variables().size()) + ", " + Texts.count(r.trainable()) + " trainable, " + Texts.bytes(r.variableBytes());
    rows.add(List.of("variables", variables));
    rows.add(List.of("graph", Texts.plural(r.operations(), "operation") + " from " + Texts.plural(r.sourceNodes(), "node")));
    rows.add(List.of("layout", LayoutText.summary(r.layout())));
    StringBuilder times = new StringBuilder();
    r.phases().forEach((phase, ms) -> times.append(times.length() == 0 ? "" : ", ").append(phase).append(' ').append(Texts.millis(ms)));
    rows.add(List.of("time", times.toString()));
    Texts.table("  ", rows).forEach(terminal::result);
    if (common.verbose) {
      LayoutText.remaining(r.layout()).forEach(terminal::result);
    }
  }

  private static void ports(List<List<String>> rows, String title, List<ConversionRecord.Port> ports) {
    String label = title;
    for (ConversionRecord.Port p : ports) {
      String shape = p.shape() == null ? "[...]" : "[" + String.join(",", p.shape()) + "]";
      String renamed = p.onnx().equals(p.tensorFlow()) ? "" : " (in TensorFlow: " + p.tensorFlow() + ")";
      rows.add(List.of(label, p.onnx() + " " + p.dtype() + shape + renamed));
      label = "";
    }
  }

  private int finish(ConversionReport report, VerifyReport verified, double verifyMillis) {
    boolean ok = verified == null || verified.ok();
    if (common.json) {
      ObjectNode o = report.toJson();
      if (verified != null) {
        ((ObjectNode) o.get("milliseconds")).put("verify", Math.round(verifyMillis));
        o.set("verification", verified.toJson());
      }
      terminal.result(Json.text(o).stripTrailing());
    } else {
      if (verified != null) {
        terminal.result("verification (" + Texts.millis(verifyMillis) + ")");
        VerificationText.print(verified, terminal);
      }
      terminal.result("SavedModel in " + output + (verified == null ? ", not verified" : ok ? ", " + VerificationText.summary(verified) : ""));
    }
    if (!ok) {
      terminal.error(output + ": " + VerificationText.summary(verified));
      return ExitCodes.MISMATCH;
    }
    return ExitCodes.OK;
  }
}
