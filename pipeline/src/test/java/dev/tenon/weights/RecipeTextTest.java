package dev.tenon.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Storage;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.diag.BadInputException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RecipeTextTest {
  private static final Map<String, Tensor> SOURCES = Map.of("a.weight", source("a.weight", 4, 3, 2, 2), "b", source("b", 4),
      "143", source("143", 4), "odd name, (x)", source("odd name, (x)", 4), "-c", source("-c", 4));

  private static Tensor source(String name, long... dims) {
    int n = 4;
    for (long d : dims) {
      n *= (int) d;
    }
    return Tensor.source(name, DataType.FLOAT, dims, Storage.of(ByteBuffer.allocate(n)));
  }

  private static Formula parse(String text) {
    return RecipeText.parse(text, "mapping.json", "line 1");
  }

  @ParameterizedTest
  @ValueSource(strings = {"a.weight", "permute(a.weight, 2 3 1 0)", "reshape(permute(a.weight, 1 0 2 3), 12 4)",
      "concat(slice(b, axis 0, 2:4), slice(b, axis 0, 0:2), axis 0)", "reverse(b, axis 0)", "cast(b, float16)", "-b", "-(b + b)",
      "-permute(a.weight, 0 1 3 2)", "(b * sqrt(reciprocal(b)))", "((b - b) / b)"})
  void whatNamesShowsCanBeReadBack(String text) {
    assertEquals(text, parse(text).apply(SOURCES::get).recipe().toString());
  }

  @Test
  void numbersTakeTheTypeOfWhatTheyMeet() {
    Tensor t = parse("sqrt((b + 1e-5))").apply(SOURCES::get);
    assertEquals(DataType.FLOAT, t.dtype());
    assertArrayEquals(new long[] {4}, t.dims());
    assertEquals(Math.sqrt(1e-5), t.toDoubles()[0], 1e-9);
    assertEquals(0.5, parse("(0.5 - b)").apply(SOURCES::get).toDoubles()[3]);
  }

  @ParameterizedTest
  @ValueSource(strings = {"143", "odd name, (x)", "-c", "a\"b\\c"})
  void namesThatLookLikeSomethingElseAreQuoted(String name) {
    assertEquals(Set.of(name), parse(RecipeText.quote(name)).parameters());
    assertEquals(Set.of(name), parse("permute(" + RecipeText.quote(name) + ", 0)").parameters());
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {
      "permute(a.weight, 2 3 1 0|its end",
      "twist(b, 1)|'twist'",
      "permute(b, x)|'x'",
      "(b ^ b)|'^'",
      "b c|'c' after the recipe",
      "slice(b, axis 0, 1)|a range such as",
      "cast(b, float99)|'float99'",
      "\"b|a closing quote",
      ")|')'",
      "permute(b, 99999999999999999999)|a whole number"})
  void whatIsNoRecipeIsOneClearLine(String text, String words) {
    BadInputException e = assertThrows(BadInputException.class, () -> parse(text));
    assertTrue(e.getMessage().startsWith("mapping.json: line 1: recipe ") && e.getMessage().contains(words), e.getMessage());
    assertEquals(1, e.getMessage().lines().count());
  }

  @Test
  void emptyDeepAndLongTextsAreRefused() {
    assertThrows(BadInputException.class, () -> parse(""));
    assertThrows(BadInputException.class, () -> parse("sqrt(".repeat(5000) + "b" + ")".repeat(5000)));
    assertThrows(BadInputException.class, () -> parse("-".repeat(50_000) + "b"));
    assertEquals(Set.of("n".repeat(100_000)), parse("\"" + "n".repeat(100_000) + "\"").parameters());
  }

  @Test
  void stepsThatDoNotFitTheirTensorsAreBadInput() {
    for (String text : List.of("permute(b, 1 0)", "reshape(b, 5)", "slice(b, axis 3, 0:1)", "slice(b, axis 0, 2:9)", "(b + a.weight)",
        "concat(b, a.weight, axis 0)", "reverse(b, axis 7)", "nobody")) {
      BadInputException e = assertThrows(BadInputException.class, () -> parse(text).apply(SOURCES::get), text);
      assertTrue(e.getMessage().startsWith("mapping.json: line 1"), e.getMessage());
    }
  }
}
