package dev.tenon.weights;

import dev.tenon.convert.RecipeJson;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Recipe;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.diag.BadInputException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Recipes as people write them, the way {@link Recipe#toString} and {@code tenon names} show them:
 *
 * <pre>
 * recipe := name | number | "-" recipe | "(" recipe ("+" | "-" | "*" | "/") recipe ")"
 *         | permute(recipe, 2 3 1 0) | reshape(recipe, 48 8) | cast(recipe, float16) | reverse(recipe, axis 0)
 *         | slice(recipe, axis 0, 0:24) | concat(recipe, recipe, …, axis 0) | sqrt(recipe) | reciprocal(recipe)
 * </pre>
 *
 * <p>A name with spaces, parentheses or commas, or one that looks like a number, stands in double quotes. A number takes the type of
 * what it is combined with.
 */
public final class RecipeText {
  private static final Pattern NUMBER = Pattern.compile("-?\\d+(\\.\\d*)?([eE][-+]?\\d+)?");
  private static final Pattern TOKEN = Pattern.compile("\\s*(?:\"((?:[^\"\\\\]++|\\\\.)*+)\"|([(),])|([^\\s(),\"]+))");
  private static final int MAX_DEPTH = 100;

  private final String text;
  private final String file;
  private final String place;
  private final Matcher tokens;
  private final Set<String> names = new LinkedHashSet<>();
  private int depth;
  /** The token that comes next; null at the end. */
  private String token;
  private boolean quoted;

  private RecipeText(String text, String file, String place) {
    this.text = text;
    this.file = file;
    this.place = place;
    this.tokens = TOKEN.matcher(text.strip());
    next();
  }

  /** A parsed part, which waits for the parameters. */
  private interface Part {
    Tensor apply(RecipeJson.Sources sources);
  }

  /**
   * Reads a recipe.
   *
   * @param file for messages, with {@code place} in it
   * @throws BadInputException if the text is no recipe; {@link Formula#apply} ends in one if the parameters do not fit it
   */
  static Formula parse(String text, String file, String place) {
    RecipeText reader = new RecipeText(text, file, place);
    Part part = reader.recipe();
    if (reader.token != null) {
      throw reader.bad("'" + reader.token + "' after the recipe", "its end");
    }
    return new Formula() {
      @Override
      public Set<String> parameters() {
        return reader.names;
      }

      @Override
      public List<String> baked() {
        return List.of();
      }

      @Override
      public Tensor apply(RecipeJson.Sources sources) {
        try {
          return part.apply(sources);
        } catch (IllegalArgumentException | ArithmeticException | IndexOutOfBoundsException e) {
          throw reader.bad("a step that does not fit its tensors (" + e.getMessage() + ")", "one that does");
        }
      }
    };
  }

  /** A name as it must be written in a recipe: in quotes if it needs them. */
  public static String quote(String name) {
    boolean plain = !name.isEmpty() && !name.matches(".*[\\s(),\"].*") && !NUMBER.matcher(name).matches() && !name.startsWith("-");
    return plain ? name : "\"" + name.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
  }

  /** The names in a recipe. */
  public static Set<String> names(String text) {
    return parse(text, "", "").parameters();
  }

  // ---- tokens ----

  private void next() {
    if (tokens.regionStart() == tokens.regionEnd()) {
      token = null;
      return;
    }
    if (!tokens.lookingAt()) {
      throw bad("an unfinished name", "a closing quote");
    }
    quoted = tokens.group(1) != null;
    token = quoted ? tokens.group(1).replaceAll("\\\\(.)", "$1") : tokens.group(2) != null ? tokens.group(2) : tokens.group(3);
    tokens.region(tokens.end(), tokens.regionEnd());
  }

  private String take() {
    if (token == null) {
      throw bad("its end", "more");
    }
    String t = token;
    next();
    return t;
  }

  private boolean is(String wanted) {
    return !quoted && wanted.equals(token);
  }

  private void expect(String wanted) {
    if (!is(wanted)) {
      throw bad(token == null ? "its end" : "'" + token + "'", "'" + wanted + "'");
    }
    next();
  }

  private long number() {
    String t = take();
    try {
      return Long.parseLong(t);
    } catch (NumberFormatException e) {
      throw bad("'" + t + "'", "a whole number");
    }
  }

  private int axis() {
    expect("axis");
    return Math.toIntExact(number());
  }

  private long[] numbers() {
    List<Long> all = new ArrayList<>();
    while (token != null && !is(")") && !is(",")) {
      all.add(number());
    }
    return all.stream().mapToLong(Long::longValue).toArray();
  }

  // ---- recipes ----

  private Part recipe() {
    if (++depth > MAX_DEPTH) {
      throw bad("steps more than " + MAX_DEPTH + " deep", "fewer");
    }
    if (!quoted && token != null && token.length() > 1 && token.startsWith("-") && !NUMBER.matcher(token).matches()) {
      token = token.substring(1);
      Part negated = unary(recipe(), Tensor::negate);
      depth--;
      return negated;
    }
    boolean isQuoted = quoted;
    String t = take();
    Part part;
    if (!isQuoted && t.equals("(")) {
      part = binary();
    } else if (!isQuoted && t.equals("-")) {
      part = unary(recipe(), Tensor::negate);
    } else if (!isQuoted && NUMBER.matcher(t).matches()) {
      double value = Double.parseDouble(t);
      part = s -> Tensor.of(new double[] {value}).reshape();
    } else if (!isQuoted && is("(")) {
      next();
      part = call(t);
      expect(")");
    } else if (!isQuoted && (t.equals(")") || t.equals(","))) {
      throw bad("'" + t + "'", "a name or a step");
    } else {
      part = name(t);
    }
    depth--;
    return part;
  }

  private Part name(String name) {
    names.add(name);
    return s -> {
      Tensor t = s.parameter(name);
      if (t == null) {
        throw bad("the name '" + name + "'", "one that the checkpoint has");
      }
      return t;
    };
  }

  private Part binary() {
    Part left = recipe();
    String sign = take();
    Part right = recipe();
    expect(")");
    for (Recipe.BinaryOp op : Recipe.BinaryOp.values()) {
      if (op.sign().equals(sign)) {
        return s -> combine(op, left.apply(s), right.apply(s));
      }
    }
    throw bad("'" + sign + "'", "one of + - * /");
  }

  private static Tensor combine(Recipe.BinaryOp op, Tensor left, Tensor right) {
    // Numbers are scalars of type float64 until they meet a tensor.
    Tensor a = left.rank() == 0 && left.recipe().sources().isEmpty() ? left.cast(right.dtype()) : left;
    Tensor b = right.rank() == 0 && right.recipe().sources().isEmpty() ? right.cast(a.dtype()) : right;
    return switch (op) {
      case ADD -> a.plus(b);
      case SUBTRACT -> a.minus(b);
      case MULTIPLY -> a.times(b);
      case DIVIDE -> a.dividedBy(b);
    };
  }

  private static Part unary(Part input, UnaryOperator<Tensor> op) {
    return s -> op.apply(input.apply(s));
  }

  private Part call(String step) {
    Part input = recipe();
    switch (step) {
      case "sqrt":
        return unary(input, Tensor::sqrt);
      case "reciprocal":
        return unary(input, Tensor::reciprocal);
      case "concat":
        return concat(input);
      default:
        break;
    }
    expect(",");
    switch (step) {
      case "permute":
        int[] perm = Arrays.stream(numbers()).mapToInt(Math::toIntExact).toArray();
        return unary(input, t -> t.permute(perm));
      case "reshape":
        long[] dims = numbers();
        return unary(input, t -> t.reshape(dims));
      case "cast":
        DataType dtype = type(take());
        return unary(input, t -> t.cast(dtype));
      case "reverse":
        int reversed = axis();
        return unary(input, t -> t.reverse(reversed));
      case "slice":
        return slice(input);
      default:
        throw bad("the step '" + step + "'", "permute, reshape, cast, slice, concat, reverse, sqrt or reciprocal");
    }
  }

  private Part concat(Part first) {
    List<Part> parts = new ArrayList<>(List.of(first));
    expect(",");
    while (!is("axis")) {
      parts.add(recipe());
      expect(",");
    }
    int axis = axis();
    return s -> Tensor.concat(axis, parts.stream().map(p -> p.apply(s)).toList());
  }

  private Part slice(Part input) {
    int axis = axis();
    expect(",");
    String range = take();
    Matcher m = Pattern.compile("(\\d{1,18}):(\\d{1,18})").matcher(range);
    if (!m.matches()) {
      throw bad("'" + range + "'", "a range such as 0:24");
    }
    long start = Long.parseLong(m.group(1));
    long end = Long.parseLong(m.group(2));
    return unary(input, t -> t.slice(axis, start, end));
  }

  private DataType type(String label) {
    return DataType.ofLabel(label).orElseThrow(() -> bad("element type '" + label + "'", "float32, float16, …"));
  }

  private BadInputException bad(String found, String expected) {
    String shown = text.length() > 120 ? text.substring(0, 120) + "…" : text;
    return BadInputException.of(file, place + ": recipe " + shown, found, expected);
  }
}
