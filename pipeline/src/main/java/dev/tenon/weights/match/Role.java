package dev.tenon.weights.match;

import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What a parameter is to its layer, on either side. */
enum Role {
  KERNEL, RECURRENT_KERNEL, BIAS, RECURRENT_BIAS, GAMMA, BETA, MEAN, VARIANCE, EMBEDDINGS, OTHER;

  private static final Pattern ENDING = Pattern.compile("(?:_l\\d+)?(?:_reverse)?(?:_\\d+)?$");
  private static final Map<String, Role> WORDS = Map.ofEntries(Map.entry("kernel", KERNEL), Map.entry("depthwise_kernel", KERNEL),
      Map.entry("pointwise_kernel", KERNEL), Map.entry("recurrent_kernel", RECURRENT_KERNEL), Map.entry("bias", BIAS),
      Map.entry("recurrent_bias", RECURRENT_BIAS), Map.entry("gamma", GAMMA), Map.entry("alpha", GAMMA), Map.entry("beta", BETA),
      Map.entry("moving_mean", MEAN), Map.entry("moving_variance", VARIANCE), Map.entry("running_mean", MEAN),
      Map.entry("running_var", VARIANCE), Map.entry("embeddings", EMBEDDINGS), Map.entry("in_proj_weight", KERNEL),
      Map.entry("in_proj_kernel", KERNEL), Map.entry("in_proj_bias", BIAS));

  /**
   * By the last part of a name.
   *
   * @param rank of the parameter: a {@code weight} of one dimension is a norm's
   */
  static Role of(String leaf, int rank) {
    String word = leaf.substring(0, leaf.length() - ending(leaf).length());
    if (word.equals("weight")) {
      return rank > 1 ? KERNEL : GAMMA;
    }
    return WORDS.getOrDefault(word, OTHER);
  }

  /** What a last part ends with if it is one of several alike: {@code _1}, {@code _l0_reverse}; or nothing. */
  static String ending(String leaf) {
    Matcher m = ENDING.matcher(leaf);
    return m.find() ? m.group() : "";
  }

  /** True if a tensor of this role can be a variable of that one. */
  boolean fits(Role variable) {
    return this == variable || this == KERNEL && variable == EMBEDDINGS || this == EMBEDDINGS && variable == KERNEL;
  }
}
