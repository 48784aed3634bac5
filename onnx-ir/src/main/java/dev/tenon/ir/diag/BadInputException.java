package dev.tenon.ir.diag;

/**
 * A file that cannot be what it should be: malformed, truncated, hostile or missing. Its message is one line that names the file,
 * the place in it, what was found and what was expected. The command line ends with exit code 3.
 */
public class BadInputException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public BadInputException(String message) {
    super(message);
  }

  public BadInputException(String message, Throwable cause) {
    super(message, cause);
  }

  /**
   * The usual form: {@code FILE: PLACE: found …, expected …}. Control characters, which names in a file may hold, are replaced, so
   * that it is one line whatever the file says.
   */
  public static BadInputException of(Object file, String place, String found, String expected) {
    String message = file + ": " + (place.isEmpty() ? "" : place + ": ") + "found " + found + ", expected " + expected;
    return new BadInputException(message.replaceAll("[\\x00-\\x1f\\x7f-\\x9f]", "\uFFFD"));
  }
}
