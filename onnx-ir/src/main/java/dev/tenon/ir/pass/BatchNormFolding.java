package dev.tenon.ir.pass;

import static dev.tenon.ir.rewrite.Pattern.any;
import static dev.tenon.ir.rewrite.Pattern.bind;
import static dev.tenon.ir.rewrite.Pattern.commutative;
import static dev.tenon.ir.rewrite.Pattern.constant;
import static dev.tenon.ir.rewrite.Pattern.oneOf;
import static dev.tenon.ir.rewrite.Pattern.op;
import static dev.tenon.ir.rewrite.Pattern.opIn;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Node;
import dev.tenon.ir.Storage;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.rewrite.Capture;
import dev.tenon.ir.rewrite.Match;
import dev.tenon.ir.rewrite.Outcome;
import dev.tenon.ir.rewrite.Patch;
import dev.tenon.ir.rewrite.Refusal;
import dev.tenon.ir.rewrite.Rule;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;

/**
 * Folds BatchNormalization in inference, and multiplication, addition, subtraction and division by constants per channel (a frozen
 * batch norm written out), into the weights of the convolution or linear layer beside it. The new weights are recipes, {@code W *
 * reshape(gamma / sqrt(variance + epsilon))}: dimensions and type stay, and they remain traceable to all parameters.
 *
 * <p>Folded where it costs nothing: the value between the two has no other reader and is no output. Weights that several layers
 * share are folded for each of them alike, since a recipe is a tensor of its own; such layers share no variable any more.
 *
 * <ul>
 *   <li>into what is before: Conv, ConvTranspose (groups too), Gemm, MatMul and MatMul with Add (those three only at rank 2, where the
 *       channels are the columns)
 *   <li>into what follows: Conv and Gemm; with a shift only if the convolution has no padding, since the padding is not shifted.
 *       In front of padding a shift of something scaled stays, of the unscaled: {@code x * s + b} becomes {@code x + b / s}
 * </ul>
 *
 * <p>Whoever wants gamma, beta and the moving statistics as variables of their own turns this pass off:
 * {@code --passes -fold-batch-norm}.
 */
public final class BatchNormFolding extends RulePass {
  private static final Capture X = Capture.of("x");
  private static final Capture LINEAR = Capture.of("linear");
  private static final Capture CONSTANT = Capture.of("constant");
  private static final Capture BIAS = Capture.of("bias");

  static final Rule BATCH_NORM_INTO_CONV = Rule.of("batch-norm-into-conv",
      op("BatchNormalization", bind(LINEAR, opIn(List.of("Conv", "ConvTranspose"), bind(X), constant()))), BatchNormFolding::intoConv);

  static final Rule AFFINE_INTO_CONV = Rule.of("affine-into-conv",
      opIn(List.of("Mul", "Add", "Sub", "Div"), any(), any()), BatchNormFolding::affineIntoConv);

  static final Rule BATCH_NORM_INTO_GEMM = Rule.of("batch-norm-into-gemm",
      op("BatchNormalization", bind(LINEAR, op("Gemm", bind(X), constant()))), BatchNormFolding::intoGemm);

  static final Rule BATCH_NORM_INTO_MATMUL = Rule.of("batch-norm-into-matmul",
      op("BatchNormalization", oneOf(bind(LINEAR, op("MatMul", bind(X), constant())),
          commutative("Add", bind(LINEAR, op("MatMul", bind(X), constant())), bind(BIAS, constant())))),
      BatchNormFolding::intoMatMul);

  static final Rule BATCH_NORM_INTO_NEXT_CONV = Rule.of("batch-norm-into-next-conv",
      op("Conv", op("BatchNormalization", bind(X)), bind(CONSTANT, constant())), BatchNormFolding::intoNextConv);

  static final Rule AFFINE_INTO_NEXT_CONV = Rule.of("affine-into-next-conv",
      op("Conv", opIn(List.of("Mul", "Add", "Sub", "Div"), any(), any()), bind(CONSTANT, constant())), BatchNormFolding::affineIntoNextConv);

  static final Rule BATCH_NORM_INTO_NEXT_GEMM = Rule.of("batch-norm-into-next-gemm",
      op("Gemm", op("BatchNormalization", bind(X)), bind(CONSTANT, constant())), BatchNormFolding::intoNextGemm);

  public BatchNormFolding() {
    super("fold-batch-norm", "fold batch norms and constants per channel into the weights beside them",
        List.of(BATCH_NORM_INTO_CONV, BATCH_NORM_INTO_GEMM, BATCH_NORM_INTO_MATMUL, AFFINE_INTO_CONV),
        List.of(BATCH_NORM_INTO_NEXT_CONV, BATCH_NORM_INTO_NEXT_GEMM, AFFINE_INTO_NEXT_CONV));
  }

  // ---- into the convolution before ----

  private static Outcome intoConv(Match m, Patch p) {
    Refusal refusal = refuse(m, BatchNorm.refusal(m, m.root()));
    Node conv = m.producer(LINEAR);
    BatchNorm bn = refusal == null ? BatchNorm.of(m.root()) : null;
    if (bn != null && bn.scale().dim(0) != Convolutions.outputChannels(conv, conv.input(1).constant())) {
      refusal = m.refuse("the channels of the batch norm are not those of the convolution");
    }
    return refusal != null ? refusal : scaleConv(m, p, conv, bn.scale(), bn.shift());
  }

  private static Refusal refuse(Match m, Refusal first) {
    return first != null ? first : m.refuseIfShared();
  }

  /** The convolution with {@code scale * y + shift} in place of y; either may be null. */
  private static Outcome scaleConv(Match m, Patch p, Node conv, Tensor scale, Tensor shift) {
    Tensor weight = conv.input(1).constant();
    Value oldBias = conv.input(2);
    if (oldBias != null && oldBias.constant() == null) {
      return m.refuse("the bias of the convolution is not constant", conv);
    }
    Tensor bias = oldBias == null ? null : oldBias.constant();
    DataType type = weight.dtype();
    // Computed in the parameters' type, rounded once at the end.
    if (bias != null && scale != null) {
      bias = bias.cast(scale.dtype()).times(scale);
    }
    if (shift != null) {
      bias = bias == null ? vector(shift, Convolutions.outputChannels(conv, weight)) : bias.cast(shift.dtype()).plus(shift);
    }
    bias = bias == null ? null : bias.cast(type);
    Tensor newWeight = scale == null ? weight : Convolutions.scaleOutputs(conv, weight, scale);
    Value w = scale == null ? conv.input(1) : p.constant(conv.input(1).name(), newWeight);
    Value b = bias == null ? null : p.constant(oldBias != null ? oldBias.name() : conv.input(1).name() + "_bias", bias);
    Node n = p.add(p.newNode(conv.opType()).name(conv.name()).inputs(conv.input(0), w, b)
        .attributes(conv.attributes()).output(conv.output().name(), m.root().output().type()));
    if (b == null) {
      m.graph().truncateInputs(n, 2);
    }
    return p.shuntRoot(n.output());
  }

  /** A shift of one element spread over the channels. */
  private static Tensor vector(Tensor shift, long channels) {
    return shift.numel() == channels ? shift : shift.plus(Tensor.of(new float[(int) channels], channels).cast(shift.dtype()));
  }

  // ---- constants per channel after a convolution ----

  static Outcome affineIntoConv(Match m, Patch p) {
    Node n = m.root();
    if (m.context().opset() < 7) {
      return m.refuse("broadcasting before opset 7 has an axis");
    }
    int at = Convolutions.isConvolution(n.input(0).producer()) ? 0 : 1;
    Node conv = n.input(at).producer();
    Tensor c = Convolutions.constant(n.input(1 - at));
    if (!Convolutions.isConvolution(conv) || conv.graph() != n.graph() || c == null) {
      return m.refuse("expected a convolution and a constant");
    }
    Tensor weight = Convolutions.constant(conv.input(1));
    if (weight == null || conv.output().onlyUse() == null) {
      return m.refuse("the convolution's weight is not constant, or its output is also read elsewhere", conv);
    }
    m.include(conv);
    Tensor v = Convolutions.perChannel(c, weight.rank(), Convolutions.outputChannels(conv, weight));
    if (v == null || v.dtype() != weight.dtype()) {
      return m.refuse("the constant " + c + " is not one per channel of the convolution");
    }
    return switch (n.opType()) {
      case "Add" -> scaleConv(m, p, conv, null, v);
      case "Sub" -> at == 0 ? scaleConv(m, p, conv, null, v.negate()) : scaleConv(m, p, conv, Tensor.scalar(v.dtype(), -1).reshape(1), v);
      case "Mul" -> Constants.all(v, Double::isFinite) ? scaleConv(m, p, conv, v, null) : m.refuse("the constant is not finite");
      default -> at == 0 && Constants.all(v, d -> d != 0 && Double.isFinite(1 / d)) ? scaleConv(m, p, conv, v.reciprocal(), null)
          : m.refuse("the constant is the dividend, or not invertible");
    };
  }

  // ---- into Gemm and MatMul before ----

  private static Outcome intoGemm(Match m, Patch p) {
    Refusal refusal = refuse(m, BatchNorm.refusal(m, m.root()));
    if (refusal != null) {
      return refusal;
    }
    Node gemm = m.producer(LINEAR);
    Tensor weight = gemm.input(1).constant();
    Value oldBias = gemm.input(2);
    BatchNorm bn = BatchNorm.of(m.root());
    boolean transposed = gemm.intAttr("transB", 0) != 0;
    if (m.context().opset() < 7 || weight.rank() != 2 || weight.dim(transposed ? 0 : 1) != bn.scale().dim(0)) {
      return m.refuse("the columns of Gemm are not the channels of the batch norm", gemm);
    }
    if (oldBias != null && oldBias.constant() == null) {
      return m.refuse("the bias of Gemm is not constant", gemm);
    }
    Tensor bias = bn.shift();
    if (oldBias != null) {
      Tensor beta = Tensor.scalar(bn.scale().dtype(), gemm.floatAttr("beta", 1));
      bias = oldBias.constant().cast(beta.dtype()).times(beta).times(bn.scale()).plus(bn.shift());
    }
    Tensor scale = transposed ? bn.scale().reshape(bn.scale().dim(0), 1) : bn.scale();
    Value w = p.constant(gemm.input(1).name(), Convolutions.multiply(weight, scale));
    Value b = p.constant(oldBias == null ? w.name() + "_bias" : oldBias.name(), bias.cast(weight.dtype()));
    Node n = p.add(p.newNode("Gemm").name(gemm.name()).inputs(m.get(X), w, b).attributes(gemm.attributes()).attr("beta", 1f)
        .output(gemm.output().name(), m.root().output().type()));
    return p.shuntRoot(n.output());
  }

  private static Outcome intoMatMul(Match m, Patch p) {
    Refusal refusal = refuse(m, BatchNorm.refusal(m, m.root()));
    if (refusal != null) {
      return refusal;
    }
    Node matmul = m.producer(LINEAR);
    Tensor weight = matmul.input(1).constant();
    BatchNorm bn = BatchNorm.of(m.root());
    // At a higher rank axis 1 is not the columns.
    if (weight.rank() != 2 || m.get(X).rank() != 2 || weight.dim(1) != bn.scale().dim(0)) {
      return m.refuse("the columns of MatMul are not provably the channels of the batch norm", matmul);
    }
    Tensor bias = bn.shift();
    if (m.constant(BIAS) != null) {
      Tensor old = m.constant(BIAS);
      if (old.numel() != 1 && !(old.dim(-1) == old.numel() && old.rank() <= 2)) {
        return m.refuse("the constant added to MatMul is no bias");
      }
      bias = old.cast(bn.scale().dtype()).reshape(old.numel()).times(bn.scale()).plus(bn.shift());
    }
    Value w = p.constant(matmul.input(1).name(), Convolutions.multiply(weight, bn.scale()));
    Value b = p.constant(m.get(BIAS) == null ? w.name() + "_bias" : m.get(BIAS).name(), bias.cast(weight.dtype()));
    Node product = p.add(p.newNode("MatMul").name(matmul.name()).inputs(m.get(X), w)
        .output(matmul.output().name(), m.root().output().type()));
    Node sum = p.add(p.newNode("Add").inputs(product.output(), b).output(m.root().output().name(), m.root().output().type()));
    return p.shuntRoot(sum.output());
  }

  // ---- into what follows ----

  private static Outcome intoNextConv(Match m, Patch p) {
    Node bnNode = m.root().input(0).producer();
    Refusal refusal = refuse(m, BatchNorm.refusal(m, bnNode));
    if (refusal != null) {
      return refusal;
    }
    Node conv = m.root();
    Tensor weight = m.constant(CONSTANT);
    BatchNorm bn = BatchNorm.of(bnNode);
    long channels = weight.dim(1) * conv.intAttr("group", 1);
    Value oldBias = conv.input(2);
    if (channels != bn.scale().dim(0) || oldBias != null && oldBias.constant() == null) {
      return m.refuse("the channels differ, or the bias is not constant");
    }
    boolean shifted = !Constants.all(bn.shift(), d -> d == 0);
    if (shifted && !Convolutions.hasNoPadding(conv)) {
      return m.refuse("the convolution pads with zeros, which the batch norm would have shifted");
    }
    return nextConv(m, p, m.get(X), bn.scale(), shifted ? bn.shift() : null);
  }

  /** The convolution at the root, reading x, with {@code scale * x + shift} in place of x; either may be null. */
  private static Outcome nextConv(Match m, Patch p, Value x, Tensor scale, Tensor shift) {
    Node conv = m.root();
    Tensor weight = m.constant(CONSTANT);
    Value oldBias = conv.input(2);
    Tensor w = scale == null ? weight : Convolutions.scaleInputs(conv, weight, scale);
    Tensor bias = oldBias == null ? null : oldBias.constant();
    if (shift != null) {
      Tensor sum = sumOverInputs(Convolutions.scaleInputs(conv, weight.cast(shift.dtype()), shift));
      bias = (bias == null ? sum : bias.cast(sum.dtype()).plus(sum)).cast(weight.dtype());
    }
    Value b = bias == null ? null : p.constant(oldBias == null ? conv.input(1).name() + "_bias" : oldBias.name(), bias);
    Node n = p.add(p.newNode("Conv").inputs(x, p.constant(conv.input(1).name(), w), b).attributes(conv.attributes())
        .output(conv.output().name(), conv.output().type()));
    if (b == null) {
      m.graph().truncateInputs(n, 2);
    }
    return p.shuntRoot(n.output());
  }

  private static Outcome affineIntoNextConv(Match m, Patch p) {
    Node conv = m.root();
    Node n = conv.input(0).producer();
    Refusal shared = m.refuseIfShared();
    Affine a = Affine.of(n, m.constant(CONSTANT), conv.intAttr("group", 1));
    if (shared != null || m.context().opset() < 7 || a == null || conv.hasInput(2) && conv.input(2).constant() == null) {
      return shared != null ? shared : m.refuse("expected a constant per channel, and a convolution with a constant bias");
    }
    if (a.shift == null || Convolutions.hasNoPadding(conv)) {
      return nextConv(m, p, a.x, a.scale, a.shift);
    }
    Node mul = a.x.producer();
    Affine inner = mul == null || mul.graph() != n.graph() ? null : Affine.of(mul, m.constant(CONSTANT), conv.intAttr("group", 1));
    if (inner == null || inner.scale == null || a.x.onlyUse() == null || !Constants.all(inner.scale, d -> Double.isFinite(1 / d))) {
      return m.refuse("the convolution pads with zeros, which would have been shifted");
    }
    m.include(mul);
    Tensor shift = a.shift.times(inner.scale.reciprocal());
    Node sum = p.add(p.newNode("Add").inputs(inner.x, p.constant(n.output().name() + "_shift", Convolutions.alongChannels(shift, a.rank)))
        .output(n.output().name(), n.output().type()));
    return nextConv(m, p, sum.output(), inner.scale, null);
  }

  /** One operation with a constant per channel, [C] or [1]: scaling or shifting, the other is null. */
  private record Affine(Value x, Tensor scale, Tensor shift, int rank) {

    /** Null if the node is none in front of a convolution with this weight. */
    static Affine of(Node n, Tensor weight, long group) {
      if (!n.domain().equals(Node.ONNX_DOMAIN) || n.inputs().size() != 2) {
        return null;
      }
      int at = n.input(0).constant() == null ? 0 : 1;
      Value x = n.input(at);
      Tensor c = n.input(1 - at).constant();
      if (c == null || x.constant() != null || !Constants.keepsShapeOf(c, x)) {
        return null;
      }
      Tensor v = Convolutions.perChannel(c, weight.rank(), weight.dim(1) * group);
      if (v == null || v.dtype() != weight.dtype() || !Constants.all(v, Double::isFinite)) {
        return null;
      }
      return switch (n.opType()) {
        case "Mul" -> new Affine(x, v, null, weight.rank());
        case "Div" -> at == 0 && Constants.all(v, d -> Double.isFinite(1 / d)) ? new Affine(x, v.reciprocal(), null, weight.rank()) : null;
        case "Add" -> new Affine(x, null, v, weight.rank());
        case "Sub" -> at == 0 ? new Affine(x, null, v.negate(), weight.rank()) : null;
        default -> null;
      };
    }
  }

  private static Outcome intoNextGemm(Match m, Patch p) {
    Node gemm = m.root();
    Node bnNode = gemm.input(0).producer();
    Refusal refusal = refuse(m, BatchNorm.refusal(m, bnNode));
    if (refusal != null) {
      return refusal;
    }
    Tensor weight = m.constant(CONSTANT);
    BatchNorm bn = BatchNorm.of(bnNode);
    boolean transposed = gemm.intAttr("transB", 0) != 0;
    Value oldBias = gemm.input(2);
    if (m.context().opset() < 7 || gemm.intAttr("transA", 0) != 0 || weight.rank() != 2
        || weight.dim(transposed ? 1 : 0) != bn.scale().dim(0) || oldBias != null && oldBias.constant() == null) {
      return m.refuse("the rows of Gemm's weight are not the channels of the batch norm, or the bias is not constant");
    }
    long channels = bn.scale().dim(0);
    Tensor scale = transposed ? bn.scale() : bn.scale().reshape(channels, 1);
    Tensor shift = transposed ? bn.shift() : bn.shift().reshape(channels, 1);
    Tensor products = weight.cast(shift.dtype()).times(shift);
    Tensor alpha = Tensor.scalar(shift.dtype(), gemm.floatAttr("alpha", 1));
    Tensor bias = sumOverInputs(transposed ? products : products.permute(1, 0)).times(alpha);
    if (oldBias != null) {
      bias = oldBias.constant().cast(bias.dtype()).times(Tensor.scalar(bias.dtype(), gemm.floatAttr("beta", 1))).plus(bias);
    }
    Value w = p.constant(gemm.input(1).name(), Convolutions.multiply(weight, scale));
    Value b = p.constant(oldBias == null ? w.name() + "_bias" : oldBias.name(), bias.cast(weight.dtype()));
    Node n = p.add(p.newNode("Gemm").inputs(m.get(X), w, b).attributes(gemm.attributes()).attr("beta", 1f)
        .output(gemm.output().name(), gemm.output().type()));
    return p.shuntRoot(n.output());
  }

  /** The sum over all axes but the first, [M]; computed when it is read. */
  private static Tensor sumOverInputs(Tensor products) {
    long rows = products.dim(0);
    DataType type = products.dtype();
    return Tensor.evaluated("sum", List.of(products), type, new long[] {rows}, Storage.decoded(type.byteSize(rows), () -> sum(products)));
  }

  private static ByteBuffer sum(Tensor products) {
    double[] all = products.toDoubles();
    double[] sums = new double[Math.toIntExact(products.dim(0))];
    int row = sums.length == 0 ? 0 : all.length / sums.length;
    for (int i = 0; i < sums.length; i++) {
      sums[i] = Arrays.stream(all, i * row, (i + 1) * row).sum();
    }
    return Tensor.of(sums, sums.length).cast(products.dtype()).bytes();
  }
}
