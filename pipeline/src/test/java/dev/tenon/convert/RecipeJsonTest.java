package dev.tenon.convert;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Storage;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.diag.BadInputException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class RecipeJsonTest {
  private static final Tensor W = source("conv.weight", 1, 4, 3, 2, 2);
  private static final Tensor G = source("bn.weight", 2, 4);
  private static final Tensor V = source("bn.running_var", 3, 4);
  private static final Map<String, Tensor> SOURCES = Map.of("conv.weight", W, "bn.weight", G, "bn.running_var", V);

  private static Tensor source(String name, long seed, long... dims) {
    Random r = new Random(seed);
    int n = 1;
    for (long d : dims) {
      n *= (int) d;
    }
    ByteBuffer b = ByteBuffer.allocate(4 * n).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < n; i++) {
      b.putFloat(0.5f + r.nextFloat());
    }
    return Tensor.source(name, DataType.FLOAT, dims, Storage.of(b.flip()));
  }

  static Stream<Arguments> recipes() {
    Tensor scale = G.dividedBy(V.plus(Tensor.scalar(1e-5f)).sqrt());
    return Stream.of(
        Arguments.of("source", W),
        Arguments.of("permute", W.permute(2, 3, 1, 0)),
        Arguments.of("reshape", W.reshape(12, 4)),
        Arguments.of("cast", W.cast(DataType.DOUBLE)),
        Arguments.of("slice", W.slice(0, 1, 3)),
        Arguments.of("slice to nothing", W.slice(1, 2, 2)),
        Arguments.of("concat", Tensor.concat(1, List.of(W, W.reverse(3)))),
        Arguments.of("negate", G.negate()),
        Arguments.of("reciprocal", V.reciprocal()),
        Arguments.of("subtract", G.minus(V)),
        Arguments.of("constant", Tensor.of(new long[] {1, -2, 3}, 3)),
        Arguments.of("bool-like constant", Tensor.scalar(DataType.INT8, -5)),
        Arguments.of("strings", Tensor.ofStrings(List.of("a", "ü", ""), 3)),
        Arguments.of("evaluated", Tensor.evaluated("Exp", List.of(G), DataType.FLOAT, new long[] {2}, Storage.of(ByteBuffer.allocate(8)))),
        Arguments.of("folded batch norm", W.times(scale.reshape(4, 1, 1, 1)).permute(2, 3, 1, 0)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("recipes")
  void whatIsWrittenReadsBackTheSame(String name, Tensor t) throws Exception {
    String text = new ObjectMapper().writeValueAsString(RecipeJson.toJson(t));
    Tensor back = RecipeJson.fromJson(new ObjectMapper().readTree(text), SOURCES::get, "test");
    assertEquals(t.recipe().toString(), back.recipe().toString());
    assertTrue(t.contentEquals(back), "same type, shape and elements: " + text);
    assertEquals(RecipeJson.toJson(t), RecipeJson.toJson(back));
  }

  @Test
  void newWeightsCanBePouredIn() {
    ObjectNode json = RecipeJson.toJson(W.permute(2, 3, 1, 0));
    Tensor other = source("conv.weight", 99, 4, 3, 2, 2);
    Tensor back = RecipeJson.fromJson(json, n -> other, "test");
    assertTrue(back.contentEquals(other.permute(2, 3, 1, 0)));
  }

  @Test
  void sourcesAreListedOnceWithTheirShapes() {
    List<Tensor> sources = RecipeJson.sources(RecipeJson.toJson(W.times(W).plus(G.reshape(4, 1, 1, 1))), "test");
    assertEquals(List.of("conv.weight", "bn.weight"), sources.stream().map(t -> t.recipe().toString()).toList());
    assertArrayEquals(new long[] {4, 3, 2, 2}, sources.get(0).dims());
  }

  @Test
  void parameterOfAnotherShapeIsRefused() {
    ObjectNode json = RecipeJson.toJson(G.negate());
    assertThrows(BadInputException.class, () -> RecipeJson.fromJson(json, n -> source(n, 1, 5), "test"));
    assertThrows(BadInputException.class, () -> RecipeJson.fromJson(json, n -> null, "test"));
  }

  @Test
  void largeConstantsAreLeftOutButKnown() {
    Tensor large = Tensor.of(new float[20_000], 20_000);
    ObjectNode json = RecipeJson.toJson(large);
    assertEquals(80_000, json.get("elements_left_out").asInt());
    Tensor back = RecipeJson.fromJson(json, SOURCES::get, "test");
    assertThrows(IllegalStateException.class, back::bytes);
  }

  @Test
  void damagedTreesAreBadInput() throws Exception {
    ObjectMapper mapper = new ObjectMapper();
    for (String bad : List.of("{}", "{\"op\":\"explode\",\"dtype\":\"float32\",\"shape\":[]}",
        "{\"op\":\"permute\",\"dtype\":\"float32\",\"shape\":[4],\"perm\":[0]}",
        "{\"op\":\"permute\",\"dtype\":\"float32\",\"shape\":[4],\"perm\":[3],\"input\":" + RecipeJson.toJson(G) + "}",
        "{\"op\":\"add\",\"dtype\":\"float32\",\"shape\":[4],\"inputs\":[" + RecipeJson.toJson(G) + "]}")) {
      assertThrows(BadInputException.class, () -> RecipeJson.fromJson(mapper.readTree(bad), SOURCES::get, "test"), bad);
    }
  }
}
