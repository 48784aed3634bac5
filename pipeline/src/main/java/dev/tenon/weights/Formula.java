package dev.tenon.weights;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tenon.convert.RecipeJson;
import dev.tenon.ir.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** How a variable's elements come from parameters. */
interface Formula {

  /** The names of the parameters it reads. */
  Set<String> parameters();

  /**
   * What in it was computed once and for all when the model was converted, and would be stale with other parameters; empty if there is
   * nothing.
   */
  List<String> baked();

  /** The variable, of the given parameters. */
  Tensor apply(RecipeJson.Sources sources);

  /** The recipe of a variable as {@code tenon.json} has it. */
  static Formula recorded(ObjectNode recipe, String file) {
    Set<String> names = new LinkedHashSet<>();
    RecipeJson.sources(recipe, file).forEach(t -> names.add(t.recipe().toString()));
    List<String> baked = new ArrayList<>();
    collectBaked(recipe, file, baked);
    return new Formula() {
      @Override
      public Set<String> parameters() {
        return names;
      }

      @Override
      public List<String> baked() {
        return baked;
      }

      @Override
      public Tensor apply(RecipeJson.Sources sources) {
        return RecipeJson.fromJson(recipe, sources, file);
      }
    };
  }

  private static void collectBaked(JsonNode o, String file, List<String> baked) {
    if (o.path("op").asText().equals("evaluated") && !RecipeJson.sources(o, file).isEmpty()) {
      baked.add("it was computed by running " + o.path("operators").asText() + " at conversion");
    } else if (o.has("elements_left_out")) {
      baked.add("a constant of " + o.get("elements_left_out").asLong() + " bytes in it is not recorded");
    }
    if (o.has("input")) {
      collectBaked(o.get("input"), file, baked);
    }
    o.path("inputs").forEach(i -> collectBaked(i, file, baked));
  }
}
