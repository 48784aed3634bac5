package dev.tenon.ir.io;

/** Makes texts of untrusted files fit for a one-line message. */
final class Quote {
  private static final int MAX_LENGTH = 200;

  private Quote() {}

  /** The text without line ends and other control characters, and not longer than a line should be. */
  static String of(String text) {
    StringBuilder b = new StringBuilder();
    for (int i = 0; i < text.length() && b.length() < MAX_LENGTH; i++) {
      char c = text.charAt(i);
      b.append(Character.isISOControl(c) ? '\uFFFD' : c);
    }
    return text.length() > MAX_LENGTH ? b.append("…").toString() : b.toString();
  }
}
