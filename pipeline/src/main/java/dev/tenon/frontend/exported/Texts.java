package dev.tenon.frontend.exported;

/** Text from an untrusted file, made fit for one line of a message. */
final class Texts {
  private static final int LONGEST = 80;

  private Texts() {}

  /** The text on one line, and not longer than a message bears. */
  static String shortened(String text) {
    StringBuilder b = new StringBuilder();
    for (int i = 0; i < text.length() && b.length() < LONGEST; i++) {
      char c = text.charAt(i);
      b.append(Character.isISOControl(c) ? ' ' : c);
    }
    return b.length() < text.length() ? b.append('…').toString() : b.toString();
  }
}
