package dev.tenon.frontend;

import dev.tenon.ir.Model;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.io.OnnxReader;

/** Reads {@code .onnx} models: the graph with its weights left in the file. */
final class OnnxFrontend {
  private OnnxFrontend() {}

  static Model read(ModelSource source, Diagnostics diagnostics) {
    return OnnxReader.read(source.file(), new OnnxReader.Options(null, diagnostics));
  }
}
