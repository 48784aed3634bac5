package dev.tenon.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tenon.convert.ConversionRecord;
import dev.tenon.convert.ConversionRecord.VariableRecord;
import dev.tenon.convert.RecipeJson;
import dev.tenon.ir.Tensor;
import dev.tenon.json.Json;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code tenon names}. */
@Command(name = "names", mixinStandardHelpOptions = true, sortOptions = false, usageHelpWidth = 110,
    description = "Lists the source's parameters beside the variables of a SavedModel that were made of them, with both shapes, and how.")
final class NamesCommand implements Callable<Integer> {
  private final Terminal terminal;

  @Parameters(paramLabel = "DIR", description = "A SavedModel that 'tenon convert' wrote.")
  private Path savedModel;

  @Mixin
  private CommonOptions common;

  NamesCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    common.apply(terminal);
    ConversionRecord record = ConversionRecord.read(savedModel);
    String file = savedModel.resolve(ConversionRecord.FILE_NAME).toString();
    if (common.json) {
      printJson(record, file);
      return ExitCodes.OK;
    }
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("PyTorch", "shape", "TensorFlow", "shape", "trainable", "recipe"));
    long elements = 0;
    for (VariableRecord v : record.variables()) {
      addRows(rows, v, file);
      elements += v.shape().stream().reduce(1L, (a, b) -> a * b);
    }
    if (record.variables().isEmpty()) {
      terminal.result("no variables: " + (record.options().path("freeze").asBoolean() ? "the weights are constants (--freeze)" : "the model has no weights"));
      return ExitCodes.OK;
    }
    Texts.table("", rows).forEach(terminal::result);
    terminal.result("");
    long trainable = record.variables().stream().filter(VariableRecord::trainable).count();
    terminal.result(Texts.plural(record.variables().size(), "variable") + ", " + Texts.count(trainable) + " trainable, "
        + Texts.count(elements) + " elements");
    return ExitCodes.OK;
  }

  /** A row for the variable, and one more for each further parameter that it is made of. */
  private static void addRows(List<List<String>> rows, VariableRecord v, String file) {
    List<Tensor> sources = RecipeJson.sources(v.recipe(), file);
    String recipe = recipe(v, sources, file);
    boolean plain = sources.size() == 1 && recipe.equals(sources.get(0).recipe().toString());
    for (int i = 0; i < Math.max(sources.size(), 1); i++) {
      String name = sources.isEmpty() ? "" : sources.get(i).recipe().toString();
      String shape = sources.isEmpty() ? "" : shape(sources.get(i));
      rows.add(i > 0 ? List.of(name, shape) : List.of(name, shape, v.name(), v.shape().toString().replace(" ", ""),
          v.trainable() ? "yes" : "no", plain ? "as it is" : recipe));
    }
  }

  private void printJson(ConversionRecord record, String file) {
    ObjectNode o = Json.object();
    ArrayNode all = o.putArray("variables");
    for (VariableRecord v : record.variables()) {
      List<Tensor> sources = RecipeJson.sources(v.recipe(), file);
      ObjectNode n = all.addObject().put("name", v.name()).put("dtype", v.dtype());
      n.set("shape", Json.numbers(v.shape().stream().mapToLong(Long::longValue).toArray()));
      n.put("trainable", v.trainable());
      ArrayNode from = n.putArray("sources");
      for (Tensor t : sources) {
        from.addObject().put("name", t.recipe().toString()).put("dtype", t.dtype().label()).set("shape", Json.numbers(t.dims()));
      }
      n.put("recipe_text", recipe(v, sources, file)).set("recipe", v.recipe());
    }
    terminal.result(Json.text(o).stripTrailing());
  }

  private static String recipe(VariableRecord v, List<Tensor> sources, String file) {
    Map<String, Tensor> byName = new HashMap<>();
    sources.forEach(t -> byName.put(t.recipe().toString(), t));
    return RecipeJson.fromJson(v.recipe(), byName::get, file).recipe().toString();
  }

  private static String shape(Tensor t) {
    return Arrays.toString(t.dims()).replace(" ", "");
  }
}
