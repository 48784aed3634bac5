package dev.tenon.weights;

import dev.tenon.ir.Tensor;
import dev.tenon.ir.diag.BadInputException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A checkpoint's tensors by name, in the file's order; nothing of them is read yet.
 *
 * @param file what messages call it
 * @param sha256 of its contents, in hexadecimal
 */
public record WeightFile(String file, String sha256, Map<String, Tensor> tensors) {
  public WeightFile {
    tensors = Collections.unmodifiableMap(new LinkedHashMap<>(tensors));
  }

  /**
   * The same tensors under other names.
   *
   * @param strip what all names begin with and is left out; or empty
   * @param prefix what is put before; or empty
   * @throws BadInputException if no name begins with {@code strip}
   */
  public WeightFile renamed(String strip, String prefix) {
    if (strip.isEmpty() && prefix.isEmpty()) {
      return this;
    }
    Map<String, Tensor> renamed = new LinkedHashMap<>();
    tensors.forEach((name, t) -> {
      if (name.startsWith(strip)) {
        renamed.put(prefix + name.substring(strip.length()), t);
      }
    });
    if (renamed.isEmpty() && !tensors.isEmpty()) {
      throw BadInputException.of(file, "", "no name that begins with '" + strip + "', the first is " + tensors.keySet().iterator().next(),
          "names that do");
    }
    // A name without it (a head beside the backbone) stays as it is, unless that name is taken.
    tensors.forEach((name, t) -> {
      if (!name.startsWith(strip)) {
        renamed.putIfAbsent(prefix + name, t);
      }
    });
    return new WeightFile(file, sha256, renamed);
  }
}
