package dev.tenon.cli;

import dev.tenon.custom.CustomOptions;
import dev.tenon.custom.OpsFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/** The options that say what custom operators are, which several commands share. */
final class OperatorOptions {
  @Option(names = "--ops", paramLabel = "FILE", description = "What is to become of custom operators, ops.yaml.")
  Path ops;

  @Option(names = "--op-library", paramLabel = "FILE", description = "A library that registers operators with TensorFlow; repeatable.")
  List<Path> libraries = new ArrayList<>();

  @Option(names = "--ort-library", paramLabel = "FILE",
      description = "A library of custom operators of ONNX Runtime, for the reference; repeatable.")
  List<Path> ortLibraries = new ArrayList<>();

  @Option(names = "--torch-library", paramLabel = "FILE",
      description = "A library that registers operators with PyTorch, for the reference; repeatable.")
  List<Path> torchLibraries = new ArrayList<>();

  CustomOptions parse() {
    return new CustomOptions(ops == null ? OpsFile.NONE : OpsFile.read(ops), libraries, ortLibraries, torchLibraries);
  }

  /** Adds the same options to another command line. */
  void addTo(List<String> arguments) {
    if (ops != null) {
      arguments.addAll(List.of("--ops", ops.toString()));
    }
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
