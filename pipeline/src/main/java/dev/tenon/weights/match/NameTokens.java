package dev.tenon.weights.match;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The words and numbers of a layer's path, {@code conv2_block1_0_conv} as conv 2 block 1 0 conv, so that names of two frameworks can be
 * compared.
 *
 * @param words in lower case, synonyms replaced by one of them
 * @param numbers in order
 */
record NameTokens(List<String> words, List<Integer> numbers) {
  private static final Pattern TOKEN = Pattern.compile("[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\\d{1,6}");
  private static final Map<String, String> SYNONYMS = Map.ofEntries(Map.entry("batchnorm", "bn"), Map.entry("batch", "bn"),
      Map.entry("layernorm", "norm"), Map.entry("ln", "norm"), Map.entry("normalization", "norm"), Map.entry("dense", "fc"),
      Map.entry("linear", "fc"), Map.entry("predictions", "fc"), Map.entry("classifier", "fc"), Map.entry("head", "fc"),
      Map.entry("logits", "fc"), Map.entry("attention", "attn"), Map.entry("self", "attn"), Map.entry("embeddings", "embed"),
      Map.entry("embedding", "embed"), Map.entry("query", "q"), Map.entry("key", "k"), Map.entry("value", "v"), Map.entry("output", "out"),
      Map.entry("project", "proj"), Map.entry("projection", "proj"), Map.entry("convolution", "conv"), Map.entry("convolutional", "conv"),
      Map.entry("shortcut", "downsample"), Map.entry("expanded", "expand"), Map.entry("dw", "depthwise"), Map.entry("backward", "reverse"),
      Map.entry("position", "pos"), Map.entry("intermediate", "mlp"));
  /** How much the last number counts, the one before it, and so on: what is nearest to the layer is most its own. */
  private static final double[] NUMBER_WEIGHTS = {0.6, 0.25, 0.15};

  static NameTokens of(String path) {
    List<String> words = new ArrayList<>();
    List<Integer> numbers = new ArrayList<>();
    Matcher m = TOKEN.matcher(path);
    while (m.find()) {
      String token = m.group().toLowerCase(Locale.ROOT);
      if (Character.isDigit(token.charAt(0))) {
        numbers.add(Integer.parseInt(token));
      } else {
        words.add(SYNONYMS.getOrDefault(token, token));
      }
    }
    return new NameTokens(words, numbers);
  }

  /** From 0 to 1. */
  double similarity(NameTokens other) {
    return 0.6 * wordSimilarity(other) + 0.4 * numberSimilarity(other);
  }

  /** Common words, over all words; twice for a word that is there twice on both sides. */
  private double wordSimilarity(NameTokens other) {
    if (words.isEmpty() && other.words.isEmpty()) {
      return 0.5;
    }
    Map<String, Integer> counts = new HashMap<>();
    words.forEach(w -> counts.merge(w, 1, Integer::sum));
    int common = 0;
    for (String w : other.words) {
      if (counts.merge(w, -1, Integer::sum) >= 0) {
        common++;
      }
    }
    return 2.0 * common / (words.size() + other.words.size());
  }

  private double numberSimilarity(NameTokens other) {
    double similarity = 0;
    for (int i = 0; i < NUMBER_WEIGHTS.length; i++) {
      Integer a = i < numbers.size() ? numbers.get(numbers.size() - 1 - i) : null;
      Integer b = i < other.numbers.size() ? other.numbers.get(other.numbers.size() - 1 - i) : null;
      if (a == null && b == null) {
        similarity += NUMBER_WEIGHTS[i] / 2;
      } else if (a != null && a.equals(b)) {
        similarity += NUMBER_WEIGHTS[i];
      }
    }
    return similarity;
  }

  /** The words both have. */
  Set<String> common(NameTokens other) {
    Set<String> both = new TreeSet<>(words);
    both.retainAll(other.words);
    return both;
  }

  /** What a path ends with, from the last part on: _conv, _0_conv, _block1_0_conv; at most three. */
  static List<String> endings(String path) {
    List<String> all = new ArrayList<>();
    for (int i = path.length() - 1; i >= 0 && all.size() < 3; i--) {
      if ("/._".indexOf(path.charAt(i)) >= 0) {
        all.add(path.substring(i));
      }
    }
    return all;
  }

  /** What a path begins with, from the first part on but not all of it: conv2, conv2_block1, conv2_block1_0; at most eight. */
  static List<String> beginnings(String path) {
    List<String> all = new ArrayList<>();
    for (int i = 1; i < path.length() && all.size() < 8; i++) {
      if ("/._".indexOf(path.charAt(i)) >= 0) {
        all.add(path.substring(0, i));
      }
    }
    return all;
  }
}
