package dev.tenon.frontend.torchscript;

import dev.tenon.ir.diag.BadInputException;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Cuts serialized TorchScript into tokens, one at a time. Layout is Python's: indentation makes blocks, and lines go on inside
 * brackets. Strings are decoded; PyTorch writes what is not printable ASCII as the octal escapes of its UTF-8 bytes.
 */
final class Lexer {
  /** Longest first, so that the first that fits is right. */
  private static final String[] OPERATORS = {"**=", "//=", "<<=", ">>=", "...", "->", "**", "//", "<<", ">>", "<=", ">=", "==", "!=", "+=", "-=",
      "*=", "/=", "+", "-", "*", "/", "%", "@", "&", "|", "^", "~", "<", ">", "(", ")", "[", "]", "{", "}", ",", ":", ".", "=", ";"};
  private static final int MAX_INDENTS = 200;

  private final Object archive;
  private final String entry;
  private final String text;
  private final Deque<Integer> indents = new ArrayDeque<>();
  private int at;
  private int line = 1;
  private int brackets;
  private int pendingDedents;
  private boolean atLineStart = true;
  private Token.Kind last = Token.Kind.NEWLINE;

  /**
   * A lexer at the start of a file.
   *
   * @param archive names the archive in errors
   * @param entry names the file inside it
   */
  Lexer(Object archive, String entry, String text) {
    this.archive = archive;
    this.entry = entry;
    this.text = text;
    indents.push(0);
  }

  BadInputException error(int atLine, String found, String expected) {
    return BadInputException.of(archive, entry + ":" + atLine, found, expected);
  }

  /** The next token; {@code END} for ever at the end. */
  Token next() {
    Token t = scan();
    last = t.kind();
    return t;
  }

  private Token scan() {
    if (pendingDedents > 0) {
      pendingDedents--;
      return layout(Token.Kind.DEDENT);
    }
    if (atLineStart && brackets == 0) {
      atLineStart = false;
      Token t = indentation();
      if (t != null) {
        return t;
      }
    }
    skipBlanks();
    if (at >= text.length()) {
      return end();
    }
    char c = text.charAt(at);
    if (c == '\n') {
      // Only reached outside brackets.
      Token t = layout(Token.Kind.NEWLINE);
      at++;
      line++;
      atLineStart = true;
      return t;
    }
    if (isNameStart(c)) {
      return name();
    }
    if (isDigit(c) || c == '.' && at + 1 < text.length() && isDigit(text.charAt(at + 1))) {
      return number();
    }
    return c == '"' || c == '\'' ? string(c) : operator();
  }

  private Token end() {
    if (brackets > 0) {
      throw error(line, "the end of the file", "a closing bracket");
    }
    if (last != Token.Kind.NEWLINE && last != Token.Kind.DEDENT && last != Token.Kind.END) {
      return layout(Token.Kind.NEWLINE);
    }
    if (indents.size() > 1) {
      indents.pop();
      return layout(Token.Kind.DEDENT);
    }
    return layout(Token.Kind.END);
  }

  private Token layout(Token.Kind kind) {
    return new Token(kind, "", line, at);
  }

  /** Measures the indentation of the next line that is not blank; null if it is the same as before. */
  private Token indentation() {
    int width;
    while (true) {
      width = 0;
      while (at < text.length() && (text.charAt(at) == ' ' || text.charAt(at) == '\t')) {
        width += text.charAt(at) == '\t' ? 8 - width % 8 : 1;
        at++;
      }
      skipBlanks();
      if (at >= text.length()) {
        return null;
      }
      if (text.charAt(at) != '\n') {
        break;
      }
      at++;
      line++;
    }
    if (width > indents.peek()) {
      if (indents.size() > MAX_INDENTS) {
        throw error(line, "blocks nested more than " + MAX_INDENTS + " deep", "fewer");
      }
      indents.push(width);
      return layout(Token.Kind.INDENT);
    }
    int closed = 0;
    while (width < indents.peek()) {
      indents.pop();
      closed++;
    }
    if (width != indents.peek()) {
      throw error(line, "an indentation of " + width, "one of the blocks around it, " + indents.peek() + " say");
    }
    pendingDedents = closed - 1;
    return closed == 0 ? null : layout(Token.Kind.DEDENT);
  }

  /** Passes over blanks and comments, and inside brackets over line ends. */
  private void skipBlanks() {
    while (at < text.length()) {
      char c = text.charAt(at);
      if (c == '\n' && brackets > 0) {
        line++;
        at++;
      } else if (c == ' ' || c == '\t' || c == '\r') {
        at++;
      } else if (c == '#') {
        while (at < text.length() && text.charAt(at) != '\n') {
          at++;
        }
      } else {
        return;
      }
    }
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  private static boolean isNameStart(char c) {
    return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80 && Character.isLetter(c);
  }

  private Token name() {
    int start = at;
    while (at < text.length() && (isNameStart(text.charAt(at)) || isDigit(text.charAt(at)))) {
      at++;
    }
    return new Token(Token.Kind.NAME, text.substring(start, at), line, start);
  }

  private Token number() {
    int start = at;
    digits();
    boolean real = false;
    if (at < text.length() && text.charAt(at) == '.') {
      real = true;
      at++;
      digits();
    }
    if (at < text.length() && (text.charAt(at) == 'e' || text.charAt(at) == 'E')) {
      real = true;
      at++;
      if (at < text.length() && (text.charAt(at) == '+' || text.charAt(at) == '-')) {
        at++;
      }
      int exponent = at;
      digits();
      if (at == exponent) {
        throw error(line, "'" + text.substring(start, at) + "'", "digits of an exponent");
      }
    }
    String number = text.substring(start, at);
    if (at < text.length() && text.charAt(at) == 'j') {
      at++;
      return new Token(Token.Kind.IMAGINARY, number, line, start);
    }
    if (at < text.length() && isNameStart(text.charAt(at))) {
      throw error(line, "'" + number + text.charAt(at) + "'", "a number");
    }
    return new Token(real ? Token.Kind.FLOAT : Token.Kind.INTEGER, number, line, start);
  }

  private void digits() {
    while (at < text.length() && isDigit(text.charAt(at))) {
      at++;
    }
  }

  private Token operator() {
    for (String symbol : OPERATORS) {
      if (text.startsWith(symbol, at)) {
        Token t = new Token(Token.Kind.OPERATOR, symbol, line, at);
        at += symbol.length();
        char c = symbol.charAt(0);
        if (c == '(' || c == '[' || c == '{') {
          brackets++;
        } else if (c == ')' || c == ']' || c == '}') {
          brackets--;
          if (brackets < 0) {
            throw error(line, "'" + symbol + "' without its opening bracket", "balanced brackets");
          }
        }
        return t;
      }
    }
    throw error(line, String.format("the character U+%04X", (int) text.charAt(at)), "TorchScript");
  }

  // ---- strings ----

  private Token string(char quote) {
    int start = at++;
    int startLine = line;
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    while (true) {
      if (at >= text.length() || text.charAt(at) == '\n') {
        throw error(startLine, "a string without its end", "a closing quote");
      }
      char c = text.charAt(at++);
      if (c == quote) {
        return new Token(Token.Kind.STRING, bytes.toString(StandardCharsets.UTF_8), startLine, start);
      }
      if (c == '\\') {
        escape(bytes);
      } else if (c < 0x80) {
        bytes.write(c);
      } else {
        int point = Character.isHighSurrogate(c) && at < text.length() ? text.codePointAt(at - 1) : c;
        at += Character.charCount(point) - 1;
        bytes.writeBytes(Character.toString(point).getBytes(StandardCharsets.UTF_8));
      }
    }
  }

  private void escape(ByteArrayOutputStream bytes) {
    if (at >= text.length()) {
      throw error(line, "a string without its end", "a closing quote");
    }
    char c = text.charAt(at++);
    switch (c) {
      case 'n' -> bytes.write('\n');
      case 't' -> bytes.write('\t');
      case 'r' -> bytes.write('\r');
      case 'a' -> bytes.write(7);
      case 'b' -> bytes.write('\b');
      case 'f' -> bytes.write('\f');
      case 'v' -> bytes.write(11);
      case 'x' -> bytes.write(digits(16, 2, 2));
      case '\n' -> line++;
      case '\\', '\'', '"' -> bytes.write(c);
      default -> {
        if (c < '0' || c > '7') {
          throw error(line, "the escape '\\" + c + "'", "one that Python knows");
        }
        at--;
        bytes.write(digits(8, 1, 3));
      }
    }
  }

  private int digits(int radix, int atLeast, int atMost) {
    int value = 0;
    int count = 0;
    while (count < atMost && at < text.length() && text.charAt(at) < 0x80 && Character.digit(text.charAt(at), radix) >= 0) {
      value = value * radix + Character.digit(text.charAt(at++), radix);
      count++;
    }
    if (count < atLeast || value > 255) {
      throw error(line, "an escape of another form", "digits that make one byte");
    }
    return value;
  }
}
