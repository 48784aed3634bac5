package dev.tenon.frontend;

import dev.tenon.ir.Node;
import dev.tenon.ir.Shape;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;

/**
 * How to read a model.
 *
 * @param inputShapes input name to its shape, symbols allowed as dimensions. TorchScript, whose inputs have no shapes, is read with
 *     them; in the other formats they replace the dimensions that the model leaves open, after reading
 * @param customTypes sets the types of the outputs of an operator that is not known, where the user says them: TorchScript has no types
 *     and what follows cannot be lowered without
 */
public record ReadOptions(Map<String, Shape> inputShapes, Consumer<Node> customTypes) {
  public ReadOptions {
    inputShapes = new LinkedHashMap<>(inputShapes);
  }

  public ReadOptions(Map<String, Shape> inputShapes) {
    this(inputShapes, n -> { });
  }

  /** Shapes as the file has them. */
  public static ReadOptions defaults() {
    return new ReadOptions(Map.of());
  }

  public ReadOptions withCustomTypes(Consumer<Node> value) {
    return new ReadOptions(inputShapes, value);
  }
}
