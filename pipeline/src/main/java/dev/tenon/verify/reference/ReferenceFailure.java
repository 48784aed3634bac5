package dev.tenon.verify.reference;

/** A reference could not be loaded, or refuses to run on the inputs it was given; the message says why in a line. */
public final class ReferenceFailure extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final boolean hopeless;

  private ReferenceFailure(String message, boolean hopeless, Throwable cause) {
    super(message, cause);
    this.hopeless = hopeless;
  }

  /** The runtime refuses these inputs; others may do. */
  static ReferenceFailure refused(String message, Throwable cause) {
    return new ReferenceFailure(message, false, cause);
  }

  /** The runtime cannot be used for this model at all. */
  public static ReferenceFailure unusable(String message, Throwable cause) {
    return new ReferenceFailure(message, true, cause);
  }

  /** True if no other inputs would help: another reference is needed. */
  public boolean isHopeless() {
    return hopeless;
  }
}
