package dev.tenon.frontend.torchscript;

import dev.tenon.frontend.archive.ScalarType;
import dev.tenon.frontend.aten.LoweringException;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchDtype;
import dev.tenon.frontend.aten.TorchList;
import dev.tenon.frontend.aten.TorchNone;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchScalar.Kind;
import dev.tenon.frontend.aten.TorchString;
import dev.tenon.frontend.aten.TorchTensor;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.List;

/** What code asks about tensors: sizes, element types, devices; and tensors made of Python's lists. */
final class TensorBuiltins {
  private TensorBuiltins() {
  }

  static void register(Builtins b) {
    b.add("aten::size prim::shape", TensorBuiltins::size);
    b.add("aten::dim aten::ndimension prim::ndim", a -> dim(a.in().onnx(), a.tensor(0)));
    b.add("aten::numel", a -> a.in().onnx().numel(a.tensor(0).value()));
    b.add("prim::dtype", a -> dtype(a.tensor(0)));
    b.add("prim::device aten::device", a -> a.get(0) instanceof TorchString s ? s : new TorchString("cpu"));
    b.add("aten::get_device", a -> TorchScalar.of(-1));
    b.add("prim::layout", a -> TorchScalar.of(0));
    b.add("prim::data prim::AutogradZero", a -> a.get(0)).add("prim::grad", a -> TorchNone.NONE);
    for (String no : List.of("requires_grad", "is_cuda", "is_xpu", "is_hpu", "is_sparse", "is_sparse_csr", "is_mkldnn", "is_mps", "is_vulkan",
        "is_quantized", "is_ipu", "is_xla", "is_meta", "is_nested", "is_maia", "is_ort", "is_mtia")) {
      b.add("prim::" + no, a -> TorchScalar.of(false));
    }
    b.add("prim::is_cpu aten::is_contiguous aten::is_leaf", a -> TorchScalar.of(true));
    b.add("prim::itemsize aten::element_size", a -> TorchScalar.of((long) a.tensor(0).dtype().bits() / 8));
    b.add("aten::storage_offset aten::output_nr", a -> TorchScalar.of(0));
    b.add("aten::is_floating_point", a -> TorchScalar.of(known(a.tensor(0)).isFloat()));
    b.add("aten::is_complex", a -> TorchScalar.of(a.tensor(0).dtype() == DataType.COMPLEX64 || a.tensor(0).dtype() == DataType.COMPLEX128));
    b.add("aten::is_signed", a -> TorchScalar.of(known(a.tensor(0)).isFloat() || known(a.tensor(0)).isSigned()));
    b.add("aten::stride", TensorBuiltins::stride);
    b.add("aten::tensor aten::as_tensor", TensorBuiltins::tensor);
    b.add("aten::_list_to_tensor", a -> made(a, a.get(0), DataType.UNDEFINED)).add("method::tolist", TensorBuiltins::toList);
    b.add("aten::requires_grad_ aten::retain_grad aten::cpu aten::cuda", a -> a.get(0));
    b.add("prim::mT", a -> a.in().operator("aten::mT", a.positional())).add("prim::mH", a -> a.in().operator("aten::mH", a.positional()));
    b.add("prim::T", a -> a.in().operator("aten::numpy_T", a.positional())).add("prim::H", a -> a.in().operator("aten::matrix_H", a.positional()));
    b.add("prim::real", a -> a.in().operator("aten::real", a.positional())).add("prim::imag", a -> a.in().operator("aten::imag", a.positional()));
  }

  private static DataType known(TorchTensor t) {
    if (t.dtype() == DataType.UNDEFINED) {
      throw new LoweringException("the element type of " + t.value().name() + " is not known");
    }
    return t.dtype();
  }

  private static TorchValue size(Arguments a) {
    Value x = a.tensor(0).value();
    Onnx o = a.in().onnx();
    if (a.get(1, "dim") == TorchNone.NONE) {
      return new TorchList(o.sizes(x));
    }
    long dim = a.count() > 1 ? a.integer(1) : ((TorchScalar) a.named().get("dim")).toLong();
    return o.size(x, (int) Math.max(-100, Math.min(100, dim)));
  }

  /** The rank; where it is not known the graph computes it, since code asks for it mainly to refuse what is not allowed. */
  static TorchScalar dim(Onnx o, TorchTensor t) {
    return t.rank() >= 0 ? TorchScalar.of((long) t.rank()) : o.number(Kind.INT, o.op("Size", o.op("Shape", t.value())));
  }

  private static TorchValue dtype(TorchTensor t) {
    DataType type = known(t);
    for (ScalarType s : ScalarType.values()) {
      if (!s.isQuantized() && s.dtype().isPresent() && s.dtype().get() == type) {
        return TorchScalar.of((long) s.c10());
      }
    }
    return new TorchDtype(type);
  }

  private static TorchValue stride(Arguments a) {
    Onnx o = a.in().onnx();
    List<TorchScalar> sizes = o.sizes(a.tensor(0).value());
    List<TorchValue> strides = new ArrayList<>();
    TorchScalar stride = TorchScalar.of(1);
    for (int i = sizes.size() - 1; i >= 0; i--) {
      strides.add(0, stride);
      stride = o.times(stride, sizes.get(i));
    }
    return a.isNone(1) ? new TorchList(strides) : strides.get(Interpreter.position(a.integer(1), strides.size()));
  }

  // ---- tensors of numbers ----

  private static TorchValue tensor(Arguments a) {
    TorchValue data = a.get(0, "data");
    if (data instanceof TorchTensor) {
      return null;
    }
    TorchValue wanted = a.get(1, "dtype");
    DataType dtype = DataType.UNDEFINED;
    if (wanted instanceof TorchDtype d) {
      dtype = d.dtype();
    } else if (wanted instanceof TorchScalar s && s.isConstant()) {
      dtype = ScalarType.ofC10(s.toLong()).flatMap(ScalarType::dtype)
          .orElseThrow(() -> new LoweringException(a.name() + ": an element type that ONNX does not have"));
    }
    return made(a, data, dtype);
  }

  /** A tensor of numbers in nested lists. */
  private static TorchValue made(Arguments a, TorchValue data, DataType wanted) {
    List<TorchScalar> flat = new ArrayList<>();
    List<Long> dims = new ArrayList<>();
    flatten(a, data, 0, dims, flat);
    Kind kind = flat.stream().map(TorchScalar::kind).max(Kind::compareTo).orElse(Kind.FLOAT);
    DataType natural = kind == Kind.FLOAT ? DataType.FLOAT : kind == Kind.INT ? DataType.INT64 : DataType.BOOL;
    DataType dtype = wanted == DataType.UNDEFINED ? natural : wanted;
    Onnx o = a.in().onnx();
    long[] shape = dims.stream().mapToLong(Long::longValue).toArray();
    if (flat.stream().allMatch(TorchScalar::isConstant)) {
      Tensor t = kind == Kind.FLOAT ? Tensor.of(flat.stream().mapToDouble(TorchScalar::toDouble).toArray(), shape)
          : Tensor.of(flat.stream().mapToLong(TorchScalar::toLong).toArray(), shape);
      return TorchTensor.of(o.constant(t.cast(dtype).evaluated()));
    }
    if (shape.length == 0) {
      return dtype == flat.get(0).defaultDtype() ? a.in().scalars().tensor(flat.get(0)) : TorchTensor.of(flat.get(0).scalar(o, dtype));
    }
    List<Value> parts = flat.stream().map(s -> o.unsqueeze(s.scalar(o, dtype), 0)).toList();
    Value all = kind == Kind.INT && dtype == DataType.INT64 ? o.vector(flat) : o.concat(0, parts);
    return TorchTensor.of(shape.length == 1 ? all : o.reshape(all, shape));
  }

  private static void flatten(Arguments a, TorchValue v, int depth, List<Long> dims, List<TorchScalar> flat) {
    List<TorchValue> elements = Values.elements(v);
    if (elements != null && depth < 16) {
      if (dims.size() == depth) {
        dims.add((long) elements.size());
      } else if (dims.get(depth) != elements.size()) {
        throw new RaiseSignal("expected sequence of length " + dims.get(depth));
      }
      for (TorchValue e : elements) {
        flatten(a, e, depth + 1, dims, flat);
      }
    } else if (v instanceof TorchScalar s) {
      flat.add(s);
    } else if (v instanceof TorchTensor t) {
      flat.add(a.in().scalars().natural(t));
    } else {
      throw a.bad(0, "numbers");
    }
  }

  private static TorchValue toList(Arguments a) {
    TorchTensor t = a.tensor(0);
    Tensor constant = t.value().constant();
    Onnx o = a.in().onnx();
    if (t.rank() == 0) {
      return a.in().scalars().natural(t);
    }
    if (t.rank() != 1 || !t.shape().dim(0).isConstant() || t.shape().dim(0).constant() > 4096) {
      throw new LoweringException("tolist of a tensor of other than one dimension, or of a size known only at run time");
    }
    List<TorchValue> all = new ArrayList<>();
    for (long i = 0; i < t.shape().dim(0).constant(); i++) {
      Value e = constant != null ? o.constant(constant.slice(0, i, i + 1)) : o.slice(t.value(), 0, i, i + 1);
      all.add(a.in().scalars().natural(TorchTensor.of(e)));
    }
    return new TorchList(all);
  }
}
