package dev.tenon.tf.export;

import org.tensorflow.proto.DataType;

/**
 * A variable of a SavedModel that was read.
 *
 * @param name its name, without {@code :0}
 * @param dtype element type
 * @param shape its dimensions
 * @param trainable whether {@code trainable_variables} lists it
 * @param checkpointKey its value's key in the checkpoint
 */
public record SavedVariableInfo(String name, DataType dtype, long[] shape, boolean trainable, String checkpointKey) {

  @Override
  public String toString() {
    return name + " " + DataTypes.describe(dtype, shape);
  }
}
