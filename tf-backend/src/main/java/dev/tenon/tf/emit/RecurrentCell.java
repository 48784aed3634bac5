package dev.tenon.tf.emit;

import dev.tenon.tf.EmitContext;
import dev.tenon.tf.Tf;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BinaryOperator;
import java.util.function.UnaryOperator;
import org.tensorflow.Output;

/** One step of a recurrent layer: RNN, GRU or LSTM, by the equations of the ONNX operators. */
final class RecurrentCell {
  /** The kinds, with their gates and states. */
  private enum Kind {
    RNN(1, 1), GRU(3, 1), LSTM(4, 2);

    private final int gates;
    private final int states;

    Kind(int gates, int states) {
      this.gates = gates;
      this.states = states;
    }
  }

  /** An activation by name with its two parameters. */
  private record Activation(String name, double alpha, double beta) {
    Output<?> of(Tf tf, Output<?> x) {
      Output<?> a = tf.scalarLike(x, alpha);
      Output<?> b = tf.scalarLike(x, beta);
      return switch (name) {
        case "sigmoid" -> tf.call("Sigmoid", x);
        case "tanh" -> tf.call("Tanh", x);
        case "relu" -> tf.call("Relu", x);
        case "softsign" -> tf.call("Softsign", x);
        case "softplus" -> tf.call("Softplus", x);
        case "affine" -> tf.add(tf.mul(x, a), b);
        case "leakyrelu" -> tf.op("LeakyRelu").in(x).attr("alpha", (float) alpha).out();
        case "thresholdedrelu" -> tf.select(tf.call("Greater", x, a), x, tf.scalarLike(x, 0));
        case "scaledtanh" -> tf.mul(tf.call("Tanh", tf.mul(x, b)), a);
        case "hardsigmoid" -> tf.call("ClipByValue", tf.add(tf.mul(x, a), b), tf.scalarLike(x, 0), tf.scalarLike(x, 1));
        case "elu" -> tf.select(tf.call("Less", x, tf.scalarLike(x, 0)), tf.mul(tf.call("Elu", x), a), x);
        default -> throw new IllegalArgumentException("activation " + name);
      };
    }

    static boolean hasAlpha(String name) {
      return List.of("affine", "leakyrelu", "thresholdedrelu", "scaledtanh", "hardsigmoid", "elu").contains(name);
    }

    static boolean hasBeta(String name) {
      return List.of("affine", "scaledtanh", "hardsigmoid").contains(name);
    }

    static double defaultAlpha(String name) {
      return name.equals("leakyrelu") ? 0.01 : name.equals("hardsigmoid") ? 0.2 : 1;
    }

    static double defaultBeta(String name) {
      return name.equals("hardsigmoid") ? 0.5 : name.equals("scaledtanh") ? 1 : 0;
    }
  }

  /**
   * What the steps share.
   *
   * @param kernel [units, gates × units]
   * @param bias of the state's product; null if it is in the input's already
   * @param peepholes [3 × units] or null
   * @param lengths of the sequences, int32 [batch], or null
   */
  record Parameters(Output<?> kernel, Output<?> bias, Output<?> peepholes, Output<?> lengths) {
    Parameters inside(UnaryOperator<Output<?>> capture) {
      return new Parameters(capture.apply(kernel), bias == null ? null : capture.apply(bias), peepholes == null ? null : capture.apply(peepholes),
          lengths == null ? null : capture.apply(lengths));
    }
  }

  /** What a step gives. */
  record Step(Output<?> y, List<Output<?>> states) {}

  private final Kind kind;
  private final List<Activation> activations;
  private final float clip;
  private final boolean linearBeforeReset;
  private final boolean inputForget;
  private final int perDirection;
  private int direction;

  private RecurrentCell(EmitContext c, Kind kind, String... defaults) {
    this.kind = kind;
    this.clip = c.node().floatAttr("clip", 0);
    this.linearBeforeReset = c.node().intAttr("linear_before_reset", 0) != 0;
    this.inputForget = c.node().intAttr("input_forget", 0) != 0;
    this.perDirection = defaults.length;
    int directions = c.node().stringAttr("direction", "forward").equals("bidirectional") ? 2 : 1;
    List<String> names = new ArrayList<>(c.node().stringsAttr("activations", List.of()));
    if (names.isEmpty()) {
      for (int d = 0; d < directions; d++) {
        names.addAll(List.of(defaults));
      }
    }
    this.activations = activations(names, c.node().floatsAttr("activation_alpha", new float[0]),
        c.node().floatsAttr("activation_beta", new float[0]));
  }

  /** The parameters are listed for those activations only that have them. */
  private static List<Activation> activations(List<String> names, float[] alphas, float[] betas) {
    List<Activation> all = new ArrayList<>();
    int a = 0;
    int b = 0;
    for (String given : names) {
      String name = given.toLowerCase(java.util.Locale.ROOT);
      double alpha = Activation.hasAlpha(name) && a < alphas.length ? alphas[a++] : Activation.defaultAlpha(name);
      double beta = Activation.hasBeta(name) && b < betas.length ? betas[b++] : Activation.defaultBeta(name);
      all.add(new Activation(name, alpha, beta));
    }
    return all;
  }

  static RecurrentCell rnn(EmitContext c) {
    return new RecurrentCell(c, Kind.RNN, "Tanh");
  }

  static RecurrentCell gru(EmitContext c) {
    return new RecurrentCell(c, Kind.GRU, "Sigmoid", "Tanh");
  }

  static RecurrentCell lstm(EmitContext c) {
    return new RecurrentCell(c, Kind.LSTM, "Sigmoid", "Tanh", "Tanh");
  }

  int gates() {
    return kind.gates;
  }

  int states() {
    return kind.states;
  }

  /** The direction whose activations the steps to come use. */
  void setDirection(int d) {
    this.direction = d;
  }

  /** True if the state's bias may not be added to the input's: it is multiplied by the reset gate. */
  boolean separatesBiases() {
    return kind == Kind.GRU;
  }

  boolean isPlainLstm() {
    return kind == Kind.LSTM && clip == 0 && !inputForget
        && activations.stream().map(Activation::name).toList().subList(0, 3).equals(List.of("sigmoid", "tanh", "tanh"))
        && (activations.size() == 3 || activations.subList(3, 6).stream().map(Activation::name).toList().equals(List.of("sigmoid", "tanh", "tanh")));
  }

  private Output<?> activate(Tf tf, int which, Output<?> x) {
    Output<?> clipped = clip == 0 ? x : tf.call("ClipByValue", x, tf.scalarLike(x, -clip), tf.scalarLike(x, clip));
    return activations.get(direction * perDirection + which).of(tf, clipped);
  }

  /**
   * One step; behind its end a sequence keeps its states and gives zeros.
   *
   * @param input the input's products of this step, [batch, gates × units]
   * @param t the step's number, an int32 scalar
   */
  Step masked(Tf tf, Parameters p, Output<?> input, List<Output<?>> states, Output<?> t) {
    Step step = switch (kind) {
      case RNN -> rnn(tf, p, input, states);
      case GRU -> gru(tf, p, input, states);
      case LSTM -> lstm(tf, p, input, states);
    };
    if (p.lengths == null) {
      return step;
    }
    Output<?> alive = tf.expandDims(tf.call("Less", t, p.lengths), 1);
    List<Output<?>> kept = new ArrayList<>();
    for (int i = 0; i < states.size(); i++) {
      kept.add(tf.select(alive, step.states.get(i), states.get(i)));
    }
    return new Step(tf.select(alive, step.y, tf.scalarLike(step.y, 0)), kept);
  }

  private Step rnn(Tf tf, Parameters p, Output<?> input, List<Output<?>> states) {
    Output<?> h = activate(tf, 0, tf.add(input, tf.call("MatMul", states.get(0), p.kernel)));
    return new Step(h, List.of(h));
  }

  private Step gru(Tf tf, Parameters p, Output<?> input, List<Output<?>> states) {
    Output<?> h = states.get(0);
    List<Output<?>> x = Convolutions.split(tf, input, 1, 3);
    BinaryOperator<Output<?>> plus = tf::add;
    Output<?> z;
    Output<?> r;
    Output<?> candidate;
    if (linearBeforeReset) {
      Output<?> products = tf.call("MatMul", h, p.kernel);
      List<Output<?>> s = Convolutions.split(tf, p.bias == null ? products : tf.call("BiasAdd", products, p.bias), 1, 3);
      z = activate(tf, 0, plus.apply(x.get(0), s.get(0)));
      r = activate(tf, 0, plus.apply(x.get(1), s.get(1)));
      candidate = activate(tf, 1, plus.apply(x.get(2), tf.mul(r, s.get(2))));
    } else {
      List<Output<?>> kernels = Convolutions.split(tf, p.kernel, 1, 3);
      List<Output<?>> biases = p.bias == null ? null : Convolutions.split(tf, p.bias, 0, 3);
      z = activate(tf, 0, plus.apply(x.get(0), product(tf, h, kernels, biases, 0)));
      r = activate(tf, 0, plus.apply(x.get(1), product(tf, h, kernels, biases, 1)));
      candidate = activate(tf, 1, plus.apply(x.get(2), product(tf, tf.mul(r, h), kernels, biases, 2)));
    }
    Output<?> next = tf.add(tf.mul(tf.sub(tf.scalarLike(z, 1), z), candidate), tf.mul(z, h));
    return new Step(next, List.of(next));
  }

  private static Output<?> product(Tf tf, Output<?> h, List<Output<?>> kernels, List<Output<?>> biases, int gate) {
    Output<?> y = tf.call("MatMul", h, kernels.get(gate));
    return biases == null ? y : tf.call("BiasAdd", y, biases.get(gate));
  }

  private Step lstm(Tf tf, Parameters p, Output<?> input, List<Output<?>> states) {
    Output<?> cellState = states.get(1);
    // Input, output, forget, cell.
    List<Output<?>> g = Convolutions.split(tf, tf.add(input, tf.call("MatMul", states.get(0), p.kernel)), 1, 4);
    List<Output<?>> peep = p.peepholes == null ? null : Convolutions.split(tf, p.peepholes, 0, 3);
    Output<?> i = activate(tf, 0, peep == null ? g.get(0) : tf.add(g.get(0), tf.mul(peep.get(0), cellState)));
    Output<?> f = inputForget ? tf.sub(tf.scalarLike(i, 1), i)
        : activate(tf, 0, peep == null ? g.get(2) : tf.add(g.get(2), tf.mul(peep.get(2), cellState)));
    Output<?> next = tf.add(tf.mul(f, cellState), tf.mul(i, activate(tf, 1, g.get(3))));
    Output<?> o = activate(tf, 0, peep == null ? g.get(1) : tf.add(g.get(1), tf.mul(peep.get(1), next)));
    Output<?> h = tf.mul(o, activations.get(direction * perDirection + 2).of(tf, next));
    return new Step(h, List.of(h, next));
  }
}
