package dev.tenon.ir.layout;

import dev.tenon.ir.Node;

/**
 * A node whose layout is chosen, or given by its operator.
 *
 * @param carrier null for operators that are channels-last by nature
 */
record Site(Node node, Frame frame, Carrier carrier, Choice choice) {

  boolean isPinned() {
    return carrier == null;
  }
}
