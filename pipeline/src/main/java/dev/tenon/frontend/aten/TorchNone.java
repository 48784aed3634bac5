package dev.tenon.frontend.aten;

/** Python's {@code None}. */
public enum TorchNone implements TorchValue {
  NONE;

  @Override
  public String toString() {
    return "None";
  }
}
