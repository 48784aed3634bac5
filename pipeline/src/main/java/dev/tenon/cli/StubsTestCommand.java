package dev.tenon.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tenon.custom.CustomOptions;
import dev.tenon.custom.OpsFile;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.json.Json;
import dev.tenon.tf.custom.StubFolder;
import dev.tenon.verify.OperatorCases;
import dev.tenon.verify.OperatorCases.Result;
import dev.tenon.verify.TensorComparison;
import dev.tenon.verify.VerifyOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tenon stubs test}. */
@Command(name = "test", mixinStandardHelpOptions = true, sortOptions = false, usageHelpWidth = 110,
    description = "Runs the built kernels on the recorded cases, and compares what they give with what was recorded.",
    footer = {"", "Exit code 6 if a kernel fails or differs."})
final class StubsTestCommand implements Callable<Integer> {
  private final Terminal terminal;

  @Spec
  private CommandSpec spec;

  @Parameters(paramLabel = "DIR", description = "A folder that 'tenon stubs MODEL -o DIR' wrote and 'tenon stubs build DIR' built.")
  private Path folder;

  @Option(names = "--ops", paramLabel = "FILE", description = "As of 'tenon convert'.")
  private Path ops;

  @Option(names = "--tolerance", paramLabel = "E", description = "Greatest scaled error of an output; default 1e-4.")
  private double tolerance = VerifyOptions.DEFAULT_TOLERANCE;

  @Mixin
  private CommonOptions common;

  StubsTestCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    common.apply(terminal);
    StubFolder stubs = StubFolder.read(folder);
    List<Path> libraries = List.of(stubs.libraryFile());
    if (!Files.isRegularFile(stubs.libraryFile())) {
      throw BadInputException.of(folder, "", "no " + stubs.libraryFile().getFileName(), "it, which 'tenon stubs build " + folder
          + "' makes");
    }
    if (Isolation.isWanted(libraries)) {
      return Isolation.run(spec, terminal, libraries, null);
    }
    OpsFile rules = ops == null ? OpsFile.NONE : OpsFile.read(ops);
    List<Result> results = OperatorCases.run(stubs.cases(), new CustomOptions(rules, libraries, List.of(), List.of()), tolerance);
    if (results.isEmpty()) {
      throw BadInputException.of(stubs.cases(), "", "no cases", "those that 'tenon stubs' wrote");
    }
    if (common.json) {
      terminal.result(Json.text(toJson(results)).stripTrailing());
    } else {
      print(results);
    }
    long failed = results.stream().filter(r -> !r.ok()).count();
    if (failed > 0) {
      terminal.error(failed + " of " + Texts.plural(results.size(), "case") + " failed");
    }
    return failed == 0 ? ExitCodes.OK : ExitCodes.MISMATCH;
  }

  private void print(List<Result> results) {
    List<List<String>> rows = new ArrayList<>();
    for (Result r : results) {
      rows.add(List.of(r.name(), r.operator(), r.ok() ? "ok" : "FAILED", detail(r)));
    }
    Texts.table("", rows).forEach(terminal::result);
  }

  private static String detail(Result r) {
    if (!r.problem().isEmpty()) {
      return r.problem();
    } else if (r.comparisons().isEmpty()) {
      return "ran; there is nothing recorded to compare with";
    }
    List<String> parts = new ArrayList<>();
    for (TensorComparison c : r.comparisons()) {
      parts.add(c.problem().isEmpty() ? "scaled error " + Texts.error(c.scaled()) : c.problem());
    }
    return String.join("; ", parts);
  }

  private static ObjectNode toJson(List<Result> results) {
    ObjectNode o = Json.object().put("cases", results.size()).put("ok", results.stream().filter(Result::ok).count());
    ArrayNode all = o.putArray("results");
    for (Result r : results) {
      ObjectNode n = all.addObject().put("case", r.name()).put("operator", r.operator()).put("ok", r.ok());
      if (!r.problem().isEmpty()) {
        n.put("problem", r.problem());
      }
      ArrayNode outputs = n.putArray("outputs");
      for (TensorComparison c : r.comparisons()) {
        ObjectNode e = outputs.addObject();
        if (!c.problem().isEmpty()) {
          e.put("problem", c.problem());
        }
        Json.putRounded(e, "scaled_error", c.scaled());
      }
    }
    return o;
  }
}
