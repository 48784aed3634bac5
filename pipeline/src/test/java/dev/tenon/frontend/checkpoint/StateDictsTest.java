package dev.tenon.frontend.checkpoint;

import static dev.tenon.frontend.archive.BadInputs.assertBad;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.frontend.archive.StoredTensor;
import dev.tenon.frontend.pickle.PickleTuple;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Storage;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Which of the dicts in a training script's file are the weights. */
class StateDictsTest {

  private static StoredTensor tensor() {
    return StoredTensor.dense("f", "", DataType.FLOAT, List.of(1L), Storage.of(ByteBuffer.allocate(4)), "0");
  }

  private static Map<Object, Object> dict(Object... items) {
    Map<Object, Object> map = new LinkedHashMap<>();
    for (int i = 0; i < items.length; i += 2) {
      map.put(items[i], items[i + 1]);
    }
    return map;
  }

  private static Map<Object, Object> weights(String... names) {
    Map<Object, Object> map = new LinkedHashMap<>();
    for (String n : names.length == 0 ? new String[] {"a.weight", "a.bias", "b.weight", "b.bias", "c.weight"} : names) {
      map.put(n, tensor());
    }
    return map;
  }

  private static List<String> found(Object root) {
    return List.copyOf(StateDicts.find("f.pth", root, null).tensors().keySet());
  }

  private static List<String> notes(Object root) {
    return StateDicts.find("f.pth", root, null).notes();
  }

  @Test
  void aStateDictByItself() {
    assertEquals(List.of("a.weight", "a.bias"), found(weights("a.weight", "a.bias")));
    assertEquals(List.of(), notes(weights()));
  }

  @Test
  void underAnyOfTheUsualNames() {
    for (String key : List.of("state_dict", "model_state_dict", "model", "net", "params", "model_ema", "anything")) {
      assertEquals(5, found(dict("epoch", 3L, key, weights(), "optimizer", dict("state", dict(0L, weights("exp_avg"))))).size(), key);
      assertEquals(List.of("the weights are those under \"" + key + '"'), notes(dict("epoch", 3L, key, weights())), key);
    }
    assertEquals(List.of("the weights are those under \"model.state_dict\""), notes(dict("model", dict("state_dict", weights()))));
    assertEquals(List.of("the weights are those under \"0\""), notes(new PickleTuple(new ArrayList<>(List.of(weights(), 3L)))));
  }

  @Test
  void averagesOfWeightsComeAfterTheWeights() {
    assertEquals(List.of("the weights are those under \"model\", not those under \"model_ema\""),
        notes(dict("model_ema", weights(), "model", weights())));
    assertEquals(List.of("the weights are those under \"params\", not those under \"params_ema\""),
        notes(dict("params_ema", weights(), "params", weights())));
  }

  @Test
  void aFewTensorsAmongTheMetricsAreNotTheWeights() {
    assertEquals(List.of("the weights are those under \"state_dict\""), notes(dict("best_acc1", tensor(), "state_dict", weights())));
    assertEquals(5, found(dict("x", weights(), "stats", dict("mean", tensor()))).size());
  }

  @Test
  void namesOfWrappersAreRemoved() {
    assertEquals(List.of("a", "b"), found(weights("module.a", "module.b")));
    assertEquals(List.of("a", "b"), found(weights("module._orig_mod.a", "module._orig_mod.b")));
    assertEquals(List.of("a"), found(weights("n_averaged", "module.a")));
    assertEquals(List.of("module.a", "b"), found(weights("module.a", "b")));
    assertEquals(List.of("module."), found(weights("module.")));
    assertEquals(List.of("module.a", "_orig_mod.a"), found(weights("module.a", "_orig_mod.a")));
  }

  @Test
  void severalThatCouldBeMeantAreNotGuessedAmong() {
    assertBad(() -> found(dict("generator", weights(), "discriminator", weights())),
        "several dicts of tensors (\"generator\", \"discriminator\")",
        "chosen with --key", "torch.save(torch.load(path)[\"generator\"], \"weights.pth\")");
    assertBad(() -> found(dict("a", dict("model", weights()), "b", dict("model", weights()))), "\"a.model\", \"b.model\"",
        "[\"a\"][\"model\"]");
  }

  @Test
  void theOneThatIsNamedIsTaken() {
    Map<Object, Object> root = dict("generator", weights("g"), "b", dict("model", weights("d")));
    assertEquals(List.of("g"), List.copyOf(StateDicts.find("f", root, "generator").tensors().keySet()));
    assertEquals(List.of("d"), List.copyOf(StateDicts.find("f", root, "b.model").tensors().keySet()));
    assertBad(() -> StateDicts.find("f", root, "x"), "no tensors under \"x\"", "one of \"generator\", \"b.model\"");
  }

  @Test
  void filesWithoutWeights() {
    assertBad(() -> found(dict()), "no tensors by name");
    assertBad(() -> found(tensor()), "no tensors by name");
    assertBad(() -> found(3L), "no tensors by name");
    assertBad(() -> found(dict("state", dict(0L, weights("exp_avg")), "param_groups", new ArrayList<>())), "no tensors by name",
        "a state_dict");
    assertBad(() -> found(dict(1L, tensor())), "no tensors by name");
  }

  @Test
  void dictsThatAreReachedInManyWaysAreNotFollowedForever() {
    Map<Object, Object> d = weights();
    for (int i = 0; i < 100; i++) {
      d = dict("a", d, "b", d, "c", d, "d", d, "e", d, "f", d);
    }
    Map<Object, Object> deep = d;
    assertBad(() -> found(deep), "no tensors by name");
    assertTrue(found(dict("model", weights(), "rest", deep)).size() == 5);
  }
}
