package dev.tenon.ir.layout;

import dev.tenon.ir.Node;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/** Which operators a permutation of axes can be carried through: one line a family. */
final class Carriers {
  private final Map<String, Carrier> carriers = new HashMap<>();
  private final Set<String> elementwise;

  /**
   * @param opset the model's opset of ONNX's own domain
   * @param elementwise qualified names of custom operators that compute element by element
   */
  Carriers(int opset, Set<String> elementwise) {
    this.elementwise = elementwise;
    ElementwiseCarrier.register(this);
    ReductionCarrier.register(this);
    AxisCarrier.register(this, opset);
    ExtentCarrier.register(this);
    ReshapeCarrier.register(this);
    GlobalPoolingCarrier.register(this);
  }

  void op(String opType, Carrier carrier) {
    carriers.put(opType, carrier);
  }

  /** The carrier for a node; null if its inputs and outputs are in the source's order always. */
  Carrier of(Node n) {
    if (elementwise.contains(n.qualifiedOp())) {
      return ElementwiseCarrier.ALL_INPUTS;
    }
    if (n.domain().equals(ChannelsLastOps.DOMAIN)) {
      // The activations that were found written out; the others of this domain have their layout by what they are.
      return ElementwiseCarrier.isUnary(n.opType()) ? carriers.get(n.opType()) : null;
    }
    return n.domain().isEmpty() ? carriers.get(n.opType()) : null;
  }
}
