package dev.tenon.frontend.aten;

/** A use of an operator that cannot be expressed in ONNX; becomes a diagnostic at the place of the call. */
public final class LoweringException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String hint;

  public LoweringException(String message) {
    this(message, "");
  }

  /** With a hint: what the user can do about it. */
  public LoweringException(String message, String hint) {
    super(message, null, false, false);
    this.hint = hint;
  }

  public String hint() {
    return hint;
  }
}
