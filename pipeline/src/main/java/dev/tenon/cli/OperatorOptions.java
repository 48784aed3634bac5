package dev.tenon.cli;

import dev.tenon.custom.CustomOptions;
import dev.tenon.custom.OpsFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** The options that say what custom operators are, which several commands share. */
final class OperatorOptions {
  @Option(names = "--ops", paramLabel = "FILE", description = "What is to become of custom operators, ops.yaml.")
  Path ops;

  @Option(names = "--resolve", paramLabel = "OPERATOR=WAY",
      description = "The same in short, of one operator: function, onnx:FILE, emitter, tensorflow:NAME, stub; repeatable.")
  Map<String, String> ways = new LinkedHashMap<>();

  @Option(names = "--op-layout", paramLabel = "OPERATOR=KIND",
      description = "What layouts may believe of an operator: elementwise, channels-last, opaque; repeatable.")
  Map<String, String> layouts = new LinkedHashMap<>();

  @Option(names = "--op-library", paramLabel = "FILE", description = "A library that registers operators with TensorFlow; repeatable.")
  List<Path> libraries = new ArrayList<>();

  @Option(names = "--ort-library", paramLabel = "FILE",
      description = "A library of custom operators of ONNX Runtime, for the reference; repeatable.")
  List<Path> ortLibraries = new ArrayList<>();

  @Option(names = "--torch-library", paramLabel = "FILE",
      description = "A library that registers operators with PyTorch, for the reference; repeatable.")
  List<Path> torchLibraries = new ArrayList<>();

  CustomOptions parse(CommandLine command) {
    OpsFile rules = ops == null ? OpsFile.NONE : OpsFile.read(ops);
    try {
      for (Map.Entry<String, String> e : ways.entrySet()) {
        rules = rules.withWay(e.getKey(), e.getValue());
      }
      for (Map.Entry<String, String> e : layouts.entrySet()) {
        rules = rules.withLayout(e.getKey(), e.getValue());
      }
    } catch (IllegalArgumentException e) {
      throw new ParameterException(command, "--resolve, --op-layout: " + e.getMessage());
    }
    return new CustomOptions(rules, libraries, ortLibraries, torchLibraries);
  }

  /** Adds the same options to another command line. */
  void addTo(List<String> arguments) {
    if (ops != null) {
      arguments.addAll(List.of("--ops", ops.toString()));
    }
    ways.forEach((operator, way) -> arguments.addAll(List.of("--resolve", operator + "=" + way)));
    layouts.forEach((operator, kind) -> arguments.addAll(List.of("--op-layout", operator + "=" + kind)));
    libraries.forEach(l -> arguments.addAll(List.of("--op-library", l.toString())));
    ortLibraries.forEach(l -> arguments.addAll(List.of("--ort-library", l.toString())));
    torchLibraries.forEach(l -> arguments.addAll(List.of("--torch-library", l.toString())));
  }

  /** The files whose code runs in the process. */
  List<Path> nativeCode() {
    List<Path> all = new ArrayList<>(libraries);
    all.addAll(ortLibraries);
    all.addAll(torchLibraries);
    return all;
  }
}
