package dev.tenon.cli;

import dev.tenon.convert.Progress;
import java.io.PrintStream;
import java.util.Locale;

/**
 * The two streams a command talks to: results on one, everything else on the other. Progress is shown only where a person is
 * looking, on one line that is written over and cleared in the end.
 */
final class Terminal implements Progress {
  /** Set by the launcher if standard error is a terminal, which Java 17 cannot find out. */
  static final String TTY_PROPERTY = "tenon.tty";
  private static final long REDRAW_NANOS = 100_000_000L;

  private final PrintStream out;
  private final PrintStream err;
  private final boolean live;
  private boolean quiet;
  private boolean verbose;
  private String phase = "";
  private long phaseStart;
  private long lastDrawn;
  private boolean drawn;

  Terminal(PrintStream out, PrintStream err) {
    this.out = out;
    this.err = err;
    this.live = Boolean.getBoolean(TTY_PROPERTY);
  }

  void configure(boolean isQuiet, boolean isVerbose) {
    quiet = isQuiet;
    verbose = isVerbose;
  }

  boolean verbose() {
    return verbose;
  }

  /** A line of the result. */
  void result(String line) {
    out.println(line);
  }

  /** Something the user may like to know meanwhile; not with {@code -q}. */
  void note(String line) {
    if (!quiet) {
      clear();
      err.println("tenon: " + line);
    }
  }

  /** A warning; not with {@code -q}. */
  void warning(String line) {
    note("warning: " + line);
  }

  /** One line, always. */
  void error(String line) {
    clear();
    err.println("tenon: error: " + line.strip().replaceAll("\\s*\\R\\s*", " "));
  }

  /** A line that another process of ours has made; errors always, the rest not with {@code -q}. */
  void relay(String line) {
    if (!quiet || line.startsWith("tenon: error: ")) {
      clear();
      err.println(line);
    }
  }

  void stackTrace(Throwable t) {
    t.printStackTrace(err);
  }

  // ---- progress ----

  @Override
  public void phase(String name) {
    endPhase();
    phase = name;
    phaseStart = System.nanoTime();
    draw("");
  }

  @Override
  public void done(long part, long whole) {
    if (System.nanoTime() - lastDrawn > REDRAW_NANOS) {
      draw(" " + Texts.bytes(part) + " of " + Texts.bytes(whole));
    }
  }

  @Override
  public void end() {
    endPhase();
    phase = "";
    clear();
  }

  private void endPhase() {
    if (verbose && !phase.isEmpty()) {
      clear();
      err.printf(Locale.ROOT, "tenon: %s %.2f s%n", phase, (System.nanoTime() - phaseStart) / 1e9);
    }
  }

  private void draw(String more) {
    if (live && !quiet) {
      err.print("\r\u001b[K" + phase + " ..." + more);
      err.flush();
      drawn = true;
      lastDrawn = System.nanoTime();
    }
  }

  private void clear() {
    if (drawn) {
      err.print("\r\u001b[K");
      err.flush();
      drawn = false;
    }
  }
}
