package dev.tenon.ir.ort;

/** ONNX Runtime could not load or run a model; the message holds its reason. */
public final class OrtFailure extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public OrtFailure(String message, Throwable cause) {
    super(message, cause);
  }
}
