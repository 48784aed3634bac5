package dev.tenon.tf.custom;

import dev.tenon.ir.diag.ConversionException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.bytedeco.javacpp.Loader;
import org.tensorflow.TensorFlow;

/** The native library that operators are built against: the one that TensorFlow-Java ships, where it has been unpacked. */
public final class TensorFlowLibrary {
  private TensorFlowLibrary() {}

  private static boolean isMac() {
    return System.getProperty("os.name").toLowerCase(Locale.ROOT).contains("mac");
  }

  /** {@code so} or {@code dylib}. */
  static String extension() {
    return isMac() ? "dylib" : "so";
  }

  /** {@code libtensorflow_framework.so.2}, the name under which Python's TensorFlow has it too. */
  static String fileName() {
    return isMac() ? "libtensorflow_framework.2.dylib" : "libtensorflow_framework.so.2";
  }

  /** The folder that the library has been unpacked into. */
  public static Path folder() {
    TensorFlow.version(); // unpacks
    String loaded = Loader.load(org.tensorflow.internal.c_api.global.tensorflow.class);
    for (Path p = loaded == null ? null : Path.of(loaded).getParent(); p != null; p = p.getParent()) {
      if (Files.exists(p.resolve(fileName()))) {
        return p;
      }
    }
    throw new ConversionException("TensorFlow's native library has been unpacked to " + loaded + ", but there is no " + fileName()
        + " beside it to build operators against");
  }
}
