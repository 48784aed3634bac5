package dev.tenon.ir.diag;

/** The conversion itself failed on a model that should have converted: a broken invariant. Exit code 5. */
public class ConversionException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public ConversionException(String message) {
    super(message);
  }

  public ConversionException(String message, Throwable cause) {
    super(message, cause);
  }
}
