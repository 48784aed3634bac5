package dev.tenon.frontend.torchscript;

/** The model's own code raises an exception on the way that is being followed. */
final class RaiseSignal extends RuntimeException {
  private static final long serialVersionUID = 1L;

  RaiseSignal(String message) {
    super(message, null, false, false);
  }
}
