package dev.tenon.custom;

import java.nio.file.Path;
import java.util.List;

/**
 * What the user gives for custom operators.
 *
 * @param ops what {@code ops.yaml} says
 * @param libraries native libraries that register operators with TensorFlow
 * @param ortLibraries native libraries with custom operators of ONNX Runtime, for the reference
 * @param torchLibraries native libraries that register operators with PyTorch, for the reference
 */
public record CustomOptions(OpsFile ops, List<Path> libraries, List<Path> ortLibraries, List<Path> torchLibraries) {
  /** Nothing. */
  public static final CustomOptions NONE = new CustomOptions(OpsFile.NONE, List.of(), List.of(), List.of());

  public CustomOptions {
    libraries = List.copyOf(libraries);
    ortLibraries = List.copyOf(ortLibraries);
    torchLibraries = List.copyOf(torchLibraries);
  }

  /** True if native code of others will run in this process. */
  public boolean hasNativeCode() {
    return !libraries.isEmpty() || !ortLibraries.isEmpty() || !torchLibraries.isEmpty();
  }
}
