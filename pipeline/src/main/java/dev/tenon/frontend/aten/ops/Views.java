package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchNone;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchTensor;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Operators whose results may share memory with their argument, and how what is written to such a result comes back: other shapes,
 * transposes, slices, parts, conversions.
 */
public final class Views {
  private static final TorchScalar TO_THE_END = TorchScalar.of(Long.MAX_VALUE);

  private Views() {}

  public static void register(AtenOps ops) {
    ops.op("view reshape _unsafe_view view_copy _reshape_copy", Views::reshape).op("view.dtype", Views::reinterpret);
    ops.op("view_as reshape_as", Views::reshapeAs).op("_reshape_alias", Views::reshape);
    ops.op("flatten", Views::flatten).op("unflatten", Views::unflatten).op("ravel", c -> c.result(c.onnx().reshape(c.tensor("self"), -1)));
    ops.op("unsqueeze unsqueeze_copy", Views::unsqueeze).op("squeeze squeeze_copy", Views::squeeze);
    ops.view("view reshape view_as reshape_as flatten unflatten ravel unsqueeze squeeze _unsafe_view _reshape_alias",
        (c, base, written, i) -> c.onnx().reshape(written, c.onnx().sizes(base)));

    ops.op("permute permute_copy transpose transpose_copy swapaxes swapdims t t_copy numpy_T matrix_H adjoint mT mH movedim moveaxis", Views::permute);
    ops.view("permute transpose swapaxes swapdims t numpy_T adjoint mT mH movedim moveaxis", Views::transposeBack);

    ops.op("slice slice_copy", Views::slice).view("slice", Views::scatterSlice);
    ops.op("narrow narrow_copy", Views::narrow).view("narrow", Views::scatterNarrow);
    ops.op("select select_copy", Views::select).view("select", Views::scatterSelect);
    ops.op("atleast_1d atleast_2d atleast_3d", Views::atLeast);
    ops.op("slice_scatter", c -> c.result(scatterSlice(c, c.tensor("self"), c.tensor("src"), 0)));
    ops.op("select_scatter", c -> c.result(scatterSelect(c, c.tensor("self"), c.tensor("src"), 0)));

    ops.op("expand expand_copy", Views::expand).op("expand_as", c -> c.result(c.onnx().expand(c.tensor("self"), c.onnx().sizes(c.tensor("other")))));
    ops.view("expand expand_as broadcast_to", Views::unexpanded);
    ops.op("broadcast_to", c -> c.result(c.onnx().expand(c.tensor("self"), c.numbers("size"))));

    ops.op("detach alias contiguous positive lift_fresh", c -> c.result(c.tensor("self")));
    ops.op("clone _to_copy lift_fresh_copy detach_copy alias_copy", Views::copy);
    ops.op("to type_as", Views::to).op("_cast_Float", c -> cast(c, DataType.FLOAT)).op("_cast_Double", c -> cast(c, DataType.DOUBLE));
    ops.op("_cast_Half", c -> cast(c, DataType.FLOAT16)).op("_cast_Long", c -> cast(c, DataType.INT64)).op("_cast_Int", c -> cast(c, DataType.INT32));
    ops.op("_cast_Byte", c -> cast(c, DataType.UINT8)).op("_cast_Char", c -> cast(c, DataType.INT8)).op("_cast_Short", c -> cast(c, DataType.INT16));
    ops.op("copy", Views::copyInto);
    ops.op("cpu cuda lift _conj conj conj_physical _conj_physical resolve_conj resolve_neg real pin_memory to_dense", c -> c.result(c.tensor("self")));
    ops.view("detach alias contiguous to lift_fresh cpu _conj conj resolve_conj resolve_neg real", (c, base, written, i) -> c.onnx().cast(written, base.dtype()));
  }

  // ---- shapes ----

  private static TorchValue reshape(AtenCall c) {
    return c.result(c.onnx().reshape(c.tensor("self"), c.numbers(c.has("shape") ? "shape" : "size")));
  }

  private static TorchValue reshapeAs(AtenCall c) {
    return c.result(c.onnx().reshape(c.tensor("self"), c.onnx().sizes(c.tensor("other"))));
  }

  private static TorchValue reinterpret(AtenCall c) {
    DataType to = c.dtype("dtype", DataType.UNDEFINED);
    if (to == c.dtypeOf("self")) {
      return c.result(c.tensor("self"));
    }
    throw c.unsupported("elements reinterpreted as " + to);
  }

  private static TorchValue flatten(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    int rank = c.rank("self");
    if (rank == 0) {
      return c.result(o.reshape(x, 1));
    }
    int start = c.axis("start_dim", rank);
    int end = c.axis("end_dim", rank);
    if (start == end) {
      return c.result(x);
    }
    List<TorchScalar> sizes = o.sizes(x);
    List<TorchScalar> target = new ArrayList<>(sizes.subList(0, start));
    Dim merged = Dim.ONE;
    for (int i = start; i <= end; i++) {
      merged = merged.times(x.shape().dim(i));
    }
    target.add(TorchScalar.of(merged.isConstant() ? merged.constant() : -1));
    target.addAll(sizes.subList(end + 1, rank));
    return c.result(o.reshape(x, target));
  }

  private static TorchValue unflatten(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    int axis = c.axis("dim", c.rank("self"));
    List<TorchScalar> sizes = o.sizes(x);
    List<TorchScalar> target = new ArrayList<>(sizes.subList(0, axis));
    target.addAll(c.numbers("sizes"));
    target.addAll(sizes.subList(axis + 1, sizes.size()));
    return c.result(o.reshape(x, target));
  }

  private static TorchValue unsqueeze(AtenCall c) {
    int rank = c.rank("self");
    return c.result(c.onnx().unsqueeze(c.tensor("self"), c.axis(c.integer("dim"), rank + 1)));
  }

  /** Only axes of size one go; of those that are not known to be one, PyTorch would decide when it runs. */
  private static TorchValue squeeze(AtenCall c) {
    Value x = c.tensor("self");
    int rank = c.rank("self");
    int[] asked = c.has("dim") ? c.axes("dim", rank) : allAxes(rank);
    List<Long> axes = new ArrayList<>();
    for (int a : asked) {
      if (a < rank && x.shape().dim(a).is(1)) {
        axes.add((long) a);
      }
    }
    return c.result(c.onnx().squeeze(x, axes.stream().mapToLong(Long::longValue).toArray()));
  }

  private static int[] allAxes(int rank) {
    int[] all = new int[rank];
    for (int i = 0; i < rank; i++) {
      all[i] = i;
    }
    return all;
  }

  private static TorchValue atLeast(AtenCall c) {
    int rank = c.schema().baseName().charAt("atleast_".length()) - '0';
    if (!c.has("self")) {
      return c.resultList(c.tensors("tensors").stream().map(v -> atLeast(c.onnx(), v, rank)).toList());
    }
    return c.result(atLeast(c.onnx(), c.tensor("self"), rank));
  }

  /** With axes of size one added: in front, but a third one behind. */
  static Value atLeast(Onnx o, Value x, int rank) {
    int missing = rank - o.rank(x);
    if (missing <= 0) {
      return x;
    } else if (rank < 3) {
      return missing == 2 ? o.unsqueeze(x, 0, 1) : o.unsqueeze(x, 0);
    }
    return switch (missing) {
      case 3 -> o.unsqueeze(x, 0, 1, 2);
      case 2 -> o.unsqueeze(x, 0, 2);
      default -> o.unsqueeze(x, 2);
    };
  }

  // ---- order of axes ----

  private static TorchValue permute(AtenCall c) {
    return c.result(c.onnx().transpose(c.tensor("self"), perm(c)));
  }

  /** The permutation of an operator that reorders axes. */
  private static int[] perm(AtenCall c) {
    int rank = c.rank("self");
    int[] perm = allAxes(rank);
    switch (c.schema().baseName().replace("_copy", "")) {
      case "permute" -> {
        return c.axes("dims", rank);
      }
      case "transpose", "swapaxes", "swapdims" -> {
        if (rank > 0) {
          int a = c.axis(c.has("dim0") ? "dim0" : "axis0", rank);
          int b = c.axis(c.has("dim1") ? "dim1" : "axis1", rank);
          perm[a] = b;
          perm[b] = a;
        }
      }
      case "movedim", "moveaxis" -> {
        int[] from = c.axes("source", rank);
        int[] to = c.axes("destination", rank);
        Arrays.fill(perm, -1);
        List<Integer> rest = new ArrayList<>();
        for (int a = 0; a < rank; a++) {
          rest.add(a);
        }
        for (int i = 0; i < from.length; i++) {
          perm[to[i]] = from[i];
          rest.remove((Integer) from[i]);
        }
        for (int i = 0, next = 0; i < rank; i++) {
          perm[i] = perm[i] < 0 ? rest.get(next++) : perm[i];
        }
      }
      case "t", "numpy_T" -> {
        for (int i = 0; i < rank; i++) {
          perm[i] = rank - 1 - i;
        }
      }
      default -> {
        perm[rank - 1] = rank - 2;
        perm[rank - 2] = rank - 1;
      }
    }
    return perm;
  }

  private static Value transposeBack(AtenCall c, Value base, Value written, int index) {
    int[] perm = perm(c);
    int[] inverse = new int[perm.length];
    for (int i = 0; i < perm.length; i++) {
      inverse[perm[i]] = i;
    }
    return c.onnx().transpose(written, inverse);
  }

  // ---- slices ----

  private static TorchScalar bound(AtenCall c, String parameter, TorchScalar ifNone) {
    return c.isNone(parameter) ? ifNone : c.scalar(parameter);
  }

  private static TorchValue slice(AtenCall c) {
    int axis = c.axis("dim", c.rank("self"));
    TorchScalar start = bound(c, "start", TorchScalar.of(0));
    TorchScalar end = bound(c, "end", TO_THE_END);
    Value x = c.tensor("self");
    boolean whole = start.is(0) && c.integer("step") == 1
        && (end.isConstant() && end.toLong() == Long.MAX_VALUE || end.dim() != null && end.dim().equals(x.shape().dim(axis)));
    return c.result(whole ? x : c.onnx().slice(x, axis, start, end, c.integer("step")));
  }

  private static Value scatterSlice(AtenCall c, Value base, Value written, int index) {
    Onnx o = c.onnx();
    int axis = c.axis("dim", base.rank());
    long step = c.integer("step");
    TorchScalar start = bound(c, "start", TorchScalar.of(0));
    TorchScalar end = bound(c, "end", TO_THE_END);
    if (step != 1) {
      return replaceEvery(o, base, axis, start, end, step, written);
    }
    Dim size = base.shape().dim(axis);
    if (size.isConstant() && start.isConstant() && end.isConstant()) {
      start = TorchScalar.of(within(start.toLong(), size.constant()));
      end = TorchScalar.of(Math.max(start.toLong(), within(end.toLong(), size.constant())));
    } else if (start.isConstant() && end.isConstant() && isBelowZero(start) == isBelowZero(end)) {
      end = TorchScalar.of(Math.max(start.toLong(), end.toLong()));
    } else if (isBelowZero(start) && end.isConstant() && end.toLong() > 0 && end.toLong() != Long.MAX_VALUE) {
      throw c.unsupported("a slice from " + start + " to " + end + " of a dimension whose size is not known at conversion time");
    }
    return replace(o, base, axis, start, end, written);
  }

  private static boolean isBelowZero(TorchScalar s) {
    return s.isConstant() && s.toLong() < 0;
  }

  private static long within(long bound, long size) {
    return Math.max(0, Math.min(size, bound < 0 ? bound + size : bound));
  }

  /** The base with what lies between start and end replaced; the end is not before the start. */
  static Value replace(Onnx o, Value base, int axis, TorchScalar start, TorchScalar end, Value written) {
    if (start.isConstant() && start.equals(end)) {
      return base;
    }
    List<Value> parts = new ArrayList<>();
    Dim size = base.shape().dim(axis);
    if (!start.is(0)) {
      parts.add(o.slice(base, axis, TorchScalar.of(0), start, 1));
    }
    parts.add(written);
    boolean toTheEnd = end.isConstant() && (end.toLong() == Long.MAX_VALUE || size.isConstant() && end.toLong() >= size.constant())
        || end.dim() != null && end.dim().equals(size);
    if (!toTheEnd) {
      parts.add(o.slice(base, axis, end, TO_THE_END, 1));
    }
    return parts.size() == 1 ? written : o.node("Concat").in(parts).attr("axis", axis).hint(base.type()).out();
  }

  private static Value replaceEvery(Onnx o, Value base, int axis, TorchScalar start, TorchScalar end, long step, Value written) {
    Value all = o.op("Range", o.scalar(DataType.INT64, 0), o.size(base, axis).scalar(o), o.scalar(DataType.INT64, 1));
    Value positions = o.unsqueeze(o.slice(all, 0, start, end, step), 1);
    int[] perm = allAxes(base.rank());
    perm[0] = axis;
    perm[axis] = 0;
    Value scattered = o.op("ScatterND", o.transpose(base, perm), positions, o.transpose(written, perm));
    return o.transpose(scattered, perm);
  }

  private static TorchValue narrow(AtenCall c) {
    TorchScalar start = c.scalar("start");
    return c.result(c.onnx().slice(c.tensor("self"), c.axis("dim", c.rank("self")), start, narrowEnd(c, start), 1));
  }

  private static TorchScalar narrowEnd(AtenCall c, TorchScalar start) {
    // A start that counts from the end may reach it, and zero would be the beginning again.
    TorchScalar end = c.onnx().plus(start, c.scalar("length"));
    return start.isConstant() && start.toLong() < 0 && end.is(0) ? TO_THE_END : end;
  }

  private static Value scatterNarrow(AtenCall c, Value base, Value written, int index) {
    TorchScalar start = c.scalar("start");
    return replace(c.onnx(), base, c.axis("dim", base.rank()), start, narrowEnd(c, start), written);
  }

  private static TorchValue select(AtenCall c) {
    return c.result(c.onnx().gather(c.tensor("self"), c.scalar("index").scalar(c.onnx()), c.axis("dim", c.rank("self"))));
  }

  private static Value scatterSelect(AtenCall c, Value base, Value written, int index) {
    Onnx o = c.onnx();
    int axis = c.axis("dim", base.rank());
    TorchScalar at = c.scalar("index");
    if (at.isConstant() && at.toLong() < 0) {
      at = o.plus(at, o.size(base, axis));
    }
    return replace(o, base, axis, at, o.plus(at, TorchScalar.of(1)), o.unsqueeze(written, axis));
  }

  // ---- expansion, copies, conversions ----

  private static TorchValue expand(AtenCall c) {
    return c.result(c.onnx().expand(c.tensor("self"), c.numbers("size")));
  }

  /** PyTorch refuses to write where several elements are one in memory. */
  private static Value unexpanded(AtenCall c, Value base, Value written, int index) {
    if (!base.shape().equals(written.shape())) {
      throw c.unsupported("writing to expanded dimensions");
    }
    return written;
  }

  private static TorchValue copy(AtenCall c) {
    return c.result(c.has("dtype") ? c.onnx().cast(c.tensor("self"), c.dtype("dtype", c.dtypeOf("self"))) : c.tensor("self"));
  }

  private static TorchValue cast(AtenCall c, DataType to) {
    return c.result(c.onnx().cast(c.tensor("self"), to));
  }

  private static TorchValue copyInto(AtenCall c) {
    Onnx o = c.onnx();
    Value self = c.tensor("self");
    return c.result(o.expand(o.cast(c.tensor("src"), self.dtype()), o.sizes(self)));
  }

  private static TorchValue to(AtenCall c) {
    DataType from = c.dtypeOf("self");
    DataType to = from;
    if (c.has("dtype")) {
      to = c.get("dtype") == TorchNone.NONE ? from : c.dtype("dtype", from);
    } else if (c.has("other") && c.get("other") instanceof TorchTensor) {
      to = c.dtypeOf("other");
    }
    return c.result(c.onnx().cast(c.tensor("self"), to));
  }
}
