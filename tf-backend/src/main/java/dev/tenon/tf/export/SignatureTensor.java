package dev.tenon.tf.export;

import java.util.Objects;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.TensorShapeProto;

/**
 * An input or output of a signature.
 *
 * @param name the name users call it by. {@link SavedModelWriter} makes it legal where it must and returns what it became
 * @param tensor the tensor in the graph it stands for, {@code node:0}; {@code node} means its first output
 * @param dtype element type
 * @param shape -1 for a dynamic dimension, or of unknown rank
 */
public record SignatureTensor(String name, String tensor, DataType dtype, TensorShapeProto shape) {

  public SignatureTensor {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(tensor, "tensor");
    Objects.requireNonNull(dtype, "dtype");
    Objects.requireNonNull(shape, "shape");
  }
}
