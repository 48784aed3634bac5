package dev.tenon.custom;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** How a custom operator becomes something that TensorFlow can run. */
public enum Way {
  /** The model itself holds its body as a function, which is put in its place. */
  FUNCTION("the model's own function"),
  /** The user gives its body, as an ONNX function or a small ONNX model. */
  ONNX("a definition in ONNX"),
  /** A Java class on the class path emits it. */
  EMITTER("an emitter on the class path"),
  /** TensorFlow has such an operator already, or a library that the user gives. */
  TENSORFLOW("an operator of TensorFlow's"),
  /** A library built of a stub that Tenon wrote. */
  STUB("a stub");

  private final String text;

  Way(String text) {
    this.text = text;
  }

  /** As in {@code ops.yaml}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** In a few words, for people. */
  public String text() {
    return text;
  }

  static Optional<Way> ofLabel(String label) {
    return Arrays.stream(values()).filter(w -> w.label().equals(label)).findFirst();
  }
}
