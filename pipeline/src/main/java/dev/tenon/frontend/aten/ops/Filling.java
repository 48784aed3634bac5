package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import java.util.List;

/** Tensors made of nothing but a shape and a number or two. */
final class Filling {
  private Filling() {}

  /** A tensor of these sizes, all elements the same number. */
  static Value full(Onnx o, List<TorchScalar> sizes, DataType dtype, TorchScalar value) {
    if (sizes.isEmpty()) {
      return value.scalar(o, dtype);
    }
    if (!value.isConstant()) {
      return o.expand(value.scalar(o, dtype), sizes);
    }
    Type hint = Type.tensor(dtype, Shape.of(sizes.stream().map(TorchScalar::dim).toList()));
    Value constant = value.scalar(o, dtype);
    return o.node("ConstantOfShape").in(o.vector(sizes)).attr(Attribute.ofTensor("value", constant.initializer().reshape(1))).hint(hint).out();
  }

  /** The integers from 0 to n, exclusive. */
  static Value range(Onnx o, TorchScalar n) {
    if (n.isConstant() && n.toLong() <= 1024) {
      long[] all = new long[(int) n.toLong()];
      for (int i = 0; i < all.length; i++) {
        all[i] = i;
      }
      return o.constant(Tensor.vector(all));
    }
    return o.node("Range").in(o.scalar(DataType.INT64, 0), n.scalar(o), o.scalar(DataType.INT64, 1))
        .hint(Type.tensor(DataType.INT64, Shape.of(n.dim()))).out();
  }
}
