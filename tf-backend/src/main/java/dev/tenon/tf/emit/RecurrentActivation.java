package dev.tenon.tf.emit;

import dev.tenon.ir.Node;
import dev.tenon.tf.Tf;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.tensorflow.Output;

/**
 * An activation function of a recurrent operator, with the parameters it takes from {@code activation_alpha} and
 * {@code activation_beta}.
 *
 * @param name in lower case; the standard's names are compared without case
 */
record RecurrentActivation(String name, double alpha, double beta) {

  /** Defaults of alpha and beta for those functions that take them, NaN where they take none. */
  private static final Map<String, double[]> PARAMETERS = Map.ofEntries(
      Map.entry("affine", new double[] {1, 0}), Map.entry("leakyrelu", new double[] {0.01, Double.NaN}),
      Map.entry("thresholdedrelu", new double[] {1, Double.NaN}), Map.entry("scaledtanh", new double[] {1, 1}),
      Map.entry("hardsigmoid", new double[] {0.2, 0.5}), Map.entry("elu", new double[] {1, Double.NaN}),
      Map.entry("relu", none()), Map.entry("tanh", none()), Map.entry("sigmoid", none()), Map.entry("softsign", none()),
      Map.entry("softplus", none()));

  private static double[] none() {
    return new double[] {Double.NaN, Double.NaN};
  }

  /**
   * The functions of all directions in a row. Alphas and betas go to those that take one, in order; where the lists are too short
   * the defaults of ONNX's operators of the same name hold.
   *
   * @param defaults the functions of one direction if the node names none
   */
  static List<RecurrentActivation> of(Node node, int directions, String... defaults) {
    List<String> names = node.stringsAttr("activations", null);
    if (names == null || names.isEmpty()) {
      names = new ArrayList<>();
      for (int d = 0; d < directions; d++) {
        names.addAll(List.of(defaults));
      }
    }
    if (names.size() != directions * defaults.length) {
      throw new IllegalArgumentException("found " + names.size() + " activations, expected " + directions * defaults.length);
    }
    float[] alphas = node.floatsAttr("activation_alpha", new float[0]);
    float[] betas = node.floatsAttr("activation_beta", new float[0]);
    int nextAlpha = 0;
    int nextBeta = 0;
    List<RecurrentActivation> result = new ArrayList<>();
    for (String n : names) {
      double[] parameters = PARAMETERS.get(n.toLowerCase(Locale.ROOT));
      if (parameters == null) {
        throw new IllegalArgumentException("found activation " + n + ", expected one of " + PARAMETERS.keySet().stream().sorted().toList());
      }
      double alpha = parameters[0];
      double beta = parameters[1];
      if (!Double.isNaN(alpha) && nextAlpha < alphas.length) {
        alpha = alphas[nextAlpha++];
      }
      if (!Double.isNaN(beta) && nextBeta < betas.length) {
        beta = betas[nextBeta++];
      }
      result.add(new RecurrentActivation(n.toLowerCase(Locale.ROOT), alpha, beta));
    }
    return result;
  }

  Output<?> apply(Tf tf, Output<?> x) {
    return switch (name) {
      case "relu" -> tf.call("Relu", x);
      case "tanh" -> tf.call("Tanh", x);
      case "sigmoid" -> tf.call("Sigmoid", x);
      case "softsign" -> tf.call("Softsign", x);
      case "softplus" -> tf.call("Softplus", x);
      case "leakyrelu" -> tf.op("LeakyRelu").in(x).attr("alpha", (float) alpha).out();
      case "affine" -> scaled(tf, x, alpha, beta);
      case "scaledtanh" -> scaled(tf, tf.call("Tanh", scaled(tf, x, beta, 0)), alpha, 0);
      case "hardsigmoid" -> tf.call("ClipByValue", scaled(tf, x, alpha, beta), tf.scalarLike(x, 0), tf.scalarLike(x, 1));
      case "thresholdedrelu" -> tf.select(tf.call("Greater", x, tf.scalarLike(x, alpha)), x, tf.call("ZerosLike", x));
      case "elu" -> alpha == 1 ? tf.call("Elu", x)
          // Elu's negative half scaled: for x above zero the second term is zero.
          : tf.add(tf.call("Relu", x), scaled(tf, tf.call("Elu", tf.call("Minimum", x, tf.scalarLike(x, 0))), alpha, 0));
      default -> throw new IllegalStateException(name);
    };
  }

  private static Output<?> scaled(Tf tf, Output<?> x, double factor, double offset) {
    Output<?> y = factor == 1 ? x : tf.mul(x, tf.scalarLike(x, factor));
    return offset == 0 ? y : tf.add(y, tf.scalarLike(x, offset));
  }
}
