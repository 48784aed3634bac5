package dev.tenon.ir.layout;

import dev.tenon.ir.Node;
import dev.tenon.ir.Value;
import java.util.function.Function;

/**
 * How a permutation of axes is carried through an operator: {@code op(transpose(x, p)) = transpose(op'(x), p)}, where {@code op'} is
 * the same operator with its axes renamed and its constants rearranged.
 */
interface Carrier {
  /**
   * The roles of a node's inputs and outputs, from what is known of some of them.
   *
   * @param known a value's roles; null if they are not known
   * @return null if they do not follow (yet), or if nothing can be carried through this node
   */
  Frame frame(Node n, Function<Value, Roles> known);

  /** Makes the node that works on the stored tensors; its outputs are stored as the frame says. */
  Node rebuild(Rebuild r);

  /** How often TensorFlow's form of the operator moves its data in this layout, beside what a {@code Transpose} of the graph moves. */
  default int moves(Node n, Frame f, Layout layout) {
    return 0;
  }
}
