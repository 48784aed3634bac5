package dev.tenon.frontend.exported;

import dev.tenon.frontend.ModelSource;
import dev.tenon.frontend.archive.StoredTensor;
import dev.tenon.frontend.archive.TorchArchive;
import dev.tenon.frontend.pickle.PickleTuple;
import dev.tenon.frontend.pickle.TorchPickle;
import dev.tenon.ir.Model;
import dev.tenon.ir.Storage;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.BadInputException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The inputs that a model was exported with, which {@code torch.export.save} keeps beside it. */
public final class SampleInputs {
  private static final List<String> ENTRIES = List.of("data/sample_inputs/model.pt", "serialized_example_inputs.pt");
  private static final int MAX_DEPTH = 50;

  private SampleInputs() {}

  /**
   * Reads them. They are an extra: where they are missing, cannot be read, or do not fit the inputs of the model, there are none.
   *
   * @param model the source as it was read
   * @return by the model's names; empty if there are none
   */
  public static Map<String, Tensor> of(ModelSource source, Model model) {
    List<Tensor> flat = new ArrayList<>();
    try (TorchArchive archive = TorchArchive.open(source.file())) {
      for (String entry : ENTRIES) {
        if (archive.has(entry)) {
          try (TorchArchive nested = archive.nested(entry)) {
            flatten(TorchPickle.read(nested, "data.pkl", "data", TorchPickle.Kind.CHECKPOINT), flat, 0);
          }
          return named(flat, model);
        }
      }
    } catch (BadInputException e) {
      return Map.of();
    }
    return Map.of();
  }

  /** Tensors in the order of Python's containers; their elements are copied, as the archive is closed afterwards. */
  private static void flatten(Object value, List<Tensor> flat, int depth) {
    if (depth > MAX_DEPTH) {
      return;
    }
    if (value instanceof StoredTensor t) {
      ByteBuffer elements = t.toConstant("sample").bytes();
      ByteBuffer copy = ByteBuffer.allocate(elements.remaining()).order(ByteOrder.LITTLE_ENDIAN).put(elements).flip();
      flat.add(Tensor.constant("sample", t.dtype(), t.dims(), Storage.of(copy)));
    } else if (value instanceof PickleTuple t) {
      t.items().forEach(i -> flatten(i, flat, depth + 1));
    } else if (value instanceof List<?> l) {
      l.forEach(i -> flatten(i, flat, depth + 1));
    } else if (value instanceof Map<?, ?> m) {
      m.values().forEach(i -> flatten(i, flat, depth + 1));
    }
  }

  /** Zeros or ones, as people export with: normalized, they are nothing but rounding, in which any two runtimes differ. */
  private static boolean isFlat(Tensor t) {
    if (!t.dtype().isFloat() || t.numel() < 2) {
      return false;
    }
    double[] elements = t.toDoubles();
    for (double e : elements) {
      if (e != elements[0]) {
        return false;
      }
    }
    return true;
  }

  private static Map<String, Tensor> named(List<Tensor> flat, Model model) {
    List<Value> inputs = model.graph().inputs().stream().filter(v -> !v.isInitializer()).toList();
    if (inputs.size() != flat.size()) {
      return Map.of();
    }
    Map<String, Tensor> named = new LinkedHashMap<>();
    for (int i = 0; i < inputs.size(); i++) {
      Value v = inputs.get(i);
      Tensor t = flat.get(i);
      boolean fits = v.dtype() == t.dtype() && v.rank() == t.rank() && !isFlat(t);
      for (int axis = 0; fits && axis < t.rank(); axis++) {
        fits = !v.shape().dim(axis).isConstant() || v.shape().dim(axis).is(t.dim(axis));
      }
      if (!fits) {
        return Map.of();
      }
      named.put(v.name(), t);
    }
    return named;
  }
}
