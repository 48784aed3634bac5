package dev.tenon.frontend.exported;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Shape;
import java.util.List;

/**
 * What the exporter knew of a tensor: a hint, for the file may be wrong.
 *
 * @param dtype {@link DataType#UNDEFINED} for types that the IR has not
 * @param sizes numbers, symbols, and polynomials of symbols
 * @param strides in elements; numbers for stored tensors
 * @param storageOffset in elements
 * @param strided false for sparse and other layouts
 */
record TensorMeta(DataType dtype, List<Dim> sizes, List<Dim> strides, Dim storageOffset, boolean strided) {
  TensorMeta {
    sizes = List.copyOf(sizes);
    strides = List.copyOf(strides);
  }

  Shape shape() {
    return Shape.of(sizes);
  }
}
