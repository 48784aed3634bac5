package dev.tenon.cli;

import dev.tenon.ir.Dim;
import dev.tenon.ir.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** The option {@code --input}, which {@code convert}, {@code export} and {@code inspect} share. */
final class InputShapes {
  @Option(names = "--input", paramLabel = "NAME:1,3,224,224",
      description = "Fix the shape of an input; a name instead of a number is a dynamic dimension. Repeatable.")
  private List<String> inputs = new ArrayList<>();

  Map<String, Shape> parse(CommandLine command) {
    Map<String, Shape> shapes = new LinkedHashMap<>();
    for (String text : inputs) {
      int colon = text.lastIndexOf(':');
      String dims = text.substring(colon + 1);
      if (colon < 1 || !dims.matches("([\\w()*+/-]+(,[\\w()*+/-]+)*)?")) {
        throw new ParameterException(command, "--input: found '" + text + "', expected NAME:1,3,224,224");
      }
      Shape shape = dims.isEmpty() ? Shape.of(List.of()) : Shape.of(Arrays.stream(dims.split(",")).map(Dim::parse).toList());
      if (shape.dims().stream().anyMatch(d -> d.isConstant() && d.constant() < 0)) {
        throw new ParameterException(command,
            "--input: found '" + text + "', expected sizes of zero and more, or names for sizes that stay open");
      }
      shapes.put(text.substring(0, colon), shape);
    }
    return shapes;
  }
}
