package dev.tenon.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tenon.custom.CustomOptions;
import dev.tenon.custom.OperatorRule;
import dev.tenon.custom.Resolution;
import dev.tenon.custom.Way;
import dev.tenon.frontend.Frontends;
import dev.tenon.frontend.ModelSource;
import dev.tenon.frontend.ReadOptions;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.shape.ShapeInference;
import dev.tenon.json.Json;
import dev.tenon.tf.custom.Body;
import dev.tenon.tf.custom.CustomNodes;
import dev.tenon.tf.custom.LayoutKind;
import dev.tenon.tf.custom.OperatorSignature;
import dev.tenon.tf.custom.SignatureReader;
import dev.tenon.tf.custom.StubFolder;
import dev.tenon.tf.custom.StubFolder.Stub;
import dev.tenon.verify.OperatorCases;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tenon stubs}. */
@Command(name = "stubs", mixinStandardHelpOptions = true, sortOptions = false, usageHelpWidth = 110,
    description = "Writes kernels in C or C++ for a model's custom operators, to be filled in; builds and tests them.",
    subcommands = {StubsBuildCommand.class, StubsTestCommand.class},
    footer = {"", "What is yours in DIR, the *_kernel files, build.sh and CMakeLists.txt, is written once and never again."})
final class StubsCommand implements Callable<Integer> {

  /** First versions of kernels. */
  enum BodyForm {
    none, identity, expression
  }

  private final Terminal terminal;

  @Spec
  private CommandSpec spec;

  @Parameters(paramLabel = "MODEL", arity = "0..1", description = Tenon.MODEL)
  private String model;

  @Option(names = {"-o", "--output"}, paramLabel = "DIR", description = "The folder of the stubs, new or with stubs already.")
  private Path output;

  @Option(names = "--lang", paramLabel = "c|cpp", defaultValue = "c",
      description = "The language of the kernels; default ${DEFAULT-VALUE}.")
  private StubFolder.Language language;

  @Option(names = "--body", paramLabel = "none|identity|expression", defaultValue = "none",
      description = "What a new kernel computes: nothing yet (the default), its first input, or an element-wise expression.")
  private BodyForm body;

  @Option(names = "--expression", paramLabel = "C",
      description = "Of --body expression: C, with the names of inputs and of attributes, 'fmax(x, 0)'.")
  private String expression;

  @Option(names = "--per-channel", paramLabel = "NAME",
      description = "Of --body expression: this input has one element for each channel, axis 1 of the result; repeatable.")
  private List<String> perChannel = new ArrayList<>();

  @Option(names = "--operator", paramLabel = "NAME", description = "Only this operator, com.example::SoftThreshold; repeatable.")
  private List<String> only = new ArrayList<>();

  @Option(names = "--library", paramLabel = "NAME", defaultValue = "custom_ops",
      description = "The name of the library; default ${DEFAULT-VALUE}.")
  private String library;

  @Mixin
  private InputShapes inputs;

  @Mixin
  private OperatorOptions operators;

  @Mixin
  private CommonOptions common;

  StubsCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    common.apply(terminal);
    if (model == null || output == null) {
      throw new ParameterException(spec.commandLine(), "found " + (model == null ? "no model" : "no folder (-o)")
          + ", expected 'tenon stubs MODEL -o DIR', 'tenon stubs build DIR' or 'tenon stubs test DIR'");
    }
    if (!library.matches("[A-Za-z][A-Za-z0-9_]*")) {
      throw new ParameterException(spec.commandLine(), "--library: found '" + library + "', expected a name of letters and digits");
    }
    if (body == BodyForm.expression != (expression != null)) {
      throw new ParameterException(spec.commandLine(), "--body expression and --expression belong together");
    }
    CustomOptions custom = operators.parse(spec.commandLine());
    if (Isolation.isWanted(operators.nativeCode())) {
      return Isolation.run(spec, terminal, operators.nativeCode(), null);
    }
    FirstRun.announce(terminal);
    try (ModelSource source = ModelSource.resolve(model, terminal::note)) {
      Model m = Frontends.read(source, new ReadOptions(inputs.parse(spec.commandLine())).withCustomTypes(Resolution.typer(custom.ops())),
          new Diagnostics());
      Set<String> chosen = chosen(m, custom);
      // Names and types that the user declares; what is resolved by a stub cannot be resolved yet.
      Resolution.declare(m, custom.ops());
      ShapeInference.infer(m, new Diagnostics());
      Map<String, List<Node>> uses = CustomNodes.byOperator(m);
      List<Stub> stubs = new ArrayList<>();
      chosen.forEach(o -> stubs.add(stub(o, uses.get(o), custom.ops().rule(o))));
      StubFolder.Result result = StubFolder.write(output, stubs, language, library);
      List<OperatorCases.Recorded> cases = new ArrayList<>();
      for (Stub s : stubs) {
        cases.add(OperatorCases.record(m, s.signature().operator(), result.folder().cases(), s.signature().prefix(), custom,
            terminal::note));
      }
      print(stubs, result, cases);
      return ExitCodes.OK;
    }
  }

  /** The operators to write stubs for: those named, else those that are resolved by nothing else. */
  private Set<String> chosen(Model m, CustomOptions custom) {
    Map<String, List<Node>> uses = CustomNodes.byOperator(m);
    custom.ops().check(uses.keySet());
    Set<String> chosen = new LinkedHashSet<>();
    if (!only.isEmpty()) {
      for (String o : only) {
        if (!uses.containsKey(o)) {
          throw BadInputException.of(model, "", "no operator " + o, uses.isEmpty() ? "one of its custom operators, and it has none"
              : "one of its custom operators: " + String.join(", ", new TreeSet<>(uses.keySet())));
        }
        chosen.add(o);
      }
      return chosen;
    }
    uses.forEach((o, nodes) -> {
      Way way = custom.ops().rule(o).way();
      if (way == Way.STUB || way == null && Resolution.applicable(o, nodes.get(0), m, custom.ops(), List.of()).isEmpty()) {
        chosen.add(o);
      }
    });
    if (chosen.isEmpty()) {
      throw BadInputException.of(model, "", uses.isEmpty() ? "no custom operators"
          : "custom operators that are all resolved in other ways: "
          + String.join(", ", uses.keySet()), "one to write a stub for; --operator NAME writes one whatever it is resolved by");
    }
    return chosen;
  }

  private Stub stub(String operator, List<Node> uses, OperatorRule rule) {
    OperatorSignature signature = SignatureReader.read(operator, uses, rule.declared());
    Body first = rule.body() != null ? rule.body() : switch (body) {
      case none -> Body.NONE;
      case identity -> Body.IDENTITY;
      case expression -> Body.expression(expression, new LinkedHashSet<>(perChannel));
    };
    List<String> places = uses.stream().map(n -> n.label() + (n.provenance().modulePath().isEmpty() ? "" : " ("
        + n.provenance().modulePath() + ")")).toList();
    return new Stub(signature, places, first, rule.layout() == null ? LayoutKind.OPAQUE : rule.layout());
  }

  private void print(List<Stub> stubs, StubFolder.Result result, List<OperatorCases.Recorded> cases) {
    if (common.json) {
      terminal.result(Json.text(toJson(stubs, result, cases)).stripTrailing());
      return;
    }
    for (int i = 0; i < stubs.size(); i++) {
      OperatorSignature s = stubs.get(i).signature();
      terminal.result(s.operator() + " is " + s.name() + " in TensorFlow, " + Texts.plural(s.uses(), "use"));
      OperatorCases.Recorded c = cases.get(i);
      terminal.result("  " + Texts.plural(c.files().size(), "test case")
          + (c.problem().isEmpty() ? ", with outputs" : ", without outputs: " + c.problem()));
    }
    List<List<String>> rows = new ArrayList<>();
    result.written().forEach(f -> rows.add(List.of(f, "written")));
    result.kept().forEach(f -> rows.add(List.of(f, "yours, left as it is")));
    Texts.table("  ", rows).forEach(terminal::result);
    terminal.result("next: fill in the *_kernel files, then 'tenon stubs build " + output + "' and 'tenon stubs test " + output + "'");
  }

  private ObjectNode toJson(List<Stub> stubs, StubFolder.Result result, List<OperatorCases.Recorded> cases) {
    ObjectNode o = Json.object().put("folder", output.toString()).put("library", result.folder().libraryFile().toString());
    ArrayNode all = o.putArray("operators");
    for (int i = 0; i < stubs.size(); i++) {
      OperatorSignature s = stubs.get(i).signature();
      ObjectNode n = all.addObject().put("operator", s.operator()).put("tensorflow_name", s.name()).put("uses", s.uses());
      n.set("cases", Json.strings(cases.get(i).files()));
      if (!cases.get(i).problem().isEmpty()) {
        n.put("without_outputs", cases.get(i).problem());
      }
    }
    o.set("written", Json.strings(result.written()));
    o.set("kept", Json.strings(result.kept()));
    return o;
  }
}
