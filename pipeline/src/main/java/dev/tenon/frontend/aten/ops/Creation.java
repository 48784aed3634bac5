package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.Lowering;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchDtype;
import dev.tenon.frontend.aten.TorchList;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchTensor;
import dev.tenon.frontend.aten.TorchTuple;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.List;

/** Tensors made of numbers, and what Python can ask of a tensor: sizes, rank, type. Devices and memory formats do not matter. */
public final class Creation {
  private static final int MAX_CONSTANT = 4096;

  private Creation() {}

  public static void register(AtenOps ops) {
    ops.op("zeros empty empty_permuted empty_strided", c -> filled(c, "size", DataType.FLOAT, TorchScalar.of(0L)));
    ops.op("ones", c -> filled(c, "size", DataType.FLOAT, TorchScalar.of(1L)));
    ops.op("full", c -> filled(c, "size", c.scalar("fill_value").defaultDtype(), c.scalar("fill_value")));
    ops.op("new_zeros new_empty new_empty_strided", c -> filled(c, "size", c.dtypeOf("self"), TorchScalar.of(0L)));
    ops.op("new_ones", c -> filled(c, "size", c.dtypeOf("self"), TorchScalar.of(1L)));
    ops.op("new_full", c -> filled(c, "size", c.dtypeOf("self"), c.scalar("fill_value")));
    ops.op("zeros_like empty_like", c -> filledLike(c, TorchScalar.of(0L))).op("ones_like", c -> filledLike(c, TorchScalar.of(1L)));
    ops.op("full_like", c -> filledLike(c, c.scalar("fill_value")));
    ops.op("fill", Creation::fill).op("zero", c -> filledLike(c, TorchScalar.of(0L)));

    ops.op("arange", Creation::arange).op("range", Creation::range).op("_dim_arange", Creation::dimArange);
    ops.op("linspace", Creation::linspace).op("logspace", Creation::logspace);
    ops.op("scalar_tensor", c -> c.result(c.scalar("s").scalar(c.onnx(), c.dtype("dtype", DataType.FLOAT))));
    ops.op("tensor", c -> tensor(c, c.has("data") ? "data" : "t")).op("as_tensor", Creation::asTensor);

    ops.op("size sym_size", Creation::size);
    ops.op("numel sym_numel", c -> c.onnx().numel(c.tensor("self"))).op("dim", c -> TorchScalar.of((long) c.rank("self")));
    ops.op("len.Tensor", c -> c.onnx().size(c.tensor("t"), 0));
    ops.op("stride sym_stride", Creation::stride).op("storage_offset sym_storage_offset", c -> TorchScalar.of(0L));
    ops.op("is_floating_point", c -> TorchScalar.of(c.dtypeOf("self").isFloat()));
    ops.op("is_signed", c -> TorchScalar.of(c.dtypeOf("self") != DataType.BOOL && c.dtypeOf("self") != DataType.UINT8));
    ops.op("is_contiguous is_non_overlapping_and_dense is_leaf", c -> TorchScalar.of(true));
    ops.op("is_same_size", c -> TorchScalar.of(Logic.sameShape(c))).op("result_type", Creation::resultType);
    ops.op("element_size", c -> TorchScalar.of(c.dtypeOf("self").bits() / 8L));
    ops.op("is_pinned is_distributed is_complex is_conj is_neg is_inference", c -> TorchScalar.of(false));
    ops.op("_shape_as_tensor", c -> c.result(c.onnx().vector(c.onnx().sizes(c.tensor("self")))));

    Lowering random = c -> {
      throw c.unsupported("random numbers, which differ from run to run");
    };
    ops.op("rand randn randint rand_like randn_like randint_like randperm bernoulli multinomial normal uniform normal_functional", random);
    ops.op("exponential poisson", random);
  }

  // ---- one number ----

  private static TorchValue filled(AtenCall c, String sizes, DataType byDefault, TorchScalar value) {
    DataType t = c.has("dtype") ? c.dtype("dtype", byDefault) : byDefault;
    return c.result(Filling.full(c.onnx(), c.numbers(sizes), t, value));
  }

  private static TorchValue filledLike(AtenCall c, TorchScalar value) {
    DataType t = c.has("dtype") ? c.dtype("dtype", c.dtypeOf("self")) : c.dtypeOf("self");
    return c.result(Filling.full(c.onnx(), c.onnx().sizes(c.tensor("self")), t, value));
  }

  private static TorchValue fill(AtenCall c) {
    Value self = c.tensor("self");
    if (c.get("value") instanceof TorchTensor) {
      return c.result(c.onnx().expand(c.tensor("value", self.dtype()), c.onnx().sizes(self)));
    }
    return filledLike(c, c.scalar("value"));
  }

  // ---- sequences ----

  private static TorchValue arange(AtenCall c) {
    Onnx o = c.onnx();
    TorchScalar start = c.has("start") ? c.scalar("start") : TorchScalar.of(0L);
    TorchScalar end = c.scalar("end");
    TorchScalar step = c.has("step") ? c.scalar("step") : TorchScalar.of(1L);
    boolean ints = List.of(start, end, step).stream().noneMatch(s -> s.kind() == TorchScalar.Kind.FLOAT);
    DataType t = c.dtype("dtype", ints ? DataType.INT64 : DataType.FLOAT);
    if (start.isConstant() && end.isConstant() && step.isConstant()) {
      Value constant = constant(c, t, start, end, step);
      if (constant != null) {
        return c.result(constant);
      }
    }
    if (ints && start.is(0) && step.is(1)) {
      return c.result(o.cast(Filling.range(o, end), t));
    }
    DataType of = ints ? DataType.INT64 : DataType.DOUBLE;
    return c.result(o.cast(o.op("Range", start.scalar(o, of), end.scalar(o, of), step.scalar(o, of)), t));
  }

  /** The sequence of old, which has the end among its elements. */
  private static TorchValue range(AtenCall c) {
    double start = c.number("start");
    double step = c.has("step") ? c.number("step") : 1;
    double n = Math.floor((c.number("end") - start) / step) + 1;
    if (!(n >= 0 && n <= 1 << 24)) {
      throw c.unsupported("a sequence of " + n + " elements");
    }
    double[] all = new double[(int) n];
    for (int i = 0; i < all.length; i++) {
      all[i] = start + i * step;
    }
    return c.result(constant(c, Tensor.of(all, all.length), c.dtype("dtype", DataType.FLOAT)));
  }

  private static TorchValue dimArange(AtenCall c) {
    Value x = c.tensor("like");
    return c.result(Filling.range(c.onnx(), c.onnx().size(x, c.axis("dim", x.rank()))));
  }

  private static TorchValue resultType(AtenCall c) {
    List<String> names = c.schema().parameters().stream().map(p -> p.name()).toList();
    return new TorchDtype(c.promoted(names.toArray(String[]::new)));
  }

  /** The sequence as a constant; null if it is long. */
  private static Value constant(AtenCall c, DataType t, TorchScalar start, TorchScalar end, TorchScalar step) {
    if (step.is(0)) {
      throw c.unsupported("a step of zero");
    }
    // PyTorch converts the bounds of integer sequences first.
    boolean ints = !t.isFloat();
    double from = ints ? start.toLong() : start.toDouble();
    double by = ints ? step.toLong() : step.toDouble();
    double n = Math.max(0, Math.ceil((end.toDouble() - start.toDouble()) / step.toDouble()));
    if (n > MAX_CONSTANT) {
      return null;
    }
    double[] all = new double[(int) n];
    for (int i = 0; i < all.length; i++) {
      all[i] = from + i * by;
    }
    if (ints) {
      long[] whole = new long[all.length];
      for (int i = 0; i < whole.length; i++) {
        whole[i] = start.toLong() + i * step.toLong();
      }
      return constant(c, Tensor.vector(whole), t);
    }
    return constant(c, Tensor.of(all, all.length), t);
  }

  private static Value constant(AtenCall c, Tensor elements, DataType t) {
    return c.onnx().constant(elements.dtype() == t ? elements : elements.cast(t).evaluated());
  }

  /** Elements equally far apart, the last being {@code end}. */
  private static Value linspace(AtenCall c, DataType t) {
    Onnx o = c.onnx();
    long steps = c.integer("steps");
    TorchScalar start = c.scalar("start");
    TorchScalar end = c.scalar("end");
    if (steps > 1 << 24) {
      throw c.unsupported(steps + " steps");
    }
    double[] weights = new double[(int) steps];
    for (int i = 0; i < steps; i++) {
      weights[i] = steps == 1 ? 0 : i / (steps - 1.0);
    }
    if (start.isConstant() && end.isConstant()) {
      double from = start.toDouble();
      double step = steps == 1 ? 0 : (end.toDouble() - from) / (steps - 1);
      for (int i = 0; i < steps; i++) {
        // Reckoned from the nearer end, as PyTorch does.
        weights[i] = steps == 1 ? from : i < steps / 2 ? from + step * i : end.toDouble() - step * (steps - 1 - i);
      }
      return constant(c, Tensor.of(weights, steps), t);
    }
    Value w = o.constant(Tensor.of(weights, steps));
    Value from = start.scalar(o, DataType.DOUBLE);
    Value all = o.add(from, o.mul(w, o.sub(end.scalar(o, DataType.DOUBLE), from)));
    return o.cast(all, t);
  }

  private static TorchValue linspace(AtenCall c) {
    return c.result(linspace(c, c.dtype("dtype", DataType.FLOAT)));
  }

  private static TorchValue logspace(AtenCall c) {
    Onnx o = c.onnx();
    Value powers = o.op("Pow", o.scalar(DataType.DOUBLE, c.number("base")), linspace(c, DataType.DOUBLE));
    return c.result(o.cast(powers, c.dtype("dtype", DataType.FLOAT)));
  }

  // ---- Python's numbers and lists ----

  private static TorchValue asTensor(AtenCall c) {
    if (c.get(c.has("data") ? "data" : "t") instanceof TorchTensor t) {
      return c.result(c.onnx().cast(t.value(), c.dtype("dtype", t.dtype())));
    }
    return tensor(c, c.has("data") ? "data" : "t");
  }

  private static TorchValue tensor(AtenCall c, String parameter) {
    Onnx o = c.onnx();
    TorchValue data = c.get(parameter);
    if (data instanceof TorchTensor t) {
      return c.result(o.cast(t.value(), c.dtype("dtype", t.dtype())));
    }
    List<TorchScalar> flat = new ArrayList<>();
    List<TorchScalar> sizes = new ArrayList<>();
    flatten(c, data, 0, flat, sizes);
    TorchScalar.Kind kind = flat.stream().map(TorchScalar::kind).max(Enum::compareTo).orElse(TorchScalar.Kind.FLOAT);
    DataType natural = kind == TorchScalar.Kind.FLOAT ? DataType.FLOAT : kind == TorchScalar.Kind.INT ? DataType.INT64 : DataType.BOOL;
    DataType t = c.dtype("dtype", natural);
    if (sizes.isEmpty()) {
      return c.result(flat.get(0).scalar(o, t));
    }
    long[] dims = sizes.stream().mapToLong(TorchScalar::toLong).toArray();
    if (flat.stream().allMatch(TorchScalar::isConstant)) {
      Tensor elements = kind == TorchScalar.Kind.FLOAT ? Tensor.of(flat.stream().mapToDouble(TorchScalar::toDouble).toArray(), dims)
          : Tensor.of(flat.stream().mapToLong(TorchScalar::toLong).toArray(), dims);
      return c.result(constant(c, elements, t));
    }
    Value all = o.concat(0, flat.stream().map(s -> o.unsqueeze(s.scalar(o, t), 0)).toList());
    return c.result(dims.length == 1 ? all : o.reshape(all, dims));
  }

  private static void flatten(AtenCall c, TorchValue v, int depth, List<TorchScalar> flat, List<TorchScalar> sizes) {
    if (v instanceof TorchScalar s) {
      flat.add(s);
      return;
    }
    if (depth > 16 || !(v instanceof TorchList || v instanceof TorchTuple)) {
      throw c.unsupported("a tensor of " + v);
    }
    List<TorchValue> elements = v instanceof TorchList l ? l.elements() : ((TorchTuple) v).elements();
    if (sizes.size() == depth) {
      sizes.add(TorchScalar.of((long) elements.size()));
    }
    elements.forEach(e -> flatten(c, e, depth + 1, flat, sizes));
  }

  // ---- sizes ----

  private static TorchValue size(AtenCall c) {
    Value x = c.tensor("self");
    return c.has("dim") ? c.onnx().size(x, c.axis("dim", c.rank("self"))) : new TorchList(c.onnx().sizes(x));
  }

  /** Of a tensor in row-major order. */
  private static TorchValue stride(AtenCall c) {
    Onnx o = c.onnx();
    List<TorchScalar> sizes = o.sizes(c.tensor("self"));
    List<TorchScalar> strides = new ArrayList<>(sizes);
    TorchScalar stride = TorchScalar.of(1L);
    for (int i = sizes.size() - 1; i >= 0; i--) {
      strides.set(i, stride);
      stride = o.times(stride, sizes.get(i));
    }
    return c.has("dim") ? strides.get(c.axis("dim", sizes.size())) : new TorchList(strides);
  }
}
