package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchList;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchTensor;
import dev.tenon.frontend.aten.TorchTuple;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.List;

/** Elements written by index: {@code x[i] = v}, {@code scatter}, {@code index_add}, {@code masked_scatter}. */
public final class Scattering {
  private Scattering() {}

  public static void register(AtenOps ops) {
    ops.op("index_put index_put_ _unsafe_index_put _index_put_impl_", Scattering::indexPut);
    ops.op("scatter", Scattering::scatter).op("scatter_add", c -> scatter(c, c.tensor("src"), "add"));
    ops.op("scatter_reduce", Scattering::scatterReduce);
    ops.op("index_add", Scattering::indexAdd).op("index_copy", c -> indexWrite(c, c.tensor("source"), "none"));
    ops.op("bincount", Scattering::binCount);
    ops.op("index_reduce", Scattering::indexReduce);
    ops.op("index_fill", Scattering::indexFill).op("masked_scatter", Scattering::maskedScatter).op("put", Scattering::put);
  }

  // ---- kernels ----

  static Value scatterNd(Onnx o, Value x, Value tuples, Value updates, String reduction) {
    DataType wide = reduction.equals("none") ? x.dtype() : Kernels.typeFor("ScatterReduce", x.dtype());
    return o.cast(o.node("ScatterND").in(o.cast(x, wide), tuples, o.cast(updates, wide)).attr("reduction", reduction).out(), x.dtype());
  }

  private static Value scatterElements(Onnx o, Value x, Value index, Value updates, int axis, String reduction) {
    DataType wide = reduction.equals("none") ? x.dtype() : Kernels.typeFor("ScatterReduce", x.dtype());
    return o.cast(o.node("ScatterElements").in(o.cast(x, wide), index, o.cast(updates, wide)).attr("axis", axis)
        .attr("reduction", reduction).out(), x.dtype());
  }

  // ---- x[i] = v ----

  private static TorchValue indexPut(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    Value values = c.tensor("values", x.dtype());
    boolean accumulate = c.bool("accumulate");
    if (!accumulate) {
      Value chosen = byMask(c, x, values);
      if (chosen != null) {
        return c.result(chosen);
      }
    }
    IndexList indices = IndexList.of(c, c.get("indices"), c.rank("self"));
    return c.result(indices.write(o, x, values, accumulate ? "add" : "none"));
  }

  /** Where one mask is all there is and the values are the same at all places where it is true, it is a choice. Null if not. */
  private static Value byMask(AtenCall c, Value x, Value values) {
    Onnx o = c.onnx();
    List<TorchValue> given = c.get("indices") instanceof TorchList l ? l.elements() : ((TorchTuple) c.get("indices")).elements();
    List<TorchTensor> tensors = new ArrayList<>();
    given.forEach(v -> {
      if (v instanceof TorchTensor t) {
        tensors.add(t);
      }
    });
    if (tensors.size() != 1 || tensors.get(0).dtype() != DataType.BOOL && tensors.get(0).dtype() != DataType.UINT8) {
      return null;
    }
    Value mask = o.cast(tensors.get(0).value(), DataType.BOOL);
    int axis = given.indexOf(tensors.get(0));
    int behind = c.rank("self") - axis - o.rank(mask);
    // The selection's shape is that of the axes before, the number of places, and the axes behind.
    int spread = o.rank(values) - behind;
    if (spread > 1 || spread == 1 && !values.shape().dim(0).is(1)) {
      return null;
    }
    long[] axes = new long[behind];
    for (int i = 0; i < behind; i++) {
      axes[i] = mask.rank() + i;
    }
    Value same = spread == 1 ? o.squeeze(values, 0) : values;
    return Kernels.where(o, o.unsqueeze(mask, axes), same, x);
  }

  private static TorchValue put(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    Value places = o.unsqueeze(o.reshape(c.tensor("index"), -1), 1);
    Value values = o.reshape(c.tensor("source", x.dtype()), -1);
    Value written = scatterNd(o, o.reshape(x, -1), places, values, c.bool("accumulate") ? "add" : "none");
    return c.result(o.reshape(written, o.sizes(x)));
  }

  // ---- scatter ----

  private static TorchValue scatter(AtenCall c) {
    Value x = c.tensor("self");
    String reduce = c.has("reduce") ? c.string("reduce") : "none";
    return scatter(c, c.tensor(c.has("src") ? "src" : "value", x.dtype()), switch (reduce) {
      case "none" -> "none";
      case "add" -> "add";
      case "multiply" -> "mul";
      default -> throw c.unsupported("reduce '" + reduce + "'");
    });
  }

  private static TorchValue scatter(AtenCall c, Value src, String reduction) {
    Value x = c.tensor("self");
    return c.result(scatter(c, x, c.tensor("index"), src, reduction));
  }

  private static Value scatter(AtenCall c, Value x, Value index, Value src, String reduction) {
    Onnx o = c.onnx();
    int rank = o.rank(x);
    if (rank == 0) {
      Value whole = scatter(c, o.unsqueeze(x, 0), o.rank(index) == 0 ? o.unsqueeze(index, 0) : index,
          o.rank(src) == 0 ? o.unsqueeze(src, 0) : src, reduction);
      return o.reshape(whole, List.of());
    }
    Value places = o.rank(index) == 0 ? o.unsqueeze(index, 0) : index;
    Value updates = o.rank(src) == 0 ? o.expand(src, o.sizes(places)) : fitting(o, src, places);
    return scatterElements(o, x, places, updates, c.axis("dim", rank), reduction);
  }

  /** As much of the source as there are indices. */
  private static Value fitting(Onnx o, Value src, Value index) {
    Value y = src;
    for (int i = 0; i < o.rank(src); i++) {
      if (!src.shape().dim(i).equals(index.shape().dim(i))) {
        y = o.slice(y, i, TorchScalar.of(0L), o.size(index, i), 1);
      }
    }
    return y;
  }

  private static TorchValue scatterReduce(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    DataType t = x.dtype();
    Value index = c.tensor("index");
    Value src = c.tensor("src");
    String reduce = c.string("reduce");
    if (!c.bool("include_self")) {
      x = scatter(c, x, index, neutral(c, reduce, t), "none");
    }
    return switch (reduce) {
      case "sum" -> c.result(scatter(c, x, index, src, "add"));
      case "prod" -> c.result(scatter(c, x, index, src, "mul"));
      case "amax" -> c.result(scatter(c, x, index, src, "max"));
      case "amin" -> c.result(scatter(c, x, index, src, "min"));
      case "mean" -> mean(c, x, index, src);
      default -> throw c.unsupported("reduce '" + reduce + "'");
    };
  }

  /** What a reduction begins with. */
  private static Value neutral(AtenCall c, String reduce, DataType t) {
    Onnx o = c.onnx();
    return switch (reduce) {
      case "sum", "mean" -> o.scalar(t, 0L);
      case "prod" -> o.scalar(t, 1L);
      case "amax" -> t.isFloat() ? o.scalar(t, Double.NEGATIVE_INFINITY) : o.scalar(t, t.isSigned() ? -1L << t.bits() - 1 : 0);
      case "amin" -> t.isFloat() ? o.scalar(t, Double.POSITIVE_INFINITY) : o.scalar(t, (1L << t.bits() - (t.isSigned() ? 1 : 0)) - 1);
      default -> throw c.unsupported("reduce '" + reduce + "'");
    };
  }

  private static TorchValue mean(AtenCall c, Value x, Value index, Value src) {
    Onnx o = c.onnx();
    DataType t = x.dtype();
    Value sum = scatter(c, x, index, src, "add");
    Value ones = Filling.full(o, o.sizes(x), t, TorchScalar.of(1L));
    Value start = c.bool("include_self") ? ones : scatter(c, ones, index, o.scalar(t, 0L), "none");
    Value count = scatter(c, start, index, o.scalar(t, 1L), "add");
    if (t.isFloat()) {
      return c.result(o.div(sum, count));
    }
    return c.result(o.div(o.sub(sum, o.op("Mod", sum, count)), count));
  }

  // ---- along one axis ----

  private static TorchValue indexAdd(AtenCall c) {
    Onnx o = c.onnx();
    Value source = c.tensor("source");
    TorchScalar alpha = c.scalar("alpha");
    return indexWrite(c, alpha.is(1) ? source : o.mul(source, alpha.scalar(o, source.dtype())), "add");
  }

  private static TorchValue indexFill(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    List<TorchScalar> sizes = o.sizes(x);
    Value index = c.tensor("index");
    if (!sizes.isEmpty()) {
      sizes.set(c.axis("dim", sizes.size()), o.rank(index) == 0 ? TorchScalar.of(1L) : o.size(index, 0));
    }
    return indexWrite(c, o.expand(c.tensor("value", x.dtype()), sizes), "none");
  }

  /** How often each number occurs, or the sum of the weights where it does. */
  private static TorchValue binCount(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self", DataType.INT64);
    // The greatest of nothing, with the -1 that makes it empty.
    Value greatest = o.reduce("ReduceMax", o.concat(0, List.of(x, o.vector(-1))), true);
    Value length = o.op("Max", o.add(greatest, o.vector(1)), c.scalar("minlength").vector(o));
    DataType t = c.isNone("weights") ? DataType.INT64 : c.dtypeOf("weights") == DataType.FLOAT ? DataType.FLOAT : DataType.DOUBLE;
    Value zeros = o.op("Expand", o.scalar(t, 0L), length);
    Value ones = c.isNone("weights") ? o.expand(o.scalar(t, 1L), o.sizes(x)) : c.tensor("weights", t);
    return c.result(scatterElements(o, zeros, x, ones, 0, "add"));
  }

  private static TorchValue indexReduce(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    String reduction = switch (c.string("reduce")) {
      case "prod" -> "mul";
      case "amax" -> "max";
      case "amin" -> "min";
      default -> throw c.unsupported("reduce '" + c.string("reduce") + "'");
    };
    if (!c.bool("include_self")) {
      throw c.unsupported("include_self=False");
    }
    return indexWrite(c, o.cast(c.tensor("source"), x.dtype()), reduction);
  }

  /** Slices written where the index says. */
  private static TorchValue indexWrite(AtenCall c, Value source, String reduction) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    int rank = c.rank("self");
    Value index = c.tensor("index");
    if (rank == 0) {
      Value only = o.rank(source) == 0 ? source : o.reshape(source, List.of());
      return c.result(switch (reduction) {
        case "add" -> o.add(x, only);
        case "none" -> o.cast(only, x.dtype());
        default -> o.op(Character.toUpperCase(reduction.charAt(0)) + reduction.substring(1), x, only);
      });
    }
    int axis = c.axis("dim", rank);
    Value places = o.unsqueeze(o.rank(index) == 0 ? o.unsqueeze(index, 0) : index, 1);
    Value slices = o.rank(source) == rank ? source : o.unsqueeze(source, axis);
    int[] perm = new int[rank];
    for (int i = 0; i < rank; i++) {
      perm[i] = i == 0 ? axis : i <= axis ? i - 1 : i;
    }
    int[] inverse = new int[rank];
    for (int i = 0; i < rank; i++) {
      inverse[perm[i]] = i;
    }
    Value written = scatterNd(o, o.transpose(x, perm), o.cast(places, DataType.INT64), o.transpose(slices, perm), reduction);
    return c.result(o.transpose(written, inverse));
  }

  /** The source's elements, one after the other, where the mask is true. */
  private static TorchValue maskedScatter(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    Value mask = c.tensor("mask", DataType.BOOL);
    if (!mask.shape().equals(x.shape())) {
      mask = o.expand(mask, o.sizes(x));
    }
    Value counts = o.op("CumSum", o.reshape(o.cast(mask, DataType.INT64), -1), o.scalar(DataType.INT64, 0L));
    Value places = o.op("Max", o.sub(counts, o.scalar(DataType.INT64, 1L)), o.scalar(DataType.INT64, 0L));
    Value source = o.reshape(c.tensor("source", x.dtype()), -1);
    // Behind the last true element a place could be outside a source that has just enough.
    Value spread = o.reshape(o.gather(source, places, 0), o.sizes(x));
    return c.result(Kernels.where(o, mask, spread, x));
  }
}
