package dev.tenon.ir.shape;

/** A node that contradicts its operator's definition, an axis out of range say; the inference turns it into a warning. */
final class InvalidNodeException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  InvalidNodeException(String message) {
    super(message, null, false, false);
  }
}
