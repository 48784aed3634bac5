package dev.tenon.weights.match;

import dev.tenon.ir.Tensor;
import dev.tenon.weights.PourPlanner;
import dev.tenon.weights.RecipeText;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A checkpoint's tensors as layers. Where PyTorch keeps things otherwise than TensorFlow, layers are made that look like
 * TensorFlow's: an LSTM's two biases added, a GRU's gates in Keras' order, packed projections apart, batch norms folded.
 */
final class TorchLayers {
  private static final Pattern RECURRENT = Pattern.compile("(?:(.*)\\.)?(weight|bias)_(ih|hh)(_l\\d+)?(_reverse)?");
  /** PyTorch's default; a state_dict does not hold it. */
  private static final String EPSILON = "1e-5";

  private final Map<String, Tensor> tensors;
  private final boolean splitProjections;
  private final boolean foldBatchNorms;

  private TorchLayers(Map<String, Tensor> tensors, boolean splitProjections, boolean foldBatchNorms) {
    this.tensors = tensors;
    this.splitProjections = splitProjections;
    this.foldBatchNorms = foldBatchNorms;
  }

  /**
   * The layers of a checkpoint.
   *
   * @param variables the layers they are to be matched with
   */
  static List<Layer> of(Map<String, Tensor> tensors, List<Layer> variables) {
    boolean packed = variables.stream().flatMap(l -> l.parts().stream()).anyMatch(p -> p.leaf().startsWith("in_proj"));
    boolean apart = variables.stream().map(l -> NameTokens.of(l.path()).words()).anyMatch(w -> w.contains("q"));
    boolean statistics = variables.stream().anyMatch(l -> l.has(Role.MEAN));
    return new TorchLayers(tensors, apart && !packed, !statistics).build();
  }

  private List<Layer> build() {
    Layer.Builder builder = new Layer.Builder();
    Set<String> recurrent = new LinkedHashSet<>();
    tensors.forEach((name, t) -> {
      Matcher m = RECURRENT.matcher(name);
      if (m.matches()) {
        String path = (m.group(1) == null ? "" : m.group(1) + ".");
        String ending = (m.group(4) == null ? "" : m.group(4)) + (m.group(5) == null ? "" : m.group(5));
        if (recurrent.add(path + ending)) {
          recurrent(builder, path, ending);
        }
      } else if (splitProjections && name.matches("(.*\\.)?in_proj_(weight|bias)") && t.dim(0) % 3 == 0) {
        split(builder, name, t);
      } else if (!PourPlanner.isStepCounter(name)) {
        builder.add(name, RecipeText.quote(name), t.dims());
      }
    });
    List<Layer> layers = builder.build();
    return foldBatchNorms ? folded(layers) : layers;
  }

  // ---- recurrent layers ----

  private void recurrent(Layer.Builder builder, String path, String ending) {
    Tensor kernel = tensors.get(path + "weight_ih" + ending);
    Tensor hidden = tensors.get(path + "weight_hh" + ending);
    if (kernel == null || hidden == null || kernel.rank() != 2 || hidden.rank() != 2 || hidden.dim(1) == 0) {
      return;
    }
    long size = hidden.dim(1);
    boolean gru = hidden.dim(0) == 3 * size;
    String layer = path + "rnn" + ending;
    add(builder, layer, Role.KERNEL, Arrangement.permute(gates(path + "weight_ih" + ending, size, gru), 1, 0), kernel.dim(1), kernel.dim(0));
    add(builder, layer, Role.RECURRENT_KERNEL, Arrangement.permute(gates(path + "weight_hh" + ending, size, gru), 1, 0), size, hidden.dim(0));
    if (!tensors.containsKey(path + "bias_ih" + ending) || !tensors.containsKey(path + "bias_hh" + ending)) {
      return;
    }
    String input = gates(path + "bias_ih" + ending, size, gru);
    String recurrent = gates(path + "bias_hh" + ending, size, gru);
    if (gru) {
      // Keras keeps the two biases of a GRU in one variable (reset_after), others in two.
      add(builder, layer, Role.BIAS, input, 3 * size);
      add(builder, layer, Role.RECURRENT_BIAS, recurrent, 3 * size);
      add(builder, layer, Role.BIAS, "concat(" + Arrangement.reshape(input, 1, 3 * size) + ", " + Arrangement.reshape(recurrent, 1, 3 * size)
          + ", axis 0)", 2, 3 * size);
    } else {
      add(builder, layer, Role.BIAS, "(" + input + " + " + recurrent + ")", hidden.dim(0));
    }
  }

  private static void add(Layer.Builder builder, String layer, Role role, String recipe, long... shape) {
    builder.add(layer, new Part(role, role.name().toLowerCase(Locale.ROOT), recipe, shape, true));
  }

  /** An LSTM's gates are in Keras' order already; a GRU's are reset, update, new, and Keras has update first. */
  private static String gates(String name, long size, boolean gru) {
    String n = RecipeText.quote(name);
    if (!gru) {
      return n;
    }
    return "concat(slice(" + n + ", axis 0, " + size + ":" + 2 * size + "), slice(" + n + ", axis 0, 0:" + size + "), slice(" + n
        + ", axis 0, " + 2 * size + ":" + 3 * size + "), axis 0)";
  }

  // ---- attention ----

  private static void split(Layer.Builder builder, String name, Tensor t) {
    boolean weight = name.endsWith("weight");
    String path = name.substring(0, Math.max(name.lastIndexOf('.'), 0));
    long third = t.dim(0) / 3;
    long[] shape = t.dims();
    shape[0] = third;
    String[] names = {"query", "key", "value"};
    for (int i = 0; i < 3; i++) {
      String recipe = "slice(" + RecipeText.quote(name) + ", axis 0, " + i * third + ":" + (i + 1) * third + ")";
      builder.add((path.isEmpty() ? "" : path + ".") + names[i],
          new Part(weight ? Role.KERNEL : Role.BIAS, weight ? "weight" : "bias", recipe, shape, false));
    }
  }

  // ---- batch norms ----

  /** Each batch norm behind a convolution or linear layer is made one with it, as exporters and Tenon do for inference. */
  private List<Layer> folded(List<Layer> layers) {
    Map<Integer, Layer> replaced = new LinkedHashMap<>();
    Set<Integer> gone = new LinkedHashSet<>();
    for (int i = 1; i < layers.size(); i++) {
      Layer norm = layers.get(i);
      Layer before = layers.get(i - 1);
      if (norm.has(Role.MEAN) && norm.has(Role.VARIANCE) && before.has(Role.KERNEL) && !gone.contains(i - 1)) {
        Layer one = folded(before, norm);
        if (one != null) {
          replaced.put(i - 1, one);
          gone.add(i);
        }
      }
    }
    List<Layer> result = new ArrayList<>();
    for (int i = 0; i < layers.size(); i++) {
      if (!gone.contains(i)) {
        Layer l = replaced.getOrDefault(i, layers.get(i));
        result.add(new Layer(l.path(), result.size(), l.parts()));
      }
    }
    return result;
  }

  private static Layer folded(Layer layer, Layer norm) {
    Part kernel = layer.part(Role.KERNEL);
    long channels = norm.part(Role.MEAN).numel();
    int axis = kernel.shape()[0] == channels ? 0 : kernel.shape().length > 1 && kernel.shape()[1] == channels ? 1 : -1;
    if (axis < 0) {
      return null;
    }
    String root = "sqrt((" + norm.part(Role.VARIANCE).recipe() + " + " + EPSILON + "))";
    Part gamma = norm.part(Role.GAMMA);
    Part beta = norm.part(Role.BETA);
    String scale = gamma == null ? "reciprocal(" + root + ")" : "(" + gamma.recipe() + " / " + root + ")";
    long[] broadcast = new long[kernel.shape().length];
    Arrays.fill(broadcast, 1);
    broadcast[axis] = channels;
    String weight = "(" + kernel.recipe() + " * " + Arrangement.reshape(scale, broadcast) + ")";
    String mean = norm.part(Role.MEAN).recipe();
    String shift = beta == null ? "-(" + mean + " * " + scale + ")" : "(" + beta.recipe() + " - (" + mean + " * " + scale + "))";
    Part bias = layer.part(Role.BIAS);
    String whole = bias == null ? shift : "((" + bias.recipe() + " * " + scale + ") + " + shift + ")";
    return new Layer(layer.path(), layer.position(), List.of(new Part(Role.KERNEL, kernel.leaf(), weight, kernel.shape(), false),
        new Part(Role.BIAS, "bias", whole, new long[] {channels}, false)));
  }
}
