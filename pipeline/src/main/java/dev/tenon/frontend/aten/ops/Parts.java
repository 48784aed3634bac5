package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Tensors taken apart along an axis. How many parts there are must be known: by the size of the axis, or because the program says how
 * many results it has.
 */
public final class Parts {
  private static final TorchScalar ZERO = TorchScalar.of(0L);
  private static final TorchScalar ONE = TorchScalar.of(1L);

  private Parts() {}

  public static void register(AtenOps ops) {
    ops.op("split split_with_sizes unsafe_split unsafe_split_with_sizes split_copy split_with_sizes_copy", c -> list(c, split(c)));
    ops.op("chunk unsafe_chunk", c -> list(c, chunk(c))).op("tensor_split", c -> list(c, tensorSplit(c)));
    ops.op("hsplit vsplit dsplit", c -> list(c, tensorSplit(c)));
    ops.op("unbind unbind_copy", Parts::unbind);
    ops.view("split split_with_sizes chunk tensor_split hsplit vsplit dsplit unbind", Parts::scatter);
  }

  private static TorchValue list(AtenCall c, List<TorchScalar> sizes) {
    return c.resultList(parts(c, sizes));
  }

  /** The axis that is taken apart. */
  private static int axis(AtenCall c) {
    int rank = c.rank("self");
    return switch (c.schema().baseName()) {
      case "hsplit" -> rank == 1 ? 0 : 1;
      case "vsplit" -> 0;
      case "dsplit" -> 2;
      default -> c.axis("dim", rank);
    };
  }

  private static List<Value> parts(AtenCall c, List<TorchScalar> sizes) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    if (sizes.size() == 1) {
      return List.of(x);
    }
    return o.node("Split").in(x, o.vector(sizes)).attr("axis", axis(c)).outs(sizes.size());
  }

  // ---- sizes of the parts ----

  private static List<TorchScalar> split(AtenCall c) {
    String parameter = c.has("split_sizes") ? "split_sizes" : "split_size";
    if (!(c.get(parameter) instanceof TorchScalar each)) {
      return c.numbers(parameter);
    }
    return equal(c, each, 0);
  }

  private static List<TorchScalar> chunk(AtenCall c) {
    Onnx o = c.onnx();
    long chunks = c.integer("chunks");
    TorchScalar size = o.size(c.tensor("self"), axis(c));
    if (size.isConstant()) {
      return equal(c, TorchScalar.of(Math.max(1, (size.toLong() + chunks - 1) / chunks)), 0);
    }
    // Fewer than asked for only where there is little to divide.
    TorchScalar each = o.floorDiv(o.plus(size, TorchScalar.of(chunks - 1)), TorchScalar.of(chunks));
    return equal(c, each, (int) Math.min(chunks, 1 << 16));
  }

  /** Parts of one size but for the last. */
  private static List<TorchScalar> equal(AtenCall c, TorchScalar each, int expected) {
    Onnx o = c.onnx();
    TorchScalar size = o.size(c.tensor("self"), axis(c));
    int count = c.resultCount() > 0 ? c.resultCount() : expected;
    if (size.isConstant() && each.isConstant()) {
      long step = Math.max(each.toLong(), 1);
      count = Math.toIntExact(Math.max(1, (size.toLong() + step - 1) / step));
    } else if (count == 0) {
      throw unknownCount(c, axis(c));
    }
    List<TorchScalar> sizes = new ArrayList<>(Collections.nCopies(count - 1, each));
    sizes.add(count == 1 ? size : o.minus(size, o.times(each, TorchScalar.of(count - 1L))));
    return sizes;
  }

  private static RuntimeException unknownCount(AtenCall c, int axis) {
    return c.unsupported("the number of parts depends on the size of dimension " + axis + ", which is not known at conversion time");
  }

  private static List<TorchScalar> tensorSplit(AtenCall c) {
    Onnx o = c.onnx();
    TorchScalar size = o.size(c.tensor("self"), axis(c));
    if (c.has("sections")) {
      return sections(c, size, c.integer("sections"));
    }
    if (c.has("tensor_indices_or_sections")) {
      throw c.unsupported("sections given by a tensor");
    }
    List<TorchScalar> sizes = new ArrayList<>();
    TorchScalar from = ZERO;
    for (TorchScalar at : c.numbers("indices")) {
      TorchScalar end = at.isConstant() && at.toLong() < 0 ? o.plus(size, at) : at;
      if (size.isConstant() && end.isConstant() && from.isConstant()) {
        end = TorchScalar.of(Math.max(from.toLong(), Math.min(size.toLong(), end.toLong())));
      }
      sizes.add(o.minus(end, from));
      from = end;
    }
    sizes.add(o.minus(size, from));
    return sizes;
  }

  /** So many parts, the first ones longer by one where it does not come out even. */
  private static List<TorchScalar> sections(AtenCall c, TorchScalar size, long n) {
    Onnx o = c.onnx();
    List<TorchScalar> sizes = new ArrayList<>();
    for (long i = 0; i < n; i++) {
      // floor((size + n - 1 - i) / n)
      sizes.add(o.floorDiv(o.plus(size, TorchScalar.of(n - 1 - i)), TorchScalar.of(n)));
    }
    return sizes;
  }

  // ---- single slices ----

  private static TorchValue unbind(AtenCall c) {
    Onnx o = c.onnx();
    int axis = axis(c);
    Dim size = c.shape("self").dim(axis);
    int count = size.isConstant() ? Math.toIntExact(size.constant()) : c.resultCount();
    if (count == 0 && !size.isConstant()) {
      throw unknownCount(c, axis);
    }
    List<Value> all = new ArrayList<>();
    if (count > 0) {
      parts(c, Collections.nCopies(count, ONE)).forEach(part -> all.add(o.squeeze(part, axis)));
    }
    return c.resultList(all);
  }

  /** The base with one of its parts replaced. */
  private static Value scatter(AtenCall c, Value base, Value written, int index) {
    Onnx o = c.onnx();
    int axis = axis(c);
    String name = c.schema().baseName();
    if (name.equals("unbind")) {
      return Views.replace(o, base, axis, TorchScalar.of((long) index), TorchScalar.of(index + 1L), o.unsqueeze(written, axis));
    }
    List<TorchScalar> sizes = name.equals("chunk") ? chunk(c) : name.startsWith("split") ? split(c) : tensorSplit(c);
    TorchScalar start = sizes.subList(0, index).stream().reduce(ZERO, o::plus);
    return Views.replace(o, base, axis, start, o.plus(start, sizes.get(index)), written);
  }
}
