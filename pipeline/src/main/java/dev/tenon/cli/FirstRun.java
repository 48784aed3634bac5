package dev.tenon.cli;

import java.nio.file.Files;
import java.nio.file.Path;

/** Tells the user why the first run of all takes longer: TensorFlow's native library is unpacked then, once for all. */
final class FirstRun {
  private FirstRun() {}

  static void announce(Terminal terminal) {
    String configured = System.getProperty("org.bytedeco.javacpp.cachedir", "");
    Path cache = configured.isEmpty() ? Path.of(System.getProperty("user.home"), ".javacpp", "cache") : Path.of(configured);
    if (!Files.isDirectory(cache)) {
      terminal.note("unpacking TensorFlow's native library into " + cache + ", once; this takes a while");
    }
  }
}
