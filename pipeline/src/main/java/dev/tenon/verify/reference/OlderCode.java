package dev.tenon.verify.reference;

import dev.tenon.frontend.TemporaryPath;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Enumeration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * Copies of TorchScript archives for a libtorch that is older than the PyTorch which wrote them. Functions of PyTorch's library come into an
 * archive whole, with arms that call operators too new for libtorch, which then refuses the archive although nothing ever gets there.
 */
final class OlderCode {
  private static final Pattern UNKNOWN = Pattern.compile("Unknown builtin op: aten::(\\w+)");

  private OlderCode() {}

  /** The operator, without namespace, that libtorch complains of not knowing; null if it complains of something else. */
  static String unknownOperator(String message) {
    Matcher m = UNKNOWN.matcher(message);
    return m.find() ? m.group(1) : null;
  }

  /**
   * A copy of an archive in which the results of an operator, tensors, are left uninitialized.
   *
   * @return a folder with the copy, {@code model.pt}; the caller closes it
   */
  static TemporaryPath without(String operator, Path archive) throws IOException {
    TemporaryPath folder = TemporaryPath.create("tenon-libtorch-");
    try (ZipFile from = new ZipFile(archive.toFile());
        ZipOutputStream to = new ZipOutputStream(Files.newOutputStream(folder.path().resolve("model.pt")))) {
      to.setLevel(0); // weights are read once and hardly compress
      Enumeration<? extends ZipEntry> entries = from.entries();
      while (entries.hasMoreElements()) {
        ZipEntry e = entries.nextElement();
        to.putNextEntry(new ZipEntry(e.getName()));
        try (InputStream in = from.getInputStream(e)) {
          if (e.getName().endsWith(".py")) {
            to.write(patched(new String(in.readAllBytes(), StandardCharsets.UTF_8), operator).getBytes(StandardCharsets.UTF_8));
          } else if (!e.getName().endsWith(".debug_pkl")) {
            in.transferTo(to);
          }
        }
        to.closeEntry();
      }
      return folder;
    } catch (IOException | RuntimeException e) {
      folder.close();
      throw e;
    }
  }

  /** Code with every call of an operator replaced. */
  static String patched(String code, String operator) {
    String call = "torch." + operator + "(";
    StringBuilder b = new StringBuilder();
    int done = 0;
    for (int at = code.indexOf(call); at >= 0; at = code.indexOf(call, done)) {
      b.append(code, done, at).append("uninitialized(Tensor)");
      done = endOfCall(code, at + call.length() - 1);
    }
    return b.append(code, done, code.length()).toString();
  }

  /** The place after the parenthesis that closes the one at {@code open}. */
  private static int endOfCall(String code, int open) {
    int depth = 0;
    boolean quoted = false;
    for (int i = open; i < code.length(); i++) {
      char c = code.charAt(i);
      if (c == '"' && code.charAt(i - 1) != '\\') {
        quoted = !quoted;
      } else if (!quoted && c == '(') {
        depth++;
      } else if (!quoted && c == ')') {
        depth--;
        if (depth == 0) {
          return i + 1;
        }
      }
    }
    return code.length();
  }
}
