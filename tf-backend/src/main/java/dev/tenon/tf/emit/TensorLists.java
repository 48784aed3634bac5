package dev.tenon.tf.emit;

import dev.tenon.tf.Tf;
import org.tensorflow.Output;
import org.tensorflow.proto.DataType;

/** Lists of tensors: what a loop reads a step of at every turn and writes a step of, in a form that TensorFlow differentiates. */
final class TensorLists {
  private TensorLists() {}

  /** The slices of a tensor along its first axis. */
  static Output<?> of(Tf tf, Output<?> tensor, Output<?> elementShape) {
    return tf.call("TensorListFromTensor", tensor, elementShape);
  }

  static Output<?> reserve(Tf tf, Output<?> elementShape, Output<?> size, DataType dtype) {
    return tf.op("TensorListReserve").in(elementShape, size).attr("element_dtype", dtype).out();
  }

  static Output<?> get(Tf tf, Output<?> list, Output<?> i, Output<?> elementShape, DataType dtype) {
    return tf.op("TensorListGetItem").in(list, i, elementShape).attr("element_dtype", dtype).out();
  }

  static Output<?> set(Tf tf, Output<?> list, Output<?> i, Output<?> item) {
    return tf.call("TensorListSetItem", list, i, item);
  }

  /** The elements along a new first axis. */
  static Output<?> stack(Tf tf, Output<?> list, Output<?> elementShape, DataType dtype) {
    return tf.op("TensorListStack").in(list, elementShape).attr("element_dtype", dtype).out();
  }
}
