package dev.tenon.verify.reference;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.JniUtils;
import ai.djl.util.Utils;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * libtorch's native library, by way of DJL: loaded when it is first asked for, from the class path alone.
 *
 * <p>DJL unpacks it once, into {@code pytorch} below {@code DJL_CACHE_DIR} or {@code ~/.djl.ai}, about 450 MB.
 */
final class Libtorch {
  private static final String ENGINE = "PyTorch";

  private static Engine engine;
  private static String failure = "";

  private Libtorch() {}

  /**
   * Loads the library.
   *
   * @param threads threads inside one operator, for the whole process; 0 for as many as libtorch likes
   * @param log is told in a line what takes long
   * @throws ReferenceFailure if it cannot be loaded; asked again, it fails again without another try
   */
  static synchronized void load(int threads, Consumer<String> log) {
    if (!failure.isEmpty()) {
      throw ReferenceFailure.unusable(failure, null);
    }
    if (engine == null) {
      configure();
      announce(log);
      try {
        engine = Engine.getEngine(ENGINE);
        // Once two operators have run it would be too late; side by side they would only disturb each other.
        JniUtils.setNumInteropThreads(1);
      } catch (RuntimeException | LinkageError | AssertionError e) {
        failure = "libtorch cannot be loaded: " + reason(e);
        throw ReferenceFailure.unusable(failure, e);
      }
    }
    if (threads > 0) {
      JniUtils.setNumThreads(threads);
    }
  }

  /** What the user has not decided otherwise: nothing is fetched, nothing is reported to anybody, and no GPU is looked for. */
  private static void configure() {
    setDefault("ai.djl.offline", "true");
    setDefault("OPT_OUT_TRACKING", "true");
    setDefault("PYTORCH_FLAVOR", "cpu");
    setDefault("ai.djl.pytorch.graph_optimizer", "false");
  }

  private static void setDefault(String property, String value) {
    if (System.getProperty(property) == null) {
      System.setProperty(property, value);
    }
  }

  private static void announce(Consumer<String> log) {
    Path cache = Utils.getEngineCacheDir("pytorch");
    try (Stream<Path> unpacked = Files.isDirectory(cache) ? Files.list(cache) : Stream.empty()) {
      if (unpacked.findAny().isEmpty()) {
        log.accept("unpacking libtorch's native library into " + cache + ", once; this takes a while");
      }
    } catch (IOException e) {
      log.accept("unpacking libtorch's native library into " + cache);
    }
  }

  /** The innermost reason: DJL wraps what it catches. */
  private static String reason(Throwable e) {
    Throwable inner = e;
    while (inner.getCause() != null) {
      inner = inner.getCause();
    }
    return String.valueOf(inner.getMessage()).lines().findFirst().orElse(inner.getClass().getSimpleName());
  }

  /**
   * Loads a library that registers operators. What was built against another version of PyTorch may end the process.
   *
   * @throws ReferenceFailure if it cannot be loaded
   */
  static synchronized void loadOperators(Path library) {
    try {
      System.load(library.toAbsolutePath().toString());
    } catch (UnsatisfiedLinkError e) {
      throw ReferenceFailure.unusable("libtorch " + engine.getVersion() + " cannot load " + library + ": "
          + String.valueOf(e.getMessage()).lines().findFirst().orElse(""), e);
    }
  }

  /** The version of the loaded library. */
  static synchronized String version() {
    return engine.getVersion();
  }

  /** The owner of native tensors, to be closed. */
  static synchronized PtNDManager newManager() {
    return (PtNDManager) engine.newBaseManager(Device.cpu());
  }
}
