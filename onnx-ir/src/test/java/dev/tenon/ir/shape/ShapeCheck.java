package dev.tenon.ir.shape;

import dev.tenon.ir.Dim;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.ort.OrtModel;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/**
 * Compares what was inferred for a model with what ONNX Runtime computes: every value of the main graph is made an output, and each
 * inferred dimension is evaluated with the symbols bound by the inputs.
 *
 * @param exact dimensions that were inferred and are right
 * @param open dimensions that are anonymous symbols; each must have one value throughout
 * @param unknown values without a type, an element type or a rank
 * @param wrong what is not as inferred, in words
 */
record ShapeCheck(int exact, int open, List<String> unknown, List<String> wrong, List<String> warnings) {

  /**
   * Infers one copy of a model and runs another.
   *
   * @param inferred is changed: its values get types
   * @param run the same model, as it was read
   */
  static ShapeCheck compare(Model inferred, Model run, List<Map<String, Tensor>> feeds) {
    Diagnostics diagnostics = new Diagnostics();
    ShapeInference.Result result = ShapeInference.infer(inferred, diagnostics);
    ShapeCheck check = new ShapeCheck(0, 0, new ArrayList<>(), new ArrayList<>(),
        diagnostics.all().stream().map(Object::toString).toList());
    List<Value> values = new ArrayList<>();
    for (Node n : inferred.graph().nodes()) {
      for (Value v : n.outputs()) {
        if (v == null || v.type() != null && !(v.type() instanceof Type.TensorType)) {
          continue;
        }
        values.add(v);
      }
    }
    int exact = 0;
    int open = 0;
    List<String> names = values.stream().filter(v -> !v.isGraphOutput() && v.type() != null).map(Value::name).toList();
    try (OrtModel ort = OrtModel.open(run, OrtModel.Options.reference().withExtraOutputs(names))) {
      for (Map<String, Tensor> feed : feeds) {
        Map<String, Tensor> actual = ort.run(feed);
        Map<String, Long> sizes = bind(inferred, feed);
        for (Value v : values) {
          int[] counts = check.compare(v, actual.get(v.name()), sizes);
          exact += counts[0];
          open += counts[1];
          check.compareData(result, v, actual.get(v.name()), sizes);
        }
      }
    }
    return new ShapeCheck(exact, open, check.unknown, check.wrong, check.warnings);
  }

  /** The values that the inputs give to the symbols that stand alone in their shapes. */
  private static Map<String, Long> bind(Model model, Map<String, Tensor> feed) {
    Map<String, Long> sizes = new HashMap<>();
    for (Value v : model.graph().inputs()) {
      Tensor t = feed.get(v.name());
      for (int i = 0; t != null && i < v.rank(); i++) {
        if (v.shape().dim(i).isSymbol()) {
          sizes.put(v.shape().dim(i).toString(), t.dim(i));
        }
      }
    }
    return sizes;
  }

  private int[] compare(Value v, Tensor actual, Map<String, Long> sizes) {
    int[] counts = new int[2];
    if (actual == null) {
      return counts;
    }
    String label = v.producer().qualifiedOp() + " " + v + ", actual " + actual;
    if (v.type() == null || !v.shape().hasRank() || v.dtype() == dev.tenon.ir.DataType.UNDEFINED) {
      unknown.add(label);
      return counts;
    }
    if (v.dtype() != actual.dtype() || v.rank() != actual.rank()) {
      wrong.add(label);
      return counts;
    }
    for (int i = 0; i < v.rank(); i++) {
      Dim d = v.shape().dim(i);
      if (d.isSymbol() && !sizes.containsKey(d.toString())) {
        sizes.put(d.toString(), actual.dim(i));
        counts[1]++;
        continue;
      }
      OptionalLong value = d.evaluate(sizes);
      if (value.isEmpty() || value.getAsLong() != actual.dim(i)) {
        wrong.add(label + ": " + d + " is " + value + " for " + sizes);
      } else {
        counts[d.isAnonymous() ? 1 : 0]++;
      }
    }
    return counts;
  }

  private void compareData(ShapeInference.Result result, Value v, Tensor actual, Map<String, Long> sizes) {
    List<Dim> known = result.knownData(v).orElse(null);
    if (known == null || actual == null) {
      return;
    }
    long[] elements = actual.toLongs();
    for (int i = 0; i < known.size(); i++) {
      OptionalLong value = known.get(i).evaluate(sizes);
      if (value.isPresent() && value.getAsLong() != elements[i]) {
        wrong.add(v.producer().qualifiedOp() + " " + v + ": element " + i + " is " + elements[i] + ", inferred " + known.get(i) + " = "
            + value.getAsLong());
      }
    }
  }
}
