package dev.tenon.cli;

import dev.tenon.ir.layout.LayoutOptions;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** The option {@code --io-layout}, which {@code convert} and {@code batch} share. */
final class IoLayout {
  @Option(names = "--io-layout", paramLabel = "source|nhwc|NAME=nhwc,...", defaultValue = "source",
      description = "Inputs and outputs keep the source's layout (the default), or images have their channels last; by name for single ones, of "
          + "three to five dimensions.")
  private String text;

  LayoutOptions parse(CommandLine command) {
    try {
      return LayoutOptions.parse(text);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(command, "--io-layout: " + e.getMessage());
    }
  }

  /** The option as it was given. */
  String text() {
    return text;
  }
}
