package dev.tenon.ir.rewrite;

import dev.tenon.ir.Node;

/**
 * Why a rule does not fire.
 *
 * @param reason one line
 * @param culprit the node that stands in the way
 */
public record Refusal(String reason, Node culprit) implements Outcome {
  @Override
  public String toString() {
    return reason + " (at " + culprit.label() + ")";
  }
}
