package dev.tenon.frontend.torchscript;

import dev.tenon.frontend.aten.TorchObject;
import dev.tenon.frontend.aten.TorchValue;
import java.util.LinkedHashMap;
import java.util.Map;

/** An instance of a class of the archive's code: a module, or an object that the code makes. Has identity. */
final class Instance implements TorchObject {
  private final CodeClass type;
  private final String path;
  private final Map<String, TorchValue> attributes = new LinkedHashMap<>();

  /**
   * An instance without attributes yet.
   *
   * @param path where a module is, {@code layer1.0.conv1}; empty for the model itself, null for what is no module
   */
  Instance(CodeClass type, String path) {
    this.type = type;
    this.path = path;
  }

  CodeClass type() {
    return type;
  }

  String path() {
    return path;
  }

  /** The attributes; mutable. */
  Map<String, TorchValue> attributes() {
    return attributes;
  }

  @Override
  public String toString() {
    return type.name() + " object";
  }
}
