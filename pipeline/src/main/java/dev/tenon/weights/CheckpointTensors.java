package dev.tenon.weights;

import dev.tenon.ir.Storage;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.tf.ElementTypes;
import dev.tenon.tf.export.SavedVariableInfo;
import dev.tenon.tf.export.SavedVariables;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;

/** Variables' values as tensors. */
final class CheckpointTensors {
  private CheckpointTensors() {}

  /**
   * A variable's value, mapped when it is read. Its checksum is checked now.
   *
   * @throws BadInputException if the file is damaged
   */
  static Tensor of(SavedVariables saved, SavedVariableInfo v) {
    dev.tenon.ir.DataType dtype = ElementTypes.toOnnx(v.dtype());
    if (dtype.bits() < 8) {
      throw BadInputException.of(saved.folder(), "variable " + v.name(), "type " + v.dtype(), "numbers of whole bytes");
    }
    try {
      saved.checkpoint().data(v.checkpointKey()).writeTo(NOWHERE);
      long byteSize = saved.checkpoint().entry(v.checkpointKey()).byteSize();
      return Tensor.source(v.name(), dtype, v.shape(), new Storage() {
        @Override
        public long byteSize() {
          return byteSize;
        }

        @Override
        public ByteBuffer read(long offset, int length) {
          try {
            return saved.checkpoint().map(v.checkpointKey(), offset, length);
          } catch (IOException e) {
            throw new BadInputException(e.getMessage(), e);
          }
        }
      });
    } catch (IOException e) {
      throw new BadInputException(e.getMessage(), e);
    }
  }

  /** A tensor of the same type and shape without any other elements than zero. */
  static Tensor zeros(Tensor like) {
    return Tensor.constant("0", like.dtype(), like.dims(), Storage.decoded(like.byteSize(),
        () -> ByteBuffer.allocate(Math.toIntExact(like.byteSize())).order(ByteOrder.LITTLE_ENDIAN)));
  }

  private static final WritableByteChannel NOWHERE = new WritableByteChannel() {
    @Override
    public int write(ByteBuffer bytes) {
      int count = bytes.remaining();
      bytes.position(bytes.limit());
      return count;
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {
      // Nothing to close.
    }
  };
}
