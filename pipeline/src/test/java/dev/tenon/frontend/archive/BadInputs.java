package dev.tenon.frontend.archive;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.diag.BadInputException;
import org.junit.jupiter.api.function.Executable;

/** What must hold of the refusal of a bad file. */
public final class BadInputs {
  private static final int LONGEST = 700;

  private BadInputs() {}

  /** Asserts that something ends in one line with the given parts in it, and gives that line. */
  public static String assertBad(Executable reading, String... parts) {
    String message = assertThrows(BadInputException.class, reading).getMessage();
    assertOneLine(message);
    for (String part : parts) {
      assertTrue(message.contains(part), '"' + part + "\" is not in: " + message);
    }
    return message;
  }

  /** Asserts that a message is one line of a length that can be read. */
  public static void assertOneLine(String message) {
    assertFalse(message.chars().anyMatch(Character::isISOControl), message);
    assertTrue(message.length() < LONGEST, message);
    assertTrue(message.contains("found ") && message.contains("expected ") || message.contains("cannot read"), message);
  }
}
