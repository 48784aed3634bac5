package dev.tenon.convert;

/** Hears how far long work is. Calls come from one thread. */
public interface Progress {
  /** Nobody listens. */
  Progress NONE = new Progress() {};

  /** A new phase begins: {@code read}, {@code passes}, {@code emit}, … */
  default void phase(String name) {}

  /** So much of the phase is done; bytes written, say, or models converted. */
  default void done(long part, long whole) {}

  /** The last phase is over. */
  default void end() {}
}
