package dev.tenon.frontend.torchscript;

import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.Promotion;
import dev.tenon.frontend.aten.TorchDict;
import dev.tenon.frontend.aten.TorchList;
import dev.tenon.frontend.aten.TorchNone;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchScalar.Kind;
import dev.tenon.frontend.aten.TorchString;
import dev.tenon.frontend.aten.TorchTensor;
import dev.tenon.frontend.aten.TorchTuple;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * Brings together what the two bodies of an {@code If} leave behind: where both have the same, that; where they have different tensors or
 * numbers, an output of each body. What is merged is known only once the node exists, so that merging gives a plan.
 */
final class Merge {

  /** Makes the merged value from the outputs of the node. */
  interface Plan extends Function<List<Value>, TorchValue> {
  }

  private final Onnx onnx;
  private final Graph then;
  private final Graph otherwise;
  private final List<Value> thenOutputs = new ArrayList<>();
  private final List<Value> otherwiseOutputs = new ArrayList<>();
  private final List<Type> types = new ArrayList<>();
  private boolean ranksDiffer;

  Merge(Onnx onnx, Graph then, Graph otherwise) {
    this.onnx = onnx;
    this.then = then;
    this.otherwise = otherwise;
  }

  List<Value> thenOutputs() {
    return thenOutputs;
  }

  List<Value> otherwiseOutputs() {
    return otherwiseOutputs;
  }

  /** What is known of the types of the outputs. */
  List<Type> types() {
    return types;
  }

  /** True if the bodies leave tensors of different ranks for the same thing, of which little can be made afterwards. */
  boolean ranksDiffer() {
    return ranksDiffer;
  }

  Plan merge(TorchValue a, TorchValue b) {
    if (a == b || equalConstants(a, b)) {
      return outputs -> a;
    }
    if (a instanceof Values.Unknown || b instanceof Values.Unknown) {
      return outputs -> a instanceof Values.Unknown ? a : b;
    }
    if (a instanceof Values.Uninitialized || b instanceof Values.Uninitialized) {
      return a instanceof Values.Uninitialized ? onlyOne(b, false) : onlyOne(a, true);
    }
    if (a instanceof TorchTensor x && b instanceof TorchTensor y) {
      return tensors(x, y);
    } else if (a instanceof TorchScalar x && b instanceof TorchScalar y) {
      return numbers(x, y);
    }
    return structures(a, b);
  }

  private static boolean equalConstants(TorchValue a, TorchValue b) {
    boolean plain = a instanceof TorchScalar || a instanceof TorchString || a instanceof TorchNone || a instanceof Values.EnumMember;
    return plain && a.equals(b);
  }

  private Plan structures(TorchValue a, TorchValue b) {
    List<TorchValue> x = Values.elements(a);
    List<TorchValue> y = Values.elements(b);
    if (x != null && y != null && x.size() == y.size() && a.getClass() == b.getClass()) {
      List<Plan> plans = new ArrayList<>();
      for (int i = 0; i < x.size(); i++) {
        plans.add(merge(x.get(i), y.get(i)));
      }
      return outputs -> like(a, plans.stream().map(p -> p.apply(outputs)).toList());
    }
    if (a instanceof TorchDict d && b instanceof TorchDict e && d.entries().keySet().equals(e.entries().keySet())) {
      List<TorchValue> keys = List.copyOf(d.entries().keySet());
      List<Plan> plans = keys.stream().map(k -> merge(d.entries().get(k), e.entries().get(k))).toList();
      return outputs -> {
        TorchDict merged = new TorchDict();
        for (int i = 0; i < keys.size(); i++) {
          merged.entries().put(keys.get(i), plans.get(i).apply(outputs));
        }
        return merged;
      };
    }
    String why = "a value that is " + Values.describe(a) + " or " + Values.describe(b) + ", as a decision at run time has it";
    return outputs -> new Values.Unknown(why, false);
  }

  private static TorchValue like(TorchValue model, List<TorchValue> elements) {
    return model instanceof TorchList ? new TorchList(elements)
        : model instanceof Values.NamedTuple t ? new Values.NamedTuple(t.type(), elements) : new TorchTuple(elements);
  }

  // ---- tensors and numbers ----

  private Plan tensors(TorchTensor a, TorchTensor b) {
    if (a.value() == b.value()) {
      return outputs -> a;
    }
    ranksDiffer |= a.rank() != b.rank();
    DataType dtype = a.dtype() == b.dtype() ? a.dtype() : Promotion.join(a.dtype(), b.dtype());
    onnx.resume(then);
    Value x = onnx.cast(a.value(), dtype);
    onnx.resume(otherwise);
    Value y = onnx.cast(b.value(), dtype);
    int i = output(x, y, Type.tensor(dtype, common(a.shape(), b.shape())));
    return outputs -> TorchTensor.of(outputs.get(i));
  }

  private Plan numbers(TorchScalar a, TorchScalar b) {
    Kind kind = a.kind().compareTo(b.kind()) >= 0 ? a.kind() : b.kind();
    DataType dtype = kind == Kind.BOOL ? DataType.BOOL : kind == Kind.INT ? DataType.INT64 : DataType.DOUBLE;
    onnx.resume(then);
    Value x = a.scalar(onnx, dtype);
    onnx.resume(otherwise);
    int i = output(x, b.scalar(onnx, dtype), Type.tensor(dtype, Shape.SCALAR));
    return outputs -> onnx.number(kind, outputs.get(i));
  }

  /** A value that one body leaves and the other does not, because there it is never used. */
  private Plan onlyOne(TorchValue v, boolean fromThen) {
    List<TorchValue> leaves = Leaves.of(v);
    List<Plan> plans = new ArrayList<>();
    for (TorchValue leaf : leaves) {
      if (leaf instanceof TorchScalar s && s.isConstant()) {
        plans.add(outputs -> leaf);
        continue;
      }
      TorchValue filler = filler(leaf);
      plans.add(fromThen ? merge(leaf, filler) : merge(filler, leaf));
    }
    return outputs -> Leaves.rebuild(v, plans.stream().map(p -> p.apply(outputs)).iterator());
  }

  /** Zeros of the type and rank of a tensor or number. */
  TorchValue filler(TorchValue leaf) {
    return filler(onnx, leaf);
  }

  static TorchValue filler(Onnx onnx, TorchValue leaf) {
    if (leaf instanceof TorchScalar s) {
      return s.kind() == Kind.BOOL ? TorchScalar.of(false) : s.kind() == Kind.INT ? TorchScalar.of(0) : TorchScalar.of(0.0);
    }
    TorchTensor t = (TorchTensor) leaf;
    long[] dims = new long[Math.max(0, t.rank())];
    for (int i = 0; i < dims.length; i++) {
      dims[i] = 1;
    }
    DataType dtype = t.dtype() == DataType.UNDEFINED ? DataType.FLOAT : t.dtype();
    return TorchTensor.of(onnx.constant(Tensor.of(new long[] {0}, 1).reshape(dims).cast(dtype).evaluated()));
  }

  private int output(Value x, Value y, Type type) {
    thenOutputs.add(exported(onnx, then, thenOutputs, x));
    otherwiseOutputs.add(exported(onnx, otherwise, otherwiseOutputs, y));
    types.add(type);
    return types.size() - 1;
  }

  /** The value as one that a body may have for an output: made by a node of its own, and no output already. */
  static Value exported(Onnx onnx, Graph body, List<Value> already, Value v) {
    if (v.graph() == body && v.producer() != null && !already.contains(v)) {
      return v;
    }
    onnx.resume(body);
    return onnx.op("Identity", v);
  }

  /** What is known of a shape that is one or the other. */
  static Shape common(Shape a, Shape b) {
    if (!a.hasRank() || !b.hasRank() || a.rank() != b.rank()) {
      return Shape.unknown();
    }
    List<Dim> dims = new ArrayList<>();
    for (int i = 0; i < a.rank(); i++) {
      dims.add(a.dim(i).equals(b.dim(i)) ? a.dim(i) : Dim.unknown());
    }
    return Shape.of(dims);
  }
}
