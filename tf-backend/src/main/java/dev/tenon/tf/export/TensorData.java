package dev.tenon.tf.export;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;

/**
 * The elements of one tensor, little-endian and row-major, produced only when they are written.
 *
 * <p>A model's weights may be larger than memory; an implementation computes or reads them in pieces inside
 * {@link #writeTo} and keeps nothing. It may be written more than once and gives the same bytes each time.
 */
public interface TensorData {

  /** How many bytes {@link #writeTo} writes. */
  long byteSize();

  /** Writes exactly {@link #byteSize()} bytes; pieces may be of any size. */
  void writeTo(WritableByteChannel out) throws IOException;

  /** The remaining bytes of {@code bytes}, whose position and limit are left as they are. */
  static TensorData of(ByteBuffer bytes) {
    ByteBuffer view = bytes.asReadOnlyBuffer();
    return new TensorData() {
      @Override
      public long byteSize() {
        return view.remaining();
      }

      @Override
      public void writeTo(WritableByteChannel out) throws IOException {
        ByteBuffer piece = view.duplicate();
        while (piece.hasRemaining()) {
          out.write(piece);
        }
      }
    };
  }
}
