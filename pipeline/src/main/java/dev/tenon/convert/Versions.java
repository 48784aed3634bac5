package dev.tenon.convert;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtLoggingLevel;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;
import org.tensorflow.TensorFlow;

/** The versions of Tenon and of the two runtimes it stands on. */
public final class Versions {
  private Versions() {}

  /** Tenon's own. */
  public static String tenon() {
    Properties p = new Properties();
    try (InputStream in = Versions.class.getResourceAsStream("/dev/tenon/version.properties")) {
      if (in != null) {
        p.load(in);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return p.getProperty("version", "unknown");
  }

  /** TensorFlow's; loads its native library. */
  public static String tensorFlow() {
    return TensorFlow.version();
  }

  /** ONNX Runtime's; loads its native library. */
  public static String onnxRuntime() {
    return OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR).getVersion();
  }
}
