package dev.tenon.cli;

/** Sets up the logging of the libraries, before their first message. */
final class Logging {
  private Logging() {}

  static void configure(boolean verbose) {
    String key = "org.slf4j.simpleLogger.defaultLogLevel";
    if (System.getProperty(key) == null) {
      System.setProperty(key, verbose ? "info" : "error");
      System.setProperty("org.slf4j.simpleLogger.showThreadName", "false");
      System.setProperty("org.slf4j.simpleLogger.showShortLogName", "true");
    }
  }
}
