package dev.tenon.ir.rewrite;

/**
 * A name for a value that a {@link Pattern} binds. Has identity: every place of a pattern that holds the same capture must match
 * the same value.
 */
public final class Capture {
  private final String name;

  private Capture(String name) {
    this.name = name;
  }

  /** A new capture; the name is for messages only. */
  public static Capture of(String name) {
    return new Capture(name);
  }

  @Override
  public String toString() {
    return name;
  }
}
