package dev.tenon.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tenon.convert.ExportOptions;
import dev.tenon.convert.ExportReport;
import dev.tenon.convert.Exporter;
import dev.tenon.debug.Inspection;
import dev.tenon.debug.Inspection.CustomNode;
import dev.tenon.frontend.ModelSource;
import dev.tenon.ir.Value;
import dev.tenon.ir.pass.PassManager;
import dev.tenon.json.Json;
import dev.tenon.verify.ExportVerifier;
import dev.tenon.verify.VerifyOptions;
import dev.tenon.verify.VerifyReport;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tenon export}. */
@Command(name = "export", mixinStandardHelpOptions = true, sortOptions = false, usageHelpWidth = 110,
    description = "Writes a model as ONNX, and verifies it: PyTorch to ONNX without Python.",
    footer = {"", "Parameters keep their names, custom operators stay nodes of their own domain. The file stays where it is if verification",
        "finds a mismatch (exit code 6); after any other error there is nothing."})
final class ExportCommand implements Callable<Integer> {
  private final Terminal terminal;

  @Spec
  private CommandSpec spec;

  @Parameters(paramLabel = "MODEL", description = Tenon.MODEL)
  private String model;

  @Option(names = {"-o", "--output"}, required = true, paramLabel = "FILE", description = "The .onnx file to be made.")
  private Path output;

  @Mixin
  private InputShapes inputs;

  @Option(names = "--passes", paramLabel = "SPEC", defaultValue = "default",
      description = "Passes to run: 'default' (those that clean up), 'none', names, or '+name' and '-name' to add and leave out; comma-separated.")
  private String passes;

  @Option(names = "--external", description = "Write the weights to FILE.data instead of into the model. Beyond 1.9 GB they go there anyway.")
  private boolean external;

  @Option(names = "--force", description = "Replace a file that is there already.")
  private boolean force;

  @Option(names = "--no-verify", description = "Do not compare the result with the source.")
  private boolean noVerify;

  @Mixin
  private VerificationOptions verification;

  @Mixin
  private CommonOptions common;

  ExportCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    common.apply(terminal);
    VerifyOptions verifyOptions = verification.parse(spec.commandLine());
    ExportOptions options = ExportOptions.defaults().withInputShapes(inputs.parse(spec.commandLine())).withPasses(passes)
        .withExternal(external).withForce(force);
    try {
      PassManager.forExport(passes);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage());
    }
    try (ModelSource source = ModelSource.resolve(model, terminal::note)) {
      ExportReport report = new Exporter(options, terminal).export(source, output);
      Tenon.warn(report.diagnostics(), terminal);
      List<CustomNode> custom = Inspection.customNodes(report.model());
      if (!common.json) {
        print(source, report, custom);
      }
      VerifyReport verified = null;
      long start = System.nanoTime();
      if (!noVerify && custom.isEmpty()) {
        terminal.phase("verify");
        verified = new ExportVerifier(source, options.inputShapes(), output, verifyOptions, terminal::note).run();
        terminal.end();
      } else if (!noVerify) {
        terminal.warning("not verified: ONNX Runtime does not know " + custom.get(0).operator());
      }
      return finish(report, custom, verified, (System.nanoTime() - start) / 1e6);
    }
  }

  private void print(ModelSource source, ExportReport r, List<CustomNode> custom) {
    terminal.result(source.fileName() + " (" + r.format().title() + ")");
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("opset", String.valueOf(r.model().opset())));
    values(rows, "inputs", r.model().graph().inputs());
    values(rows, "outputs", r.model().graph().outputs());
    rows.add(List.of("graph", Texts.plural(r.nodes(), "node") + ", " + Texts.plural(r.model().graph().initializers().size(), "initializer")));
    custom.stream().map(CustomNode::operator).distinct().forEach(op -> rows.add(List.of("custom", op + " at "
        + Texts.plural(custom.stream().filter(c -> c.operator().equals(op)).count(), "place"))));
    rows.add(List.of("size", Texts.bytes(r.bytes())));
    StringBuilder times = new StringBuilder();
    r.phases().forEach((phase, ms) -> times.append(times.length() == 0 ? "" : ", ").append(phase).append(' ').append(Texts.millis(ms)));
    rows.add(List.of("time", times.toString()));
    Texts.table("  ", rows).forEach(terminal::result);
  }

  private static void values(List<List<String>> rows, String title, Collection<Value> values) {
    String label = title;
    for (Value v : values) {
      if (!v.isInitializer()) {
        rows.add(List.of(label, v.name() + " " + Inspection.typeText(v)));
        label = "";
      }
    }
  }

  private int finish(ExportReport report, List<CustomNode> custom, VerifyReport verified, double verifyMillis) {
    boolean ok = verified == null || verified.ok();
    if (common.json) {
      ObjectNode o = report.toJson();
      ArrayNode operators = o.putArray("custom");
      custom.forEach(c -> operators.add(InspectCommand.toJson(c)));
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
      terminal.result("ONNX in " + output + (report.data() == null ? "" : " and " + report.data().getFileName())
          + (verified == null ? ", not verified" : ok ? ", " + VerificationText.summary(verified) : ""));
    }
    if (!ok) {
      terminal.error(output + ": " + VerificationText.summary(verified));
      return ExitCodes.MISMATCH;
    }
    return ExitCodes.OK;
  }
}
