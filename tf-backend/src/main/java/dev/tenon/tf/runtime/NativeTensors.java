package dev.tenon.tf.runtime;

import static org.tensorflow.internal.c_api.global.tensorflow.TF_AllocateTensor;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_Dim;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_NumDims;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_TensorByteSize;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_TensorData;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_TensorType;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Storage;
import dev.tenon.ir.Tensor;
import dev.tenon.tf.ElementTypes;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.tensorflow.internal.c_api.TF_TString;
import org.tensorflow.internal.c_api.TF_Tensor;
import org.tensorflow.internal.c_api.global.tensorflow;

/**
 * IR tensors as tensors of TensorFlow's C interface and back. The C interface takes every element type TensorFlow has;
 * TensorFlow-Java's classes only ten.
 */
final class NativeTensors {
  private NativeTensors() {}

  /** A copy that the caller must give to {@code TF_DeleteTensor}. */
  static TF_Tensor toNative(Tensor t) {
    org.tensorflow.proto.DataType dtype = ElementTypes.toTensorFlow(t.dtype());
    if (dtype == org.tensorflow.proto.DataType.DT_INVALID) {
      throw new IllegalArgumentException("TensorFlow has no element type " + t.dtype());
    }
    long[] dims = t.dims();
    if (t.dtype() == DataType.STRING) {
      return strings(t, dims);
    }
    boolean unpack = t.dtype().bits() < 8;
    long size = unpack ? t.numel() : t.byteSize();
    TF_Tensor tensor = TF_AllocateTensor(dtype.getNumber(), dims, dims.length, size);
    if (tensor == null || tensor.isNull()) {
      throw new OutOfMemoryError("TensorFlow cannot allocate " + size + " bytes for " + t);
    }
    Pointer data = TF_TensorData(tensor);
    if (unpack) {
      // TensorFlow holds 4-bit elements in a byte each.
      long[] values = t.toLongs();
      ByteBuffer b = ByteBuffer.allocateDirect(values.length);
      for (long v : values) {
        b.put((byte) v);
      }
      copy(b.flip(), data, 0);
      return tensor;
    }
    try {
      t.writeTo(new MemoryChannel(data));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return tensor;
  }

  private static TF_Tensor strings(Tensor t, long[] dims) {
    List<byte[]> values = t.stringBytes();
    long each = new TF_TString().sizeof();
    TF_Tensor tensor = TF_AllocateTensor(org.tensorflow.proto.DataType.DT_STRING_VALUE, dims, dims.length, each * values.size());
    TF_TString data = new TF_TString(TF_TensorData(tensor));
    for (int i = 0; i < values.size(); i++) {
      TF_TString at = data.getPointer(i);
      tensorflow.TF_TString_Init(at);
      byte[] v = values.get(i);
      try (BytePointer bytes = new BytePointer(Math.max(1, v.length))) {
        bytes.put(v, 0, v.length);
        tensorflow.TF_TString_Copy(at, bytes, v.length);
      }
    }
    return tensor;
  }

  /** A copy on the Java heap. */
  static Tensor fromNative(TF_Tensor t, String note) {
    DataType dtype = ElementTypes.toOnnx(org.tensorflow.proto.DataType.forNumber(TF_TensorType(t)));
    if (dtype == DataType.UNDEFINED) {
      throw new IllegalArgumentException(note + ": no ONNX type for TensorFlow's type " + TF_TensorType(t));
    }
    long[] dims = new long[TF_NumDims(t)];
    long count = 1;
    for (int i = 0; i < dims.length; i++) {
      dims[i] = TF_Dim(t, i);
      count *= dims[i];
    }
    Pointer data = TF_TensorData(t);
    if (dtype == DataType.STRING) {
      return Tensor.constant(note, dtype, dims, Storage.ofStrings(readStrings(new TF_TString(data), count)));
    }
    byte[] bytes = new byte[Math.toIntExact(TF_TensorByteSize(t))];
    if (bytes.length > 0) {
      new BytePointer(data).capacity(bytes.length).get(bytes);
    }
    if (dtype.bits() < 8) {
      bytes = pack(bytes);
    }
    return Tensor.constant(note, dtype, dims, Storage.of(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN)));
  }

  private static List<byte[]> readStrings(TF_TString data, long count) {
    List<byte[]> values = new ArrayList<>();
    for (long i = 0; i < count; i++) {
      TF_TString at = data.getPointer(i);
      byte[] v = new byte[Math.toIntExact(tensorflow.TF_TString_GetSize(at))];
      if (v.length > 0) {
        tensorflow.TF_TString_GetDataPointer(at).capacity(v.length).get(v);
      }
      values.add(v);
    }
    return values;
  }

  /** Two 4-bit elements a byte, the first in the low half, as ONNX packs them. */
  private static byte[] pack(byte[] elements) {
    byte[] packed = new byte[(elements.length + 1) / 2];
    for (int i = 0; i < elements.length; i++) {
      packed[i / 2] |= (byte) ((elements[i] & 0xF) << (i % 2 * 4));
    }
    return packed;
  }

  private static void copy(ByteBuffer from, Pointer to, long offset) {
    int n = from.remaining();
    if (n == 0) {
      return;
    }
    new BytePointer(to).position(offset).capacity(offset + n).asByteBuffer().put(from);
  }

  /** Writes to native memory, so that large tensors are copied in pieces. */
  private static final class MemoryChannel implements WritableByteChannel {
    private final Pointer data;
    private long at;

    MemoryChannel(Pointer data) {
      this.data = data;
    }

    @Override
    public int write(ByteBuffer src) {
      int n = src.remaining();
      copy(src, data, at);
      at += n;
      return n;
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {}
  }
}
