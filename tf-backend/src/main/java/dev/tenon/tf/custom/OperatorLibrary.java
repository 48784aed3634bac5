package dev.tenon.tf.custom;

import dev.tenon.ir.diag.BadInputException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.tensorflow.TensorFlow;
import org.tensorflow.proto.OpDef;
import org.tensorflow.proto.OpList;

/**
 * A native library that registers operators with TensorFlow, loaded into this process for good.
 *
 * @param file as the user named it
 * @param sha256 of the file, in hexadecimal
 * @param operators what it registers, in its order
 */
public record OperatorLibrary(Path file, String sha256, List<OpDef> operators) {
  private static final int BUFFER = 1 << 16;

  /**
   * Loads a library. Its initializers run in this process.
   *
   * @throws BadInputException if it is no library that this TensorFlow can load, or registers no operator
   */
  public static OperatorLibrary load(Path file) {
    if (!Files.isRegularFile(file)) {
      throw BadInputException.of(file, "", Files.isDirectory(file) ? "a folder" : "no such file", "a library of TensorFlow operators");
    }
    String sha256 = sha256(file);
    OpList ops;
    try {
      ops = TensorFlow.loadLibrary(file.toAbsolutePath().toString());
    } catch (UnsatisfiedLinkError | RuntimeException e) {
      throw BadInputException.of(file, "", "that it cannot be loaded: " + reason(e, file),
          "a library of TensorFlow operators, built for this machine");
    }
    if (ops.getOpCount() == 0) {
      throw BadInputException.of(file, "", "no operators that it registers",
          "one at least; it may have failed to register them, and -v shows what it said");
    }
    return new OperatorLibrary(file, sha256, ops.getOpList());
  }

  private static String reason(Throwable e, Path file) {
    String message = String.valueOf(e.getMessage()).lines().findFirst().orElse(e.getClass().getSimpleName());
    return message.replace(file.toAbsolutePath() + ": ", "");
  }

  /** Loads all. */
  public static List<OperatorLibrary> loadAll(List<Path> files) {
    List<OperatorLibrary> all = new ArrayList<>();
    files.forEach(f -> all.add(load(f)));
    return all;
  }

  /** The definition of an operator that this process has registered, a loaded library's or TensorFlow's own. */
  public static Optional<OpDef> registered(String name) {
    return TensorFlow.registeredOpList().getOpList().stream().filter(o -> o.getName().equals(name)).findFirst();
  }

  public List<String> operatorNames() {
    return operators.stream().map(OpDef::getName).toList();
  }

  private static String sha256(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      byte[] buffer = new byte[BUFFER];
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        digest.update(buffer, 0, n);
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (IOException e) {
      throw BadInputException.of(file, "", "that it cannot be read (" + e.getMessage() + ")", "a library of TensorFlow operators");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
