package dev.tenon.frontend.pickle;

/** Python's {@code None}. */
public enum PickleNone {
  NONE;

  @Override
  public String toString() {
    return "None";
  }
}
