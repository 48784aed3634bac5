package dev.tenon.frontend.torchscript;

/**
 * One token of serialized TorchScript.
 *
 * @param text the characters of a name, operator or number; the decoded value of a string; empty for layout tokens
 * @param line counted from 1
 * @param offset of its first character in the file, counted from 0
 */
record Token(Kind kind, String text, int line, int offset) {

  enum Kind { NAME, INTEGER, FLOAT, IMAGINARY, STRING, OPERATOR, NEWLINE, INDENT, DEDENT, END }

  boolean isOperator(String symbol) {
    return kind == Kind.OPERATOR && text.equals(symbol);
  }

  boolean isName(String word) {
    return kind == Kind.NAME && text.equals(word);
  }

  /** How an error message names this token. */
  String describe() {
    return switch (kind) {
      case NEWLINE -> "the end of the line";
      case INDENT -> "more indentation";
      case DEDENT -> "less indentation";
      case END -> "the end of the file";
      case STRING -> "a string";
      default -> "'" + (text.length() > 40 ? text.substring(0, 40) + "…" : text) + "'";
    };
  }
}
