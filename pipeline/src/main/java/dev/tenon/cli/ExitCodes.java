package dev.tenon.cli;

import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.diag.ConversionException;
import dev.tenon.ir.diag.UnsupportedModelException;

/** What the process ends with. */
public final class ExitCodes {
  public static final int OK = 0;
  public static final int INTERNAL = 1;
  public static final int USAGE = 2;
  public static final int BAD_INPUT = 3;
  public static final int UNSUPPORTED = 4;
  public static final int CONVERSION = 5;
  public static final int MISMATCH = 6;
  public static final int BATCH = 7;
  public static final int INTERRUPTED = 130;

  private ExitCodes() {}

  /** The code of a failure. */
  public static int of(Throwable failure) {
    if (failure instanceof BadInputException) {
      return BAD_INPUT;
    } else if (failure instanceof UnsupportedModelException) {
      return UNSUPPORTED;
    } else if (failure instanceof ConversionException || failure instanceof OutOfMemoryError) {
      return CONVERSION;
    }
    return INTERNAL;
  }
}
