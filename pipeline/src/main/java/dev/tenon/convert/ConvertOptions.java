package dev.tenon.convert;

import dev.tenon.custom.CustomOptions;
import dev.tenon.ir.Shape;
import dev.tenon.ir.layout.LayoutOptions;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * How to convert.
 *
 * @param inputShapes input name to the shape it is fixed to; symbols are allowed as dimensions
 * @param sourceNames variables keep the names that the source has, instead of TensorFlow's words for them
 * @param freeze weights become constants of the graph instead of variables
 * @param passes which passes run, in the syntax of {@link dev.tenon.ir.pass.PassSelection}
 * @param dumpPasses a folder that gets the model after each pass; null for none
 * @param force an existing SavedModel in the target's place is replaced
 * @param layout how inputs and outputs are stored
 * @param custom what the user gives for custom operators
 */
public record ConvertOptions(Map<String, Shape> inputShapes, boolean sourceNames, boolean freeze, String passes, Path dumpPasses,
    boolean force, LayoutOptions layout, CustomOptions custom) {

  public ConvertOptions {
    inputShapes = new LinkedHashMap<>(inputShapes);
  }

  public static ConvertOptions defaults() {
    return new ConvertOptions(Map.of(), false, false, "default", null, false, LayoutOptions.defaults(), CustomOptions.NONE);
  }

  public ConvertOptions withInputShapes(Map<String, Shape> value) {
    return new ConvertOptions(value, sourceNames, freeze, passes, dumpPasses, force, layout, custom);
  }

  public ConvertOptions withSourceNames(boolean value) {
    return new ConvertOptions(inputShapes, value, freeze, passes, dumpPasses, force, layout, custom);
  }

  public ConvertOptions withFreeze(boolean value) {
    return new ConvertOptions(inputShapes, sourceNames, value, passes, dumpPasses, force, layout, custom);
  }

  public ConvertOptions withPasses(String value) {
    return new ConvertOptions(inputShapes, sourceNames, freeze, value, dumpPasses, force, layout, custom);
  }

  public ConvertOptions withDumpPasses(Path value) {
    return new ConvertOptions(inputShapes, sourceNames, freeze, passes, value, force, layout, custom);
  }

  public ConvertOptions withForce(boolean value) {
    return new ConvertOptions(inputShapes, sourceNames, freeze, passes, dumpPasses, value, layout, custom);
  }

  public ConvertOptions withLayout(LayoutOptions value) {
    return new ConvertOptions(inputShapes, sourceNames, freeze, passes, dumpPasses, force, value, custom);
  }

  public ConvertOptions withCustom(CustomOptions value) {
    return new ConvertOptions(inputShapes, sourceNames, freeze, passes, dumpPasses, force, layout, value);
  }
}
