package dev.tenon.frontend.torchscript;

import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchScalar.Kind;
import dev.tenon.frontend.aten.TorchTensor;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Recipe;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import java.util.IdentityHashMap;
import java.util.Map;

/**
 * Numbers as tensors and back. Traced code turns sizes into tensors, computes with them, and turns them into sizes again: a size that
 * comes back unchanged is found to be itself, and one that the shape inference knows is a constant.
 */
final class Scalars {
  private final Onnx onnx;
  private final Map<Value, TorchScalar> numbers = new IdentityHashMap<>();

  Scalars(Onnx onnx) {
    this.onnx = onnx;
  }

  /** A number as a tensor of rank 0. */
  TorchTensor tensor(TorchScalar s) {
    Value v = s.scalar(onnx, s.defaultDtype());
    if (s.kind() != Kind.FLOAT || s.isConstant()) {
      numbers.put(v, s);
    }
    return TorchTensor.of(v);
  }

  /** The integer that a number is, or a tensor of rank 0 is known to be; null if it is something else. */
  TorchScalar size(TorchValue v) {
    if (v instanceof TorchScalar s) {
      return s.kind() == Kind.INT ? s : null;
    }
    if (!(v instanceof TorchTensor t) || t.dtype() != DataType.INT64 || t.rank() != 0) {
      return null;
    }
    TorchScalar known = known(t);
    return known != null && known.kind() == Kind.INT ? known : null;
  }

  /** The number that a tensor of one element is known to be, or null. */
  TorchScalar known(TorchTensor t) {
    TorchScalar known = numbers.get(t.value());
    return known != null ? known : constant(t.value());
  }

  /** The only element of a tensor, as the kind of number that it is. */
  TorchScalar natural(TorchTensor t) {
    Value v = t.value();
    TorchScalar known = known(t);
    if (known != null) {
      return known;
    }
    Kind kind = v.dtype() == DataType.BOOL ? Kind.BOOL : v.dtype().isFloat() ? Kind.FLOAT : Kind.INT;
    boolean plain = v.rank() == 0 || v.rank() == 1 && v.shape().dim(0).is(1);
    return onnx.number(kind, plain ? v : onnx.reshape(v));
  }

  private TorchScalar constant(Value v) {
    Tensor t = v.constant() != null ? v.constant() : onnx.known(v);
    if (t != null && t.numel() == 1 && (t.dtype().isInteger() || t.dtype() == DataType.BOOL)) {
      return t.dtype() == DataType.BOOL ? TorchScalar.of(t.item() != 0) : TorchScalar.of(t.toLongs()[0]);
    }
    // A parameter of the model stays one: it may be given other values later.
    return t != null && t.numel() == 1 && t.dtype().isFloat() && !(t.recipe() instanceof Recipe.Source) ? TorchScalar.of(t.item()) : null;
  }
}
