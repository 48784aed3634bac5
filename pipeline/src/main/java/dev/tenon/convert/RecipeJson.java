package dev.tenon.convert;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Recipe;
import dev.tenon.ir.Storage;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.diag.BadInputException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.BinaryOperator;

/**
 * Recipes as JSON: a tree with an object for each step, the steps named as {@link Recipe#toString} names them. What is written
 * can be read back and computed with the source's parameters, the same or new ones.
 *
 * <p>Every object has {@code op}, {@code dtype} and {@code shape} (of the result) and what the step needs: {@code source} a
 * {@code name}; {@code permute} a {@code perm}; {@code slice} {@code axis}, {@code start}, {@code end}; and so on, with
 * {@code input} or {@code inputs}. Elements that the conversion made ({@code constant}, {@code evaluated}) stand in
 * {@code elements}, in base64, if they are few; of large ones only their number of bytes is recorded.
 */
public final class RecipeJson {
  /** Elements of more bytes are left out: the file is for people too. */
  static final int INLINE_BYTES = 1 << 16;

  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private RecipeJson() {}

  /** Gives the parameters of the source file when a recipe is read back. */
  @FunctionalInterface
  public interface Sources {
    /** The parameter of this name; its type and shape are checked by the caller. */
    Tensor parameter(String name);
  }

  // ---- writing ----

  /** The tree of a tensor's recipe. */
  public static ObjectNode toJson(Tensor t) {
    ObjectNode o = JSON.objectNode();
    Recipe recipe = t.recipe();
    o.put("op", opName(recipe));
    if (recipe instanceof Recipe.Source r) {
      o.put("name", r.name());
    } else if (recipe instanceof Recipe.Constant r) {
      o.put("note", r.note());
      putElements(o, t);
    } else if (recipe instanceof Recipe.Evaluated r) {
      o.put("operators", r.operators());
      putElements(o, t);
    } else if (recipe instanceof Recipe.Permute r) {
      o.set("perm", ints(r.perm()));
    } else if (recipe instanceof Recipe.Slice r) {
      o.put("axis", r.axis()).put("start", r.start()).put("end", r.end());
    } else if (recipe instanceof Recipe.Concat r) {
      o.put("axis", r.axis());
    } else if (recipe instanceof Recipe.Reverse r) {
      o.put("axis", r.axis());
    }
    o.put("dtype", t.dtype().label());
    o.set("shape", longs(t.dims()));
    List<Tensor> inputs = recipe.inputs();
    if (inputs.size() == 1 && !(recipe instanceof Recipe.Concat) && !(recipe instanceof Recipe.Evaluated)) {
      o.set("input", toJson(inputs.get(0)));
    } else if (!inputs.isEmpty()) {
      ArrayNode a = o.putArray("inputs");
      inputs.forEach(i -> a.add(toJson(i)));
    }
    return o;
  }

  private static String opName(Recipe recipe) {
    if (recipe instanceof Recipe.Unary u) {
      return u.op().name().toLowerCase(Locale.ROOT);
    } else if (recipe instanceof Recipe.Binary b) {
      return b.op().name().toLowerCase(Locale.ROOT);
    }
    return recipe.getClass().getSimpleName().toLowerCase(Locale.ROOT);
  }

  private static void putElements(ObjectNode o, Tensor t) {
    if (t.dtype() == DataType.STRING) {
      ArrayNode a = o.putArray("strings");
      t.toStrings().forEach(a::add);
    } else if (t.byteSize() <= INLINE_BYTES) {
      ByteBuffer b = t.bytes();
      byte[] bytes = new byte[b.remaining()];
      b.duplicate().get(bytes);
      o.put("elements", Base64.getEncoder().encodeToString(bytes));
    } else {
      o.put("elements_left_out", t.byteSize());
    }
  }

  private static ArrayNode ints(List<Integer> values) {
    ArrayNode a = JSON.arrayNode();
    values.forEach(a::add);
    return a;
  }

  static ArrayNode longs(long... values) {
    ArrayNode a = JSON.arrayNode();
    Arrays.stream(values).forEach(a::add);
    return a;
  }

  // ---- reading ----

  /**
   * The tensor that a recipe describes.
   *
   * @param file what messages call the file the recipe is from
   * @throws BadInputException if the tree is no recipe, or a parameter has another type or shape than the recorded one
   */
  public static Tensor fromJson(JsonNode o, Sources sources, String file) {
    return new Reader(sources, file).read(o);
  }

  /** The parameters that a recipe reads, with the types and shapes they had; in the order they are met. */
  public static List<Tensor> sources(JsonNode recipe, String file) {
    Map<String, Tensor> found = new LinkedHashMap<>();
    collectSources(recipe, new Reader(name -> null, file), found);
    return List.copyOf(found.values());
  }

  private static void collectSources(JsonNode o, Reader reader, Map<String, Tensor> found) {
    if (o.path("op").asText().equals("source")) {
      String name = o.path("name").asText();
      found.putIfAbsent(name, Tensor.source(name, reader.dtype(o), reader.dims(o, "shape"), new LeftOut(name, reader.byteSize(o))));
    }
    if (o.has("input")) {
      collectSources(o.get("input"), reader, found);
    }
    o.path("inputs").forEach(i -> collectSources(i, reader, found));
  }

  /** Stands for elements that are not in the file. */
  private record LeftOut(String name, long byteSize) implements Storage {
    @Override
    public ByteBuffer read(long offset, int length) {
      throw new IllegalStateException("the elements of " + name + " are not recorded");
    }
  }

  private static final class Reader {
    private static final int MAX_DEPTH = 200;

    private final Sources sources;
    private final String file;
    private final Map<String, Tensor> met = new HashMap<>();
    private int depth;

    Reader(Sources sources, String file) {
      this.sources = sources;
      this.file = file;
    }

    Tensor read(JsonNode o) {
      if (++depth > MAX_DEPTH) {
        throw bad("recipe", "steps more than " + MAX_DEPTH + " deep", "fewer");
      }
      Tensor t;
      try {
        t = step(o);
      } catch (IllegalArgumentException | ArithmeticException | IndexOutOfBoundsException e) {
        throw bad("recipe step " + o.path("op").asText(), String.valueOf(e.getMessage()), "a step that fits its inputs");
      }
      depth--;
      check(o, t);
      return t;
    }

    private Tensor step(JsonNode o) {
      String op = o.path("op").asText();
      return switch (op) {
        case "source" -> source(o.path("name").asText());
        case "constant" -> Tensor.constant(o.path("note").asText(), dtype(o), dims(o, "shape"), elements(o));
        case "evaluated" ->
            Tensor.evaluated(o.path("operators").asText(), inputs(o), dtype(o), dims(o, "shape"), elements(o));
        case "permute" -> input(o).permute(Arrays.stream(dims(o, "perm")).mapToInt(Math::toIntExact).toArray());
        case "reshape" -> input(o).reshape(dims(o, "shape"));
        case "cast" -> input(o).cast(dtype(o));
        case "slice" -> input(o).slice(axis(o), number(o, "start"), number(o, "end"));
        case "concat" -> Tensor.concat(axis(o), inputs(o));
        case "reverse" -> input(o).reverse(axis(o));
        case "negate" -> input(o).negate();
        case "sqrt" -> input(o).sqrt();
        case "reciprocal" -> input(o).reciprocal();
        case "add" -> binary(o, Tensor::plus);
        case "subtract" -> binary(o, Tensor::minus);
        case "multiply" -> binary(o, Tensor::times);
        case "divide" -> binary(o, Tensor::dividedBy);
        default -> throw bad("recipe", "op '" + op + "'", "one of the steps that Tenon writes");
      };
    }

    private Tensor source(String name) {
      return met.computeIfAbsent(name, n -> {
        Tensor t = sources.parameter(n);
        if (t == null) {
          throw bad("recipe", "a parameter '" + n + "' that the source has not", "a parameter of the source");
        }
        return t;
      });
    }

    private void check(JsonNode o, Tensor t) {
      if (t.dtype() != dtype(o) || !Arrays.equals(t.dims(), dims(o, "shape"))) {
        throw bad("recipe step " + o.path("op").asText() + " " + o.path("name").asText(), t.toString(),
            dtype(o) + Arrays.toString(dims(o, "shape")));
      }
    }

    private Tensor input(JsonNode o) {
      if (!o.has("input")) {
        throw bad("recipe step " + o.path("op").asText(), "no input", "one");
      }
      return read(o.get("input"));
    }

    private List<Tensor> inputs(JsonNode o) {
      List<Tensor> all = new ArrayList<>();
      o.path("inputs").forEach(i -> all.add(read(i)));
      return all;
    }

    private Tensor binary(JsonNode o, BinaryOperator<Tensor> op) {
      List<Tensor> all = inputs(o);
      if (all.size() != 2) {
        throw bad("recipe step " + o.path("op").asText(), all.size() + " inputs", "2");
      }
      return op.apply(all.get(0), all.get(1));
    }

    private Storage elements(JsonNode o) {
      if (o.has("strings")) {
        List<byte[]> strings = new ArrayList<>();
        o.get("strings").forEach(s -> strings.add(s.asText().getBytes(StandardCharsets.UTF_8)));
        return Storage.ofStrings(strings);
      }
      return o.has("elements") ? Storage.of(ByteBuffer.wrap(Base64.getDecoder().decode(o.get("elements").asText())))
          : new LeftOut(o.path("note").asText(o.path("operators").asText()), byteSize(o));
    }

    private long byteSize(JsonNode o) {
      try {
        return dtype(o).byteSize(Arrays.stream(dims(o, "shape")).reduce(1, Math::multiplyExact));
      } catch (ArithmeticException e) {
        throw bad("recipe step " + o.path("op").asText(), "shape " + o.path("shape"), "less than 2^63 bytes");
      }
    }

    private int axis(JsonNode o) {
      return Math.toIntExact(number(o, "axis"));
    }

    private long number(JsonNode o, String field) {
      if (!o.path(field).isIntegralNumber()) {
        throw bad("recipe step " + o.path("op").asText(), "no number '" + field + "'", "one");
      }
      return o.get(field).asLong();
    }

    private DataType dtype(JsonNode o) {
      String label = o.path("dtype").asText();
      return DataType.ofLabel(label).orElseThrow(() -> bad("recipe", "element type '" + label + "'", "float32, int64, …"));
    }

    private long[] dims(JsonNode o, String field) {
      JsonNode a = o.path(field);
      if (!a.isArray()) {
        throw bad("recipe step " + o.path("op").asText(), "no list '" + field + "'", "one");
      }
      long[] dims = new long[a.size()];
      for (int i = 0; i < dims.length; i++) {
        dims[i] = a.get(i).asLong(-1);
        if (dims[i] < 0) {
          throw bad("recipe step " + o.path("op").asText(), a.get(i) + " in '" + field + "'", "whole numbers from 0 on");
        }
      }
      return dims;
    }

    private BadInputException bad(String place, String found, String expected) {
      return BadInputException.of(file, place, found, expected);
    }
  }
}
