package dev.tenon.weights.match;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Storage;
import dev.tenon.ir.Tensor;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Keras' own models and torchvision's: both lists of names are made here as the libraries make them, and which belong together is known. */
class LayerMatcherTest {
  /** Variables in Keras' order. */
  private final Layer.Builder variables = new Layer.Builder();
  /** A state_dict in PyTorch's order. */
  private final Map<String, Tensor> tensors = new LinkedHashMap<>();
  /** Variable to what it is made of. */
  private final Map<String, String> truth = new TreeMap<>();

  private void variable(String name, String recipe, long... shape) {
    variables.add(name, null, shape);
    if (recipe != null) {
      truth.put(name, recipe);
    }
  }

  private void tensor(String name, long... shape) {
    int size = 4;
    for (long d : shape) {
      size = Math.multiplyExact(size, (int) d);
    }
    int bytes = size;
    // Matching looks at names and shapes; nothing is ever read.
    tensors.put(name, Tensor.source(name, DataType.FLOAT, shape, Storage.decoded(bytes, () -> ByteBuffer.allocate(0))));
  }

  private void kerasConvolution(String name, String torch, long kernel, long in, long out) {
    variable(name + "/kernel", "permute(" + torch + ".weight, 2 3 1 0)", kernel, kernel, in, out);
  }

  private void kerasBatchNorm(String name, String torch, long size) {
    variable(name + "/gamma", torch + ".weight", size);
    variable(name + "/beta", torch + ".bias", size);
    variable(name + "/moving_mean", torch + ".running_mean", size);
    variable(name + "/moving_variance", torch + ".running_var", size);
  }

  private void torchBatchNorm(String name, long size) {
    for (String leaf : List.of("weight", "bias", "running_mean", "running_var")) {
      tensor(name + "." + leaf, size);
    }
    tensors.put(name + ".num_batches_tracked", Tensor.scalar(0));
  }

  private void matchAll() {
    List<Layer> wanted = variables.build();
    Map<String, String> found = new TreeMap<>();
    for (LayerMatch m : LayerMatcher.match(wanted, TorchLayers.of(tensors, wanted))) {
      m.fit().parts().forEach((part, a) -> found.put(part.recipe(), a.recipe()));
      assertTrue(m.confidence() > 0 && m.confidence() <= 1 && !m.reason().isEmpty(), m.reason());
    }
    assertEquals(String.join("\n", truth.entrySet().stream().map(Object::toString).toList()),
        String.join("\n", found.entrySet().stream().map(Object::toString).toList()));
  }

  // ---- ResNet-50 ----

  private static final int[] BLOCKS = {3, 4, 6, 3};
  private static final int[] WIDTHS = {64, 128, 256, 512};

  private void kerasResNet() {
    kerasConvolution("conv1_conv", "conv1", 7, 3, 64);
    variable("conv1_conv/bias", null, 64);
    kerasBatchNorm("conv1_bn", "bn1", 64);
    long in = 64;
    for (int s = 0; s < 4; s++) {
      for (int b = 0; b < BLOCKS[s]; b++) {
        String keras = "conv" + (s + 2) + "_block" + (b + 1);
        String torch = "layer" + (s + 1) + "." + b;
        long w = WIDTHS[s];
        kerasBlock(keras + "_1", torch + ".conv1", torch + ".bn1", 1, in, w, true);
        kerasBlock(keras + "_2", torch + ".conv2", torch + ".bn2", 3, w, w, true);
        if (b == 0) {
          // Keras lists both convolutions that are added, and then both norms.
          kerasBlock(keras + "_0", torch + ".downsample.0", null, 1, in, 4 * w, false);
          kerasBlock(keras + "_3", torch + ".conv3", null, 1, w, 4 * w, false);
          kerasBatchNorm(keras + "_0_bn", torch + ".downsample.1", 4 * w);
          kerasBatchNorm(keras + "_3_bn", torch + ".bn3", 4 * w);
        } else {
          kerasBlock(keras + "_3", torch + ".conv3", torch + ".bn3", 1, w, 4 * w, true);
        }
        in = 4 * w;
      }
    }
    variable("predictions/kernel", "permute(fc.weight, 1 0)", 2048, 1000);
    variable("predictions/bias", "fc.bias", 1000);
  }

  private void kerasBlock(String name, String conv, String norm, long kernel, long in, long out, boolean withNorm) {
    kerasConvolution(name + "_conv", conv, kernel, in, out);
    variable(name + "_conv/bias", null, out);
    if (withNorm) {
      kerasBatchNorm(name + "_bn", norm, out);
    }
  }

  private void torchResNet() {
    tensor("conv1.weight", 64, 3, 7, 7);
    torchBatchNorm("bn1", 64);
    long in = 64;
    for (int s = 0; s < 4; s++) {
      for (int b = 0; b < BLOCKS[s]; b++) {
        String block = "layer" + (s + 1) + "." + b;
        long w = WIDTHS[s];
        tensor(block + ".conv1.weight", w, in, 1, 1);
        torchBatchNorm(block + ".bn1", w);
        tensor(block + ".conv2.weight", w, w, 3, 3);
        torchBatchNorm(block + ".bn2", w);
        tensor(block + ".conv3.weight", 4 * w, w, 1, 1);
        torchBatchNorm(block + ".bn3", 4 * w);
        if (b == 0) {
          tensor(block + ".downsample.0.weight", 4 * w, in, 1, 1);
          torchBatchNorm(block + ".downsample.1", 4 * w);
        }
        in = 4 * w;
      }
    }
    tensor("fc.weight", 1000, 2048);
    tensor("fc.bias", 1000);
  }

  @Test
  void kerasResNet50FromTorchvisions() {
    kerasResNet();
    torchResNet();
    matchAll();
  }

  @Test
  void theCheckpointsOrderIsNoCondition() {
    kerasResNet();
    torchResNet();
    List<Map.Entry<String, Tensor>> entries = new ArrayList<>(tensors.entrySet());
    tensors.clear();
    // As safetensors files are: sorted by name.
    entries.stream().sorted(Map.Entry.comparingByKey()).forEach(e -> tensors.put(e.getKey(), e.getValue()));
    matchAll();
  }

  // ---- MobileNetV2 ----

  private static final int[][] INVERTED = {{1, 16, 1}, {6, 24, 2}, {6, 32, 3}, {6, 64, 4}, {6, 96, 3}, {6, 160, 3}, {6, 320, 1}};

  @Test
  void kerasMobileNetV2FromTorchvisions() {
    kerasConvolution("Conv1", "features.0.0", 3, 3, 32);
    kerasBatchNorm("bn_Conv1", "features.0.1", 32);
    tensor("features.0.0.weight", 32, 3, 3, 3);
    torchBatchNorm("features.0.1", 32);
    long in = 32;
    int n = 0;
    for (int[] stage : INVERTED) {
      for (int i = 0; i < stage[2]; i++) {
        mobileBlock(n, in, in * stage[0], stage[1], stage[0] > 1);
        in = stage[1];
        n++;
      }
    }
    kerasConvolution("Conv_1", "features.18.0", 1, 320, 1280);
    kerasBatchNorm("Conv_1_bn", "features.18.1", 1280);
    variable("predictions/kernel", "permute(classifier.1.weight, 1 0)", 1280, 1000);
    variable("predictions/bias", "classifier.1.bias", 1000);
    tensor("features.18.0.weight", 1280, 320, 1, 1);
    torchBatchNorm("features.18.1", 1280);
    tensor("classifier.1.weight", 1000, 1280);
    tensor("classifier.1.bias", 1000);
    matchAll();
  }

  private void mobileBlock(int n, long in, long wide, long out, boolean expands) {
    String keras = n == 0 ? "expanded_conv" : "block_" + n;
    String torch = "features." + (n + 1) + ".conv.";
    int part = 0;
    if (expands) {
      kerasConvolution(keras + "_expand", torch + "0.0", 1, in, wide);
      kerasBatchNorm(keras + "_expand_BN", torch + "0.1", wide);
      tensor(torch + "0.0.weight", wide, in, 1, 1);
      torchBatchNorm(torch + "0.1", wide);
      part = 1;
    }
    variable(keras + "_depthwise/kernel", "permute(" + torch + part + ".0.weight, 2 3 0 1)", 3, 3, wide, 1);
    kerasBatchNorm(keras + "_depthwise_BN", torch + part + ".1", wide);
    tensor(torch + part + ".0.weight", wide, 1, 3, 3);
    torchBatchNorm(torch + part + ".1", wide);
    kerasConvolution(keras + "_project", torch + (part + 1), 1, wide, out);
    kerasBatchNorm(keras + "_project_BN", torch + (part + 2), out);
    tensor(torch + (part + 1) + ".weight", out, wide, 1, 1);
    torchBatchNorm(torch + (part + 2), out);
  }

  // ---- what PyTorch keeps otherwise ----

  @Test
  void recurrentLayersHaveTheirGatesInKerasOrder() {
    variable("lstm/lstm_cell/kernel", "permute(rnn.weight_ih_l0, 1 0)", 5, 28);
    variable("lstm/lstm_cell/recurrent_kernel", "permute(rnn.weight_hh_l0, 1 0)", 7, 28);
    variable("lstm/lstm_cell/bias", "(rnn.bias_ih_l0 + rnn.bias_hh_l0)", 28);
    String gates = "concat(slice(gru.%1$s, axis 0, 3:6), slice(gru.%1$s, axis 0, 0:3), slice(gru.%1$s, axis 0, 6:9), axis 0)";
    variable("gru/gru_cell/kernel", "permute(" + String.format(gates, "weight_ih_l0") + ", 1 0)", 7, 9);
    variable("gru/gru_cell/recurrent_kernel", "permute(" + String.format(gates, "weight_hh_l0") + ", 1 0)", 3, 9);
    variable("gru/gru_cell/bias", "concat(reshape(" + String.format(gates, "bias_ih_l0") + ", 1 9), reshape("
        + String.format(gates, "bias_hh_l0") + ", 1 9), axis 0)", 2, 9);
    tensor("rnn.weight_ih_l0", 28, 5);
    tensor("rnn.weight_hh_l0", 28, 7);
    tensor("rnn.bias_ih_l0", 28);
    tensor("rnn.bias_hh_l0", 28);
    tensor("gru.weight_ih_l0", 9, 7);
    tensor("gru.weight_hh_l0", 9, 3);
    tensor("gru.bias_ih_l0", 9);
    tensor("gru.bias_hh_l0", 9);
    matchAll();
  }

  @Test
  void packedProjectionsAreTakenApartForKerasAttention() {
    String layer = "encoder/self_attention/";
    String[] names = {"query", "key", "value"};
    for (int i = 0; i < 3; i++) {
      String range = ", axis 0, " + 12 * i + ":" + 12 * (i + 1) + ")";
      variable(layer + names[i] + "/kernel", "reshape(permute(slice(attn.in_proj_weight" + range + ", 1 0), 12 3 4)", 12, 3, 4);
      variable(layer + names[i] + "/bias", "reshape(slice(attn.in_proj_bias" + range + ", 3 4)", 3, 4);
    }
    variable(layer + "attention_output/kernel", "reshape(permute(attn.out_proj.weight, 1 0), 3 4 12)", 3, 4, 12);
    variable(layer + "attention_output/bias", "attn.out_proj.bias", 12);
    tensor("attn.in_proj_weight", 36, 12);
    tensor("attn.in_proj_bias", 36);
    tensor("attn.out_proj.weight", 12, 12);
    tensor("attn.out_proj.bias", 12);
    matchAll();
  }

  @Test
  void embeddingsNormsAndTokensFindTheirOwn() {
    variable("bert/embeddings/word_embeddings/embeddings", "bert.embeddings.word_embeddings.weight", 101, 48);
    variable("bert/embeddings/LayerNorm/gamma", "bert.embeddings.LayerNorm.weight", 48);
    variable("bert/embeddings/LayerNorm/beta", "bert.embeddings.LayerNorm.bias", 48);
    variable("bert/cls_token", "bert.cls_token", 1, 1, 48);
    variable("bert/pooler/dense/kernel", "permute(bert.pooler.dense.weight, 1 0)", 48, 48);
    variable("bert/pooler/dense/bias", "bert.pooler.dense.bias", 48);
    tensor("bert.embeddings.word_embeddings.weight", 101, 48);
    tensor("bert.embeddings.LayerNorm.weight", 48);
    tensor("bert.embeddings.LayerNorm.bias", 48);
    tensor("bert.cls_token", 1, 1, 48);
    tensor("bert.pooler.dense.weight", 48, 48);
    tensor("bert.pooler.dense.bias", 48);
    matchAll();
  }

  @Test
  void largeAndHostileListsAreNoTrouble() {
    Random random = new Random(3);
    for (int i = 0; i < 300; i++) {
      variables.add("a" + random.nextInt(50) + "/b" + i + "/kernel", null, new long[] {3, 3, 8, 8});
      tensor("x." + i + "." + "/._(\"".charAt(random.nextInt(5)) + random.nextInt() + ".weight", 8, 8, 3, 3);
    }
    tensor("", 4);
    tensor("...", 3);
    tensor("9".repeat(400) + ".weight", 8, 8);
    List<Layer> wanted = variables.build();
    assertEquals(300, LayerMatcher.match(wanted, TorchLayers.of(tensors, wanted)).size());
  }
}
