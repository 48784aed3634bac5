package dev.tenon.ir.shape;

import dev.tenon.ir.Node;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * The shape rules of operators, by domain, operator and the opset version since which they hold: the greatest registered version not
 * above the model's opset wins. A registration is needed only where the meaning changed, an attribute that became an input, say,
 * is read by {@link NodeContext#longs(String, int)} for both.
 */
public final class Registry {

  /** Sets the types of a node's outputs from those of its inputs. */
  @FunctionalInterface
  public interface Rule {
    void infer(NodeContext c);
  }

  private final Map<String, TreeMap<Integer, Rule>> rules = new HashMap<>();

  /** A new registry of all operators we know. */
  public static Registry standard() {
    Registry r = new Registry();
    ElementwiseShapes.register(r);
    ConvolutionShapes.register(r);
    PoolingShapes.register(r);
    NormalizationShapes.register(r);
    ReductionShapes.register(r);
    MatrixShapes.register(r);
    AttentionShapes.register(r);
    ShapeOps.register(r);
    JoiningShapes.register(r);
    IndexingShapes.register(r);
    SliceShapes.register(r);
    ResizeShapes.register(r);
    GeneratorShapes.register(r);
    RecurrentShapes.register(r);
    QuantizationShapes.register(r);
    SignalShapes.register(r);
    ControlFlowShapes.register(r);
    SequenceShapes.register(r);
    StringShapes.register(r);
    return r;
  }

  /** Adds a rule for an operator of ONNX's own domain. */
  public void op(String opType, int since, Rule rule) {
    op(Node.ONNX_DOMAIN, opType, since, rule);
  }

  public void op(String domain, String opType, int since, Rule rule) {
    rules.computeIfAbsent(domain + "::" + opType, k -> new TreeMap<>()).put(since, rule);
  }

  /** Adds one rule, since version 1, for several operators of ONNX's own domain. */
  void ops(Rule rule, String... opTypes) {
    for (String opType : opTypes) {
      op(opType, 1, rule);
    }
  }

  /** The rule for an operator at an opset version, or null. */
  Rule find(String domain, String opType, int opset) {
    TreeMap<Integer, Rule> versions = rules.get(domain + "::" + opType);
    Map.Entry<Integer, Rule> best = versions == null ? null : versions.floorEntry(opset);
    return best == null ? null : best.getValue();
  }
}
