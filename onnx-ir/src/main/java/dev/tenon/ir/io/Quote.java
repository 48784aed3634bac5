package dev.tenon.ir.io;

/** Makes texts of untrusted files fit for a one-line message. */
public final class Quote {
  private static final int MAX_LENGTH = 200;

  private Quote() {}

  /** The text without line ends and other control characters, and not longer than a line should be. */
  public static String of(String text) {
    return of(text, MAX_LENGTH);
  }

  /** The same, of at most so many characters. */
  public static String of(String text, int most) {
    StringBuilder b = new StringBuilder();
    for (int i = 0; i < text.length() && b.length() < most; i++) {
      char c = text.charAt(i);
      b.append(Character.isISOControl(c) ? '\uFFFD' : c);
    }
    return text.length() > most ? b.append("…").toString() : b.toString();
  }
}
