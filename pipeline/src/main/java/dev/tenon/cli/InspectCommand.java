package dev.tenon.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tenon.convert.ConversionReport;
import dev.tenon.custom.CustomOptions;
import dev.tenon.custom.Way;
import dev.tenon.debug.Inspection;
import dev.tenon.debug.Inspection.CustomNode;
import dev.tenon.debug.Inspection.CustomOperator;
import dev.tenon.frontend.ModelSource;
import dev.tenon.ir.Model;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.Diagnostic;
import dev.tenon.json.Json;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tenon inspect}. */
@Command(name = "inspect", mixinStandardHelpOptions = true, sortOptions = false, usageHelpWidth = 110,
    description = "Shows what is in a model, and what of it could not be converted and why. Nothing is written.")
final class InspectCommand implements Callable<Integer> {
  private static final int OPERATOR_COLUMNS = 4;
  private static final int PLACES_SHOWN = 4;

  private final Terminal terminal;

  @Spec
  private CommandSpec spec;

  @Parameters(paramLabel = "MODEL", description = Tenon.MODEL)
  private String model;

  @Mixin
  private InputShapes inputs;

  @Option(names = "--strict", description = "Exit code 4 if something could not be converted.")
  private boolean strict;

  @Mixin
  private OperatorOptions operators;

  @Mixin
  private CommonOptions common;

  InspectCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    common.apply(terminal);
    FirstRun.announce(terminal);
    CustomOptions custom = operators.parse(spec.commandLine());
    if (Isolation.isWanted(operators.nativeCode())) {
      return Isolation.run(spec, terminal, operators.nativeCode(), null);
    }
    try (ModelSource source = ModelSource.resolve(model, terminal::note)) {
      Inspection inspection = Inspection.of(source, inputs.parse(spec.commandLine()), custom, terminal);
      if (common.json) {
        terminal.result(Json.text(toJson(source, inspection)).stripTrailing());
      } else {
        print(source, inspection);
      }
      return strict && !inspection.unsupported().isEmpty() ? ExitCodes.UNSUPPORTED : ExitCodes.OK;
    }
  }

  // ---- text ----

  private void print(ModelSource source, Inspection i) {
    Model m = i.model();
    terminal.result(source.spec());
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("format", format(i)));
    m.opsetImports().forEach((domain, version) -> {
      if (!domain.isEmpty()) {
        rows.add(List.of("", "domain " + domain + " version " + version));
      }
    });
    rows.add(List.of("size", Texts.bytes(i.fileBytes())));
    rows.add(List.of("parameters", Texts.count(i.parameters()) + (i.parameterBytes() == 0 ? "" : ", " + Texts.bytes(i.parameterBytes()))));
    values(rows, "inputs", m.graph().inputs().stream().filter(v -> !v.isInitializer()).toList());
    values(rows, "outputs", m.graph().outputs());
    Texts.table("  ", rows).forEach(terminal::result);
    if (!i.torchOperators().isEmpty()) {
      terminal.result("");
      terminal.result(Texts.plural(i.torchOperators().values().stream().mapToInt(Integer::intValue).sum(), "call") + " of "
          + Texts.plural(i.torchOperators().size(), "PyTorch operator"));
      operators(i.torchOperators());
    }
    int nodes = i.operators().values().stream().mapToInt(Integer::intValue).sum();
    terminal.result("");
    terminal.result((i.format().isPyTorch() ? "lowered to " : "") + Texts.plural(nodes, "node") + " of "
        + Texts.plural(i.operators().size(), i.format().isPyTorch() ? "ONNX operator" : "operator"));
    operators(i.operators());
    if (!m.functions().isEmpty()) {
      terminal.result("");
      terminal.result(Texts.plural(m.functions().size(), "function") + " defined in the model");
      m.functions().keySet().forEach(f -> terminal.result("  " + (f.domain().isEmpty() ? "" : f.domain() + "::") + f.name()));
    }
    custom(i);
    unsupported(i);
    terminal.result("");
    terminal.result(verdict(i));
  }

  private static String format(Inspection i) {
    Model m = i.model();
    String lowered = "ONNX opset " + m.opset();
    return switch (i.format()) {
      case EXPORTED_PROGRAM -> i.format().title() + ", by PyTorch " + i.torchVersion() + "; lowered to " + lowered;
      case TORCHSCRIPT -> i.format().title() + "; lowered to " + lowered;
      default -> {
        String producer = (m.producerName() + " " + m.producerVersion()).strip();
        yield lowered + ", IR version " + m.irVersion() + (producer.isEmpty() ? "" : ", by " + producer);
      }
    };
  }

  private static void values(List<List<String>> rows, String title, Collection<Value> values) {
    String label = title;
    for (Value v : values) {
      rows.add(List.of(label, v.name() + " " + Inspection.typeText(v)));
      label = "";
    }
  }

  /** In columns, the most used first. */
  private void operators(Map<String, Integer> counts) {
    List<Map.Entry<String, Integer>> sorted = new ArrayList<>(counts.entrySet());
    sorted.sort(Map.Entry.<String, Integer>comparingByValue().reversed().thenComparing(Map.Entry.comparingByKey()));
    int lines = (sorted.size() + OPERATOR_COLUMNS - 1) / OPERATOR_COLUMNS;
    List<List<String>> rows = new ArrayList<>();
    for (int line = 0; line < lines; line++) {
      List<String> row = new ArrayList<>();
      for (int k = line; k < sorted.size(); k += lines) {
        row.add(Texts.count(sorted.get(k).getValue()));
        row.add(sorted.get(k).getKey() + "  ");
      }
      rows.add(row);
    }
    Texts.table("  ", rows).forEach(terminal::result);
  }

  private void custom(Inspection i) {
    for (CustomOperator o : i.customOperators()) {
      terminal.result("");
      terminal.result("custom operator " + o.operator() + ", " + Texts.plural(o.uses().size(), "use"));
      if (!o.uses().get(0).schema().isEmpty()) {
        terminal.result("  " + o.uses().get(0).schema());
      }
      terminal.result("  resolved by " + (o.way() == null ? "nothing" : o.way().text()));
      List<Way> others = Arrays.stream(Way.values()).filter(w -> w != o.way() && isOpen(w, o)).toList();
      terminal.result("  could be resolved by " + String.join(", ", others.stream().map(Way::text).toList()));
      for (CustomNode n : o.uses()) {
        terminal.result("  at " + n.node() + (n.location().isEmpty() ? "" : " (" + n.location() + ")"));
        terminal.result("    " + String.join(", ", n.inputs()) + " -> " + String.join(", ", n.outputs()));
        n.attributes().forEach((name, value) -> terminal.result("    " + name + " " + n.attributeTypes().get(name) + " = " + value));
      }
    }
  }

  /** What needs something on the class path or in the model is open if that is there; what the user can supply always. */
  private static boolean isOpen(Way w, CustomOperator o) {
    return w != Way.FUNCTION && w != Way.EMITTER || o.ways().contains(w);
  }

  private void unsupported(Inspection i) {
    if (i.unsupported().isEmpty()) {
      return;
    }
    terminal.result("");
    terminal.result("what cannot be converted");
    byMessage(i.unsupported()).forEach((message, places) -> {
      terminal.result("  " + message);
      int shown = terminal.verbose() ? places.size() : Math.min(PLACES_SHOWN, places.size());
      for (Diagnostic d : places.subList(0, shown)) {
        if (!d.node().isEmpty()) {
          terminal.result("    at " + d.node() + (d.location().isEmpty() ? "" : " (" + d.location() + ")"));
        }
      }
      if (shown < places.size()) {
        terminal.result("    and at " + Texts.plural(places.size() - shown, "more place") + ", which -v lists");
      }
    });
  }

  private static Map<String, List<Diagnostic>> byMessage(List<Diagnostic> diagnostics) {
    Map<String, List<Diagnostic>> byMessage = new LinkedHashMap<>();
    for (Diagnostic d : diagnostics) {
      String message = d.message() + (d.hint().isEmpty() ? "" : "; " + d.hint());
      byMessage.computeIfAbsent(message, k -> new ArrayList<>()).add(d);
    }
    return byMessage;
  }

  private static String verdict(Inspection i) {
    return i.unsupported().isEmpty() ? "Everything in this model can be converted."
        : "This model cannot be converted: " + Texts.plural(byMessage(i.unsupported()).size(), "reason") + " at "
            + Texts.plural(i.unsupported().size(), "place") + ".";
  }

  // ---- JSON ----

  private static ObjectNode toJson(ModelSource source, Inspection i) {
    Model m = i.model();
    ObjectNode o = Json.object();
    o.put("model", source.spec()).put("format", i.format().label());
    if (!i.torchVersion().isEmpty()) {
      o.put("torch", i.torchVersion());
    }
    o.put("bytes", i.fileBytes()).put("opset", m.opset()).put("ir_version", m.irVersion())
        .put("producer", m.producerName()).put("producer_version", m.producerVersion());
    ObjectNode opsets = o.putObject("opsets");
    m.opsetImports().forEach((domain, version) -> opsets.put(domain.isEmpty() ? "ai.onnx" : domain, version));
    o.put("parameters", i.parameters()).put("parameter_bytes", i.parameterBytes());
    o.set("inputs", values(m.graph().inputs().stream().filter(v -> !v.isInitializer()).toList()));
    o.set("outputs", values(m.graph().outputs()));
    ObjectNode operators = o.putObject("operators");
    i.operators().forEach(operators::put);
    if (i.format().isPyTorch()) {
      ObjectNode calls = o.putObject("torch_operators");
      i.torchOperators().forEach(calls::put);
    }
    ArrayNode functions = o.putArray("functions");
    m.functions().keySet().forEach(f -> functions.addObject().put("domain", f.domain()).put("name", f.name()));
    ArrayNode custom = o.putArray("custom");
    i.custom().forEach(n -> custom.add(toJson(n)));
    ArrayNode customOperators = o.putArray("custom_operators");
    i.customOperators().forEach(c -> customOperators.add(toJson(c)));
    o.set("unsupported", ConversionReport.diagnostics(i.unsupported()));
    o.put("convertible", i.unsupported().isEmpty());
    return o;
  }

  private static ObjectNode toJson(CustomOperator c) {
    ObjectNode o = Json.object().put("operator", c.operator()).put("tensorflow_name", c.tensorFlowName())
        .put("resolved_by", c.way() == null ? null : c.way().label());
    o.set("ways", Json.strings(Arrays.stream(Way.values()).filter(w -> isOpen(w, c)).map(Way::label).toList()));
    if (c.layout() != null) {
      o.put("layout", c.layout().label());
    }
    ArrayNode uses = o.putArray("uses");
    c.uses().forEach(n -> uses.add(toJson(n)));
    return o;
  }

  static ObjectNode toJson(CustomNode n) {
    ObjectNode c = Json.object().put("operator", n.operator()).put("schema", n.schema()).put("node", n.node()).put("location",
        n.location());
    ObjectNode attributes = c.putObject("attributes");
    n.attributes().forEach(attributes::put);
    ObjectNode types = c.putObject("attribute_types");
    n.attributeTypes().forEach(types::put);
    c.set("inputs", Json.strings(n.inputs()));
    c.set("outputs", Json.strings(n.outputs()));
    return c;
  }

  private static ArrayNode values(Collection<Value> values) {
    ArrayNode a = Json.array();
    values.forEach(v -> a.addObject().put("name", v.name()).put("type", Inspection.typeText(v)));
    return a;
  }
}
