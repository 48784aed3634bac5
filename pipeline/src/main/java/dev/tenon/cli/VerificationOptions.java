package dev.tenon.cli;

import dev.tenon.verify.VerifyOptions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** The options of verification, which {@code convert} and {@code verify} share. */
final class VerificationOptions {
  @Option(names = "--tolerance", paramLabel = "E", defaultValue = "1e-4",
      description = "Greatest scaled error of an output, max|a-b| / max(0.001, max|ref|); default ${DEFAULT-VALUE}.")
  double tolerance;

  @Option(names = "--sizes", paramLabel = "NAME:2,3,64,64[;NAME:...]",
      description = "Verify at this size instead of chosen ones; repeatable.")
  List<String> sizes = new ArrayList<>();

  @Option(names = "--input-range", paramLabel = "LOW,HIGH",
      description = "Real inputs are uniformly random in this range, instead of pictures and normally distributed numbers.")
  String inputRange;

  @Option(names = "--seed", paramLabel = "N", defaultValue = "20261", description = "Of the random inputs; default ${DEFAULT-VALUE}.")
  long seed;

  @Option(names = "--threads", paramLabel = "N", defaultValue = "0", description = "Threads for each runtime; default: as many as they like.")
  int threads;

  VerifyOptions parse(CommandLine command) {
    VerifyOptions o = VerifyOptions.defaults().withTolerance(tolerance).withSeed(seed).withThreads(threads)
        .withSizes(sizes.stream().map(s -> trial(s, command)).toList());
    if (inputRange == null) {
      return o;
    }
    String[] ends = inputRange.split(",");
    try {
      return o.withRange(Double.parseDouble(ends[0]), Double.parseDouble(ends[1]));
    } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
      throw new ParameterException(command, "--input-range: found '" + inputRange + "', expected two numbers, -1,1 say");
    }
  }

  private static Map<String, long[]> trial(String text, CommandLine command) {
    Map<String, long[]> sizes = new LinkedHashMap<>();
    for (String part : text.split(";")) {
      int colon = part.lastIndexOf(':');
      String dims = part.substring(colon + 1).strip();
      if (colon < 1 || !dims.matches("(\\d{1,9}(\\s*,\\s*\\d{1,9})*)?")) {
        throw new ParameterException(command, "--sizes: found '" + part + "', expected NAME:2,3,64,64");
      }
      sizes.put(part.substring(0, colon).strip(),
          dims.isEmpty() ? new long[0] : Arrays.stream(dims.split("\\s*,\\s*")).mapToLong(Long::parseLong).toArray());
    }
    return sizes;
  }
}
