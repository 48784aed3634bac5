package dev.tenon.ir.layout;

import dev.tenon.ir.Node;
import dev.tenon.ir.Value;
import java.util.Arrays;

/**
 * The roles of the axes of a node's inputs and outputs, as the node sees them. A null is read and made in the source's order
 * whatever the node's layout: a weight, a shape, a tensor without channels.
 */
record Frame(Roles[] inputs, Roles[] outputs) {
  static Frame of(Node n) {
    return new Frame(new Roles[n.inputs().size()], new Roles[n.outputs().size()]);
  }

  Frame input(int i, Roles roles) {
    inputs[i] = roles;
    return this;
  }

  Frame output(int i, Roles roles) {
    outputs[i] = roles;
    return this;
  }

  /** The same roles for every output that is there. */
  Frame allOutputs(Roles roles) {
    Arrays.fill(outputs, roles);
    return this;
  }

  /**
   * Roles without a choice are the source's order, or nothing that can be carried.
   *
   * @return null if some output would come out in an order that is neither
   */
  Frame normalized(Node n) {
    for (int i = 0; i < inputs.length; i++) {
      Value v = n.input(i);
      if (inputs[i] == null || v == null) {
        inputs[i] = null;
      } else if (v.constant() == null && !inputs[i].hasChoice()) {
        if (!Permutations.isIdentity(inputs[i].perm(Layout.CHANNELS_FIRST))) {
          return null;
        }
        inputs[i] = null;
      }
    }
    for (int i = 0; i < outputs.length; i++) {
      if (outputs[i] != null && !outputs[i].hasChoice()) {
        if (!Permutations.isIdentity(outputs[i].perm(Layout.CHANNELS_FIRST))) {
          return null;
        }
        outputs[i] = null;
      }
    }
    return this;
  }
}
