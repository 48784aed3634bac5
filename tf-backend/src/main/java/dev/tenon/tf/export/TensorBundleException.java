package dev.tenon.tf.export;

import java.io.IOException;
import java.nio.file.Path;

/** A checkpoint file that is not what it should be: which file, where in it, what was found and what was expected. */
public final class TensorBundleException extends IOException {

  private final transient Path file;

  TensorBundleException(Path file, String place, String found, String expected) {
    super(file + ": " + place + ": found " + found + ", expected " + expected);
    this.file = file;
  }

  /** The file at fault; null after deserialization. */
  public Path file() {
    return file;
  }
}
