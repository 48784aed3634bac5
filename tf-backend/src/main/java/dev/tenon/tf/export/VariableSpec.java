package dev.tenon.tf.export;

import java.util.Objects;
import org.tensorflow.proto.DataType;

/**
 * A variable of the SavedModel to be written.
 *
 * @param name the variable's name, its parts divided by {@code /}: {@code layer1/0/conv1/kernel}. The graph's
 *     {@code VarHandleOp} of the same {@code shared_name} is bound to it, and loaders show it as {@code name + ":0"}. A name
 *     that is not legal in TensorFlow ({@code _stem/kernel}) is changed; {@link SavedModelNames} has what it became
 * @param dtype a type with elements of fixed size; not string, resource or variant
 * @param shape fully known; {@code []} is a scalar, and a size of 0 is legal
 * @param trainable whether {@code trainable_variables} lists it
 * @param data the initial value, {@link DataTypes#byteSize(DataType, long[])} bytes
 */
public record VariableSpec(String name, DataType dtype, long[] shape, boolean trainable, TensorData data) {

  public VariableSpec {
    Objects.requireNonNull(data, "data");
    if (name.isEmpty()) {
      throw new IllegalArgumentException("A variable has an empty name");
    }
    long expected;
    try {
      expected = DataTypes.byteSize(dtype, shape);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("Variable " + name + ": " + e.getMessage(), e);
    }
    if (data.byteSize() != expected) {
      throw new IllegalArgumentException("Variable " + name + " of " + DataTypes.describe(dtype, shape) + " has "
          + data.byteSize() + " bytes of data, expected " + expected);
    }
  }
}
