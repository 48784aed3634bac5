package dev.tenon.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.json.Json;
import dev.tenon.zoo.Batch;
import dev.tenon.zoo.Batch.Outcome;
import dev.tenon.zoo.Jobs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tenon batch}. */
@Command(name = "batch", mixinStandardHelpOptions = true, sortOptions = false, usageHelpWidth = 110,
    description = "Converts and verifies many models, each in a process of its own.",
    footer = {"", "Each model gets a folder in OUT, with the SavedModel and " + Batch.RECORD + "; all records are in OUT/" + Batch.SUMMARY + ".",
        "Exit code 7 if some failed."})
final class BatchCommand implements Callable<Integer> {
  private final Terminal terminal;

  @Spec
  private CommandSpec spec;

  @Parameters(paramLabel = "DIR|GLOB|MODEL", arity = "1..*",
      description = "Files, folders with .onnx files in or below them, patterns in quotes, or Maven coordinates (without an entry: all models in the jar).")
  private List<String> models;

  @Option(names = {"-o", "--output"}, required = true, paramLabel = "OUT", description = "The folder that gets a folder for each model.")
  private Path output;

  @Option(names = {"-j", "--jobs"}, paramLabel = "N", defaultValue = "1", description = "Conversions at a time; default ${DEFAULT-VALUE}.")
  private int jobs;

  @Option(names = "--resume", description = "Leave alone what an earlier batch has converted and what has not changed since.")
  private boolean resume;

  @Option(names = "--force", description = "Convert all again, into an OUT that is not empty.")
  private boolean force;

  @Option(names = "--timeout", paramLabel = "SECONDS", defaultValue = "1800", description = "Give a conversion up after this time; default ${DEFAULT-VALUE}.")
  private long timeout;

  @Option(names = "--freeze", description = "As of 'tenon convert'.")
  private boolean freeze;

  @Mixin
  private IoLayout ioLayout;

  @Option(names = "--no-verify", description = "As of 'tenon convert'.")
  private boolean noVerify;

  @Mixin
  private OperatorOptions operators;

  @Mixin
  private CommonOptions common;

  BatchCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    common.apply(terminal);
    ioLayout.parse(spec.commandLine());
    checkOutput();
    List<Batch.Job> all = Jobs.of(models, terminal::note);
    List<String> arguments = new ArrayList<>();
    if (freeze) {
      arguments.add("--freeze");
    }
    if (!ioLayout.text().equals("source")) {
      arguments.add("--io-layout=" + ioLayout.text());
    }
    if (noVerify) {
      arguments.add("--no-verify");
    }
    operators.addTo(arguments);
    Batch.Options options = new Batch.Options(Math.max(1, jobs), timeout, resume, arguments);
    int[] done = {0};
    List<Outcome> outcomes = new Batch(output, options, Batch::sameJava).run(all, o -> terminal.note("[" + ++done[0] + "/" + all.size() + "] "
        + o.job().name() + ": " + (o.skipped() ? "done before" : o.status() + " in " + Texts.millis(o.millis())) + detail(o)));
    if (common.json) {
      terminal.result(Json.text(toJson(outcomes)).stripTrailing());
    } else {
      print(outcomes);
    }
    return outcomes.stream().allMatch(Outcome::ok) ? ExitCodes.OK : ExitCodes.BATCH;
  }

  private void checkOutput() {
    if (!Files.exists(output)) {
      return;
    }
    if (!Files.isDirectory(output)) {
      throw BadInputException.of(output, "", "a file of this name", "a folder to be made");
    }
    try (Stream<Path> files = Files.list(output)) {
      if (!resume && !force && files.findAny().isPresent()) {
        throw BadInputException.of(output, "", "a folder that is not empty", "an empty folder or none; --resume goes on, --force begins again");
      }
    } catch (IOException e) {
      throw new BadInputException(output + ": cannot read: " + e.getMessage(), e);
    }
  }

  private static String detail(Outcome o) {
    return o.error().isEmpty() ? "" : ": " + o.error();
  }

  private void print(List<Outcome> outcomes) {
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("model", "status", "scaled error", "time", ""));
    for (Outcome o : outcomes) {
      rows.add(List.of(o.job().name(), o.status(), Texts.error(o.worstError()), Texts.millis(o.millis()), o.error()));
    }
    Texts.table("", rows).forEach(terminal::result);
    long ok = outcomes.stream().filter(Outcome::ok).count();
    terminal.result("");
    terminal.result(ok + " of " + Texts.plural(outcomes.size(), "model") + " ok; records in " + output.resolve(Batch.SUMMARY));
  }

  private static ObjectNode toJson(List<Outcome> outcomes) {
    ObjectNode o = Json.object();
    o.put("models", outcomes.size()).put("ok", outcomes.stream().filter(Outcome::ok).count());
    ArrayNode a = o.putArray("results");
    for (Outcome r : outcomes) {
      ObjectNode n = a.addObject().put("model", r.job().spec()).put("name", r.job().name()).put("status", r.status())
          .put("exit_code", r.exitCode()).put("milliseconds", r.millis());
      Json.putRounded(n, "worst_scaled_error", r.worstError());
      if (!r.error().isEmpty()) {
        n.put("error", r.error());
      }
    }
    return o;
  }
}
