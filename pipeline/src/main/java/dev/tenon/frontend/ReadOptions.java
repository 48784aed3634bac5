package dev.tenon.frontend;

import dev.tenon.ir.Shape;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * How to read a model.
 *
 * @param inputShapes input name to its shape, symbols allowed as dimensions. TorchScript, whose inputs have no shapes, is read with
 *     them; in the other formats they replace the dimensions that the model leaves open, after reading
 */
public record ReadOptions(Map<String, Shape> inputShapes) {
  public ReadOptions {
    inputShapes = new LinkedHashMap<>(inputShapes);
  }

  /** Shapes as the file has them. */
  public static ReadOptions defaults() {
    return new ReadOptions(Map.of());
  }
}
