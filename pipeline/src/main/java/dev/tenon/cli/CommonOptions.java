package dev.tenon.cli;

import picocli.CommandLine.Option;

/** What every subcommand takes. */
final class CommonOptions {
  @Option(names = "--json", description = "Print one JSON document on standard output, and nothing else there.")
  boolean json;

  @Option(names = {"-v", "--verbose"}, description = "Say more: times, every finding, and stack traces of errors.")
  boolean verbose;

  @Option(names = {"-q", "--quiet"}, description = "No progress, notes and warnings on standard error.")
  boolean quiet;

  void apply(Terminal terminal) {
    terminal.configure(quiet, verbose);
    Logging.configure(verbose);
  }
}
