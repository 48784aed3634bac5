package dev.tenon.convert;

import dev.tenon.ir.Shape;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * How to export.
 *
 * @param inputShapes input name to the shape it is fixed to; symbols are allowed as dimensions
 * @param passes which passes run, in the syntax of {@link dev.tenon.ir.pass.PassSelection}; {@code default} stands for those that clean up
 * @param external weights go to a file of their own beside the model, whatever their size
 * @param force files in the target's place are replaced
 */
public record ExportOptions(Map<String, Shape> inputShapes, String passes, boolean external, boolean force) {
  public ExportOptions {
    inputShapes = new LinkedHashMap<>(inputShapes);
  }

  public static ExportOptions defaults() {
    return new ExportOptions(Map.of(), "default", false, false);
  }

  public ExportOptions withInputShapes(Map<String, Shape> value) {
    return new ExportOptions(value, passes, external, force);
  }

  public ExportOptions withPasses(String value) {
    return new ExportOptions(inputShapes, value, external, force);
  }

  public ExportOptions withExternal(boolean value) {
    return new ExportOptions(inputShapes, passes, value, force);
  }

  public ExportOptions withForce(boolean value) {
    return new ExportOptions(inputShapes, passes, external, value);
  }
}
