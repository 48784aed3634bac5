package dev.tenon.weights.match;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * How a tensor of PyTorch's must be arranged to be a variable of TensorFlow's; the table in {@code docs/names.md}.
 *
 * @param recipe in a mapping file's words
 * @param words for the reader
 * @param doubt true if shapes alone do not say that this is right
 */
record Arrangement(String recipe, String words, boolean doubt) {

  /** The arrangement of a tensor that has the variable's shape, if there is one. */
  static Optional<Arrangement> of(Part tensor, Part variable) {
    long[] t = tensor.shape();
    long[] v = variable.shape();
    if (!tensor.role().fits(variable.role()) || tensor.numel() != variable.numel()) {
      return Optional.empty();
    }
    if (tensor.arranged() || t.length <= 1 || variable.role() == Role.OTHER) {
      return Arrays.equals(t, v) ? Optional.of(new Arrangement(tensor.recipe(), "as it is", false)) : reshaped(tensor, v);
    }
    if (variable.role() == Role.EMBEDDINGS) {
      return Arrays.equals(t, v) ? Optional.of(new Arrangement(tensor.recipe(), "an embedding, as it is", false)) : Optional.empty();
    }
    return t.length > 2 ? convolution(tensor, v) : linear(tensor, v);
  }

  private static Optional<Arrangement> reshaped(Part tensor, long[] v) {
    // Parts of attention that Keras keeps apart by heads; broadcast shapes such as [8,1,1].
    boolean vector = tensor.shape().length <= 1;
    return vector ? Optional.of(new Arrangement(reshape(tensor.recipe(), v), "reshaped", false)) : Optional.empty();
  }

  private static Optional<Arrangement> convolution(Part tensor, long[] v) {
    long[] t = tensor.shape();
    int spatial = t.length - 2;
    int[] kernel = new int[t.length];
    int[] depthwise = new int[t.length];
    for (int i = 0; i < spatial; i++) {
      kernel[i] = i + 2;
      depthwise[i] = i + 2;
    }
    kernel[spatial] = 1;
    kernel[spatial + 1] = 0;
    depthwise[spatial] = 0;
    depthwise[spatial + 1] = 1;
    if (v.length == t.length && Arrays.equals(permuted(t, kernel), v)) {
      return Optional.of(new Arrangement(permute(tensor.recipe(), kernel), "convolution kernel, channels last", false));
    }
    if (v.length == t.length && t[1] == 1) {
      long[] split = t.clone();
      split[0] = v[spatial];
      split[1] = v[spatial + 1];
      if (Arrays.equals(permuted(split, depthwise), v)) {
        String input = split[1] == 1 ? tensor.recipe() : reshape(tensor.recipe(), split);
        return Optional.of(new Arrangement(permute(input, depthwise), "depthwise kernel, channels last", false));
      }
    }
    boolean pointwise = Arrays.stream(t).skip(2).allMatch(d -> d == 1);
    if (pointwise && v.length == 2 && v[0] == t[1] && v[1] == t[0]) {
      return Optional.of(new Arrangement(permute(reshape(tensor.recipe(), t[0], t[1]), 1, 0), "1x1 convolution as a dense layer", false));
    }
    return Optional.empty();
  }

  private static Optional<Arrangement> linear(Part tensor, long[] v) {
    long[] t = tensor.shape();
    String transposed = permute(tensor.recipe(), 1, 0);
    if (v.length == 2 && v[0] == t[1] && v[1] == t[0]) {
      boolean square = t[0] == t[1];
      return Optional.of(new Arrangement(transposed, square ? "linear layer, transposed (square: shapes do not say)" : "linear layer, transposed",
          square));
    }
    if (Arrays.equals(t, v)) {
      return Optional.of(new Arrangement(tensor.recipe(), "linear layer stored transposed already", false));
    }
    long[] core = Arrays.stream(v).filter(d -> d != 1).toArray();
    if (v.length > 2 && core.length == 2 && core[0] == t[1] && core[1] == t[0]) {
      return Optional.of(new Arrangement(reshape(transposed, v), "linear layer as a 1x1 convolution", false));
    }
    boolean heads = v.length == 3 && (v[0] == t[1] && v[1] * v[2] == t[0] || v[0] * v[1] == t[1] && v[2] == t[0]);
    return heads ? Optional.of(new Arrangement(reshape(transposed, v), "projection, split by heads", false)) : Optional.empty();
  }

  private static long[] permuted(long[] dims, int[] perm) {
    return Arrays.stream(perm).mapToLong(p -> dims[p]).toArray();
  }

  static String permute(String recipe, int... perm) {
    return "permute(" + recipe + ", " + Arrays.stream(perm).mapToObj(String::valueOf).collect(Collectors.joining(" ")) + ")";
  }

  static String reshape(String recipe, long... dims) {
    return "reshape(" + recipe + ", " + Arrays.stream(dims).mapToObj(String::valueOf).collect(Collectors.joining(" ")) + ")";
  }
}
