package dev.tenon.ir.pass;

import static dev.tenon.ir.rewrite.Pattern.bind;
import static dev.tenon.ir.rewrite.Pattern.commutative;
import static dev.tenon.ir.rewrite.Pattern.constant;
import static dev.tenon.ir.rewrite.Pattern.oneOf;
import static dev.tenon.ir.rewrite.Pattern.op;
import static dev.tenon.ir.rewrite.Pattern.scalar;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.Node;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.rewrite.Capture;
import dev.tenon.ir.rewrite.Match;
import dev.tenon.ir.rewrite.Outcome;
import dev.tenon.ir.rewrite.Patch;
import dev.tenon.ir.rewrite.Pattern;
import dev.tenon.ir.rewrite.Refusal;
import dev.tenon.ir.rewrite.Rule;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Finds LayerNormalization and RMSNormalization where they are written out, as every exporter does below opset 17 and 23:
 * {@code (x - mean(x)) / sqrt(mean((x - mean(x))²) + epsilon) * scale + bias}. The axes must be the last ones, one or several; over
 * other axes (channels-first) there is no such operator and the pattern stays.
 */
public final class NormalizationFusion extends RulePass {
  private static final Capture X = Capture.of("x");
  private static final Capture CENTERED = Capture.of("x - mean");
  private static final Capture MEAN = Capture.of("mean");
  private static final Capture VARIANCE = Capture.of("variance");
  private static final Capture EPSILON = Capture.of("epsilon");
  private static final Capture SCALE = Capture.of("scale");
  private static final Capture BIAS = Capture.of("bias");

  private static final Pattern SUB = bind(CENTERED, op("Sub", bind(X), bind(MEAN, op("ReduceMean", bind(X)))));

  private static final Pattern DEVIATION = root(VARIANCE, square(SUB));

  private static final Pattern NORMALIZED = oneOf(
      op("Div", SUB, DEVIATION),
      commutative("Mul", SUB, inverse(DEVIATION)));

  private static final Pattern RMS = root(VARIANCE, square(bind(X)));
  private static final Pattern RMS_NORMALIZED = oneOf(op("Div", bind(X), RMS), commutative("Mul", bind(X), inverse(RMS)));

  static final Rule LAYER_NORM = Rule.of("layer-norm",
      commutative("Add", commutative("Mul", NORMALIZED, bind(SCALE, constant())), bind(BIAS, constant())), NormalizationFusion::layerNorm);

  static final Rule LAYER_NORM_WITHOUT_BIAS = Rule.of("layer-norm-without-bias",
      commutative("Mul", NORMALIZED, bind(SCALE, constant())), NormalizationFusion::layerNorm);

  static final Rule LAYER_NORM_PLAIN = Rule.of("layer-norm-plain",
      oneOf(op("Div", SUB, DEVIATION), commutative("Mul", SUB, inverse(DEVIATION))), NormalizationFusion::layerNorm);

  static final Rule RMS_NORM = Rule.of("rms-norm",
      commutative("Mul", RMS_NORMALIZED, bind(SCALE, constant())), NormalizationFusion::rmsNorm);

  /** The larger patterns first: a LayerNormalization holds an RMSNormalization of what is centered. */
  public NormalizationFusion() {
    super("fuse-normalization", "find LayerNormalization and RMSNormalization where they are written out", List.of(LAYER_NORM),
        List.of(LAYER_NORM_WITHOUT_BIAS), List.of(LAYER_NORM_PLAIN), List.of(RMS_NORM));
  }

  private static Pattern square(Pattern p) {
    return oneOf(op("Pow", p, scalar(2)), op("Mul", p, p));
  }

  /** {@code sqrt(mean(squares) + epsilon)}. */
  private static Pattern root(Capture variance, Pattern squares) {
    Pattern sum = commutative("Add", bind(variance, op("ReduceMean", squares)),
        bind(EPSILON, constant("a small constant", t -> t.numel() == 1 && t.dtype().isFloat() && t.item() >= 0)));
    return oneOf(op("Sqrt", sum), op("Pow", sum, scalar(0.5)));
  }

  private static Pattern inverse(Pattern p) {
    return oneOf(op("Reciprocal", p), op("Div", scalar(1), p));
  }

  // ---- from a match to the operator ----

  private static Outcome layerNorm(Match m, Patch p) {
    int[] axis = {0};
    Refusal refusal = refuse(m, axis, m.producer(MEAN), m.producer(VARIANCE));
    if (refusal != null) {
      return refusal;
    }
    Tensor scale = m.constant(SCALE);
    Shape normalized = normalized(m, axis[0]);
    if (scale == null && (normalized == null || !normalized.isStatic())) {
      return m.refuse("there is no scale, and the dimensions to make one are unknown");
    }
    Tensor ones = scale != null ? fit(scale, normalized) : ones(normalized.toLongs(), m);
    Tensor bias = m.constant(BIAS) == null ? null : fit(m.constant(BIAS), normalized);
    if (ones == null || m.get(BIAS) != null && bias == null) {
      return m.refuse("scale or bias do not have the shape of the normalized axes " + normalized);
    }
    List<Value> inputs = new ArrayList<>(List.of(m.get(X), scale == null ? p.constant(m.root().output().name() + "_scale", ones)
        : parameter(p, m.get(SCALE), ones)));
    if (bias != null) {
      inputs.add(parameter(p, m.get(BIAS), bias));
    }
    List<Attribute> attributes = List.of(Attribute.ofInt("axis", axis[0]), epsilon(m));
    return p.shuntRoot(FusedOps.add(p, "LayerNormalization", inputs, attributes, typed(m)).output());
  }

  private static Outcome rmsNorm(Match m, Patch p) {
    int[] axis = {0};
    Refusal refusal = refuse(m, axis, m.producer(VARIANCE));
    if (refusal != null) {
      return refusal;
    }
    Tensor scale = fit(m.constant(SCALE), normalized(m, axis[0]));
    if (scale == null) {
      return m.refuse("the scale does not have the shape of the normalized axes");
    }
    List<Attribute> attributes = List.of(Attribute.ofInt("axis", axis[0]), epsilon(m));
    return p.shuntRoot(FusedOps.add(p, "RMSNormalization", List.of(m.get(X), parameter(p, m.get(SCALE), scale)), attributes, typed(m))
        .output());
  }

  private static Refusal refuse(Match m, int[] axis, Node... means) {
    Refusal shared = m.refuseIfShared();
    if (shared != null) {
      return shared;
    }
    if (m.context().opset() < 7 || !m.get(X).dtype().isFloat()) {
      return m.refuse("the type of %" + m.get(X).name() + " is not known to be a float, or the opset is below 7");
    }
    if (m.get(EPSILON).constant().rank() > 1) {
      return m.refuse("epsilon has dimensions that may broadcast");
    }
    for (Node mean : means) {
      Integer first = firstAxis(mean, m.get(X).rank());
      if (first == null) {
        return m.refuse("ReduceMean is not over the last axes, with their dimensions kept", mean);
      }
      if (axis[0] != 0 && axis[0] != first) {
        return m.refuse("the two means are over different axes", mean);
      }
      axis[0] = first;
    }
    return null;
  }

  /** The first of the reduced axes, negative, if these are the last ones without a gap; null if not, or unknown. */
  private static Integer firstAxis(Node mean, int rank) {
    long[] axes = Constants.attrOrInput(mean, "axes", 1);
    if (axes == null || axes.length == 0 || mean.intAttr("keepdims", 1) == 0) {
      return null;
    }
    for (int i = 0; i < axes.length; i++) {
      if (axes[i] >= 0) {
        if (rank < 0) {
          return null;
        }
        axes[i] -= rank;
      }
    }
    Arrays.sort(axes);
    for (int i = 0; i < axes.length; i++) {
      if (axes[i] != i - axes.length) {
        return null;
      }
    }
    return (int) axes[0];
  }

  /** The shape that scale and bias must have; null if x's rank is unknown. */
  private static Shape normalized(Match m, int axis) {
    Shape s = m.get(X).shape();
    return s.hasRank() && s.rank() >= -axis ? Shape.of(s.subList(s.rank() + axis, s.rank())) : null;
  }

  /** The parameter under the shape of the normalized axes, leading ones left off; null if it has another shape. */
  private static Tensor fit(Tensor t, Shape normalized) {
    if (normalized == null || !normalized.isStatic()) {
      return null;
    }
    long[] dims = normalized.toLongs();
    int extra = t.rank() - dims.length;
    for (int i = 0; i < t.rank(); i++) {
      if (extra < 0 || t.dim(i) != (i < extra ? 1 : dims[i - extra])) {
        return null;
      }
    }
    return t.rank() < dims.length ? null : t.reshape(dims);
  }

  private static Value parameter(Patch p, Value old, Tensor fitted) {
    return fitted == old.constant() ? old : p.constant(old.name(), fitted);
  }

  private static Tensor ones(long[] dims, Match m) {
    long count = 1;
    for (long d : dims) {
      count *= d;
    }
    float[] values = new float[Math.toIntExact(count)];
    Arrays.fill(values, 1);
    return Tensor.of(values, dims).cast(m.get(X).dtype()).evaluated();
  }

  private static Attribute epsilon(Match m) {
    return Attribute.ofFloat("epsilon", (float) m.get(EPSILON).constant().item());
  }

  private static Value typed(Match m) {
    Value y = m.root().output();
    y.setType(m.get(X).type());
    return y;
  }
}
