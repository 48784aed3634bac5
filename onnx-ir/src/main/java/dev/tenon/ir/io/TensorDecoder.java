package dev.tenon.ir.io;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Storage;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.proto.TensorProto;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Turns a {@code TensorProto} into a {@link Tensor} that leaves its elements in the file until they are asked for.
 *
 * <p>The encodings: {@code raw_data} for all types but strings; {@code float_data} for float32 and complex64; {@code double_data}
 * for float64 and complex128; {@code int64_data}; {@code uint64_data} for uint32 and uint64; {@code string_data};
 * {@code int32_data} for all others, where the 16-bit floats are their bits, and an entry is one byte of packed 4- and 2-bit
 * elements, or one 6-bit element. Sizes are compared with what the dimensions need before a tensor is made.
 */
final class TensorDecoder {
  private final Object file;
  private final ExternalData external;

  TensorDecoder(Object file, ExternalData external) {
    this.file = file;
    this.external = external;
  }

  /**
   * @param name the name of the tensor as a source parameter
   * @param place where in the file, for messages
   */
  Tensor decode(TensorProto p, String name, String place) {
    DataType dtype = ProtoTypes.dtype(p.getDataType(), file, place);
    long[] dims = new long[p.getDimsCount()];
    for (int i = 0; i < dims.length; i++) {
      dims[i] = p.getDims(i);
    }
    long numel = checkedNumel(dtype, dims, place);
    return Tensor.source(name, dtype, dims, storage(p, dtype, numel, place));
  }

  /** The number of elements, if that and their bytes are numbers that can be believed. */
  long checkedNumel(DataType dtype, long[] dims, String place) {
    long numel = 1;
    long nonZero = 1;
    try {
      for (long d : dims) {
        if (d < 0) {
          throw bad(place, "the dimension " + d, "dimensions from 0");
        }
        // A zero must not hide an overflow of the others: later products may meet them in another order.
        nonZero = Math.multiplyExact(nonZero, Math.max(d, 1));
        numel = d == 0 ? 0 : numel * d;
      }
      Math.multiplyExact(nonZero, 16L);
      return numel;
    } catch (ArithmeticException e) {
      throw bad(place, "dimensions " + List.of(ProtoTypes.boxed(dims)) + " whose product overflows", "a size that fits 64 bits");
    }
  }

  private Storage storage(TensorProto p, DataType dtype, long numel, String place) {
    if (p.hasSegment()) {
      throw bad(place, "a segment of a tensor", "a whole tensor (segments are not supported)");
    }
    if (p.getDataLocation() == TensorProto.DataLocation.EXTERNAL) {
      if (dtype == DataType.STRING) {
        throw bad(place, "strings as external data", "string_data");
      }
      return external.storage(p.getExternalDataList(), dtype.byteSize(numel), place);
    }
    Field own = Field.of(dtype);
    Field present = presentField(p, place);
    if (present == null) {
      if (numel != 0) {
        throw bad(place, "no data", numel + " elements of " + dtype);
      }
      return dtype == DataType.STRING ? Storage.ofStrings(List.of()) : Storage.of(ByteBuffer.allocate(0));
    }
    if (present == Field.RAW && dtype != DataType.STRING) {
      requireSize(p.getRawData().size(), dtype.byteSize(numel), "bytes of raw_data", place);
      return Storage.of(p.getRawData().asReadOnlyByteBuffer());
    }
    if (present != own) {
      throw bad(place, present.label + " for elements of " + dtype, own.label + (dtype == DataType.STRING ? "" : " or raw_data"));
    }
    return switch (own) {
      case STRINGS -> {
        requireSize(p.getStringDataCount(), numel, "strings", place);
        yield Storage.ofStrings(p.getStringDataList().stream().map(ByteString::toByteArray).toList());
      }
      case FLOATS -> fixedWidth(p.getFloatDataList(), p, own, dtype.byteSize(numel), place);
      case DOUBLES -> fixedWidth(p.getDoubleDataList(), p, own, dtype.byteSize(numel), place);
      case INT32 -> varints(p.getInt32DataList(), p, own, dtype, numel, place);
      case INT64 -> varints(p.getInt64DataList(), p, own, dtype, numel, place);
      case UINT64 -> varints(p.getUint64DataList(), p, own, dtype, numel, place);
      case RAW -> throw new IllegalStateException("no type has raw_data alone");
    };
  }

  /** The fields of a TensorProto that hold elements. */
  private enum Field {
    RAW(TensorProto.RAW_DATA_FIELD_NUMBER, "raw_data"), FLOATS(TensorProto.FLOAT_DATA_FIELD_NUMBER, "float_data"),
    INT32(TensorProto.INT32_DATA_FIELD_NUMBER, "int32_data"), STRINGS(TensorProto.STRING_DATA_FIELD_NUMBER, "string_data"),
    INT64(TensorProto.INT64_DATA_FIELD_NUMBER, "int64_data"), DOUBLES(TensorProto.DOUBLE_DATA_FIELD_NUMBER, "double_data"),
    UINT64(TensorProto.UINT64_DATA_FIELD_NUMBER, "uint64_data");

    private final int number;
    private final String label;

    Field(int number, String label) {
      this.number = number;
      this.label = label;
    }

    static Field of(DataType dtype) {
      return switch (dtype) {
        case FLOAT, COMPLEX64 -> FLOATS;
        case DOUBLE, COMPLEX128 -> DOUBLES;
        case INT64 -> INT64;
        case UINT32, UINT64 -> UINT64;
        case STRING -> STRINGS;
        default -> INT32;
      };
    }

    boolean isIn(TensorProto p) {
      return p.getUnknownFields().hasField(number) || switch (this) {
        case RAW -> !p.getRawData().isEmpty();
        case FLOATS -> holdsBytes(p.getFloatDataList());
        case INT32 -> holdsBytes(p.getInt32DataList());
        case STRINGS -> p.getStringDataCount() > 0;
        case INT64 -> holdsBytes(p.getInt64DataList());
        case DOUBLES -> holdsBytes(p.getDoubleDataList());
        case UINT64 -> holdsBytes(p.getUint64DataList());
      };
    }

    private static boolean holdsBytes(List<ByteString> chunks) {
      return chunks.stream().anyMatch(c -> !c.isEmpty());
    }
  }

  private Field presentField(TensorProto p, String place) {
    Field present = null;
    for (Field f : Field.values()) {
      if (f.isIn(p)) {
        if (present != null) {
          throw bad(place, "both " + present.label + " and " + f.label, "one of them");
        }
        present = f;
      }
    }
    return present;
  }

  private void requireSize(long found, long expected, String what, String place) {
    if (found != expected) {
      throw bad(place, found + " " + what, expected + " by the tensor's type and dimensions");
    }
  }

  // ---- floats and doubles: packed, the wire format is that of the elements ----

  private Storage fixedWidth(List<ByteString> chunks, TensorProto p, Field field, long byteSize, String place) {
    UnknownFieldSet.Field unpacked = p.getUnknownFields().getField(field.number);
    int width = field == Field.FLOATS ? 4 : 8;
    int count = field == Field.FLOATS ? unpacked.getFixed32List().size() : unpacked.getFixed64List().size();
    requireNotMixed(chunks, count, field, place);
    if (count > 0) {
      requireSize((long) count * width, byteSize, "bytes of " + field.label, place);
      ByteBuffer b = littleEndian((long) count * width);
      unpacked.getFixed32List().forEach(b::putInt);
      unpacked.getFixed64List().forEach(b::putLong);
      return Storage.of(b.flip());
    }
    requireSize(chunks.stream().mapToLong(ByteString::size).sum(), byteSize, "bytes of " + field.label, place);
    if (chunks.size() == 1) {
      return Storage.of(chunks.get(0).asReadOnlyByteBuffer());
    }
    return Storage.decoded(byteSize, () -> ByteString.copyFrom(chunks).asReadOnlyByteBuffer());
  }

  private void requireNotMixed(List<ByteString> chunks, int unpacked, Field field, String place) {
    if (unpacked > 0 && chunks.stream().anyMatch(c -> !c.isEmpty())) {
      throw bad(place, field.label + " partly packed and partly not, in an order that is lost", "one or the other");
    }
    if (unpacked == 0 && chunks.isEmpty()) {
      throw bad(place, field.label + " in a wrong wire format", "numbers");
    }
  }

  // ---- integers: varints, decoded anew at each reading ----

  private Storage varints(List<ByteString> chunks, TensorProto p, Field field, DataType dtype, long numel, String place) {
    List<Long> unpacked = p.getUnknownFields().getField(field.number).getVarintList();
    requireNotMixed(chunks, unpacked.size(), field, place);
    long entries = dtype.bits() == 4 || dtype.bits() == 2 ? dtype.byteSize(numel) : numel;
    long byteSize = dtype.byteSize(numel);
    if (!unpacked.isEmpty()) {
      requireSize(unpacked.size(), entries, "entries of " + field.label, place);
      unpacked.forEach(v -> requireRange(v, dtype, field, place));
      ByteBuffer b = encode(unpacked.iterator()::next, dtype, entries, byteSize);
      return Storage.of(b);
    }
    // Every entry is seen here once, so that decoding later cannot fail.
    long count = 0;
    for (ByteString chunk : chunks) {
      Varints in = new Varints(chunk.asReadOnlyByteBuffer());
      while (in.hasNext()) {
        if (!in.isWhole()) {
          throw bad(place, "a broken varint in " + field.label, "whole numbers of at most 64 bits");
        }
        requireRange(in.next(), dtype, field, place);
        count++;
      }
    }
    requireSize(count, entries, "entries of " + field.label, place);
    List<ByteString> kept = List.copyOf(chunks);
    return Storage.decoded(byteSize, () -> encode(new Chunks(kept)::next, dtype, entries, byteSize));
  }

  private void requireRange(long v, DataType dtype, Field field, String place) {
    int bits = dtype.bits() == 4 || dtype.bits() == 2 ? 8 : dtype.bits();
    boolean fits = switch (bits) {
      case 6 -> v >= 0 && v < 64;
      case 64 -> true;
      default -> v >= -(1L << bits - 1) && v < 1L << bits;
    };
    if (!fits) {
      throw bad(place, "the value " + v + " in " + field.label, "a value of " + dtype);
    }
  }

  private interface LongSource {
    long next();
  }

  private static ByteBuffer encode(LongSource values, DataType dtype, long entries, long byteSize) {
    ByteBuffer b = littleEndian(byteSize);
    if (dtype.bits() == 6) {
      packSixBits(values, entries, b);
      return b.rewind();
    }
    for (long i = 0; i < entries; i++) {
      long v = values.next();
      switch (dtype.bits()) {
        case 64 -> b.putLong(v);
        case 32 -> b.putInt((int) v);
        case 16 -> b.putShort((short) v);
        default -> b.put((byte) (dtype == DataType.BOOL && v != 0 ? 1 : v));
      }
    }
    return b.flip();
  }

  /** Six bits an element, the first in the lowest bits: four in three bytes. */
  private static void packSixBits(LongSource values, long count, ByteBuffer b) {
    int pending = 0;
    int bits = 0;
    for (long i = 0; i < count; i++) {
      pending |= (int) values.next() << bits;
      bits += 6;
      while (bits >= 8) {
        b.put((byte) pending);
        pending >>>= 8;
        bits -= 8;
      }
    }
    if (bits > 0) {
      b.put((byte) pending);
    }
  }

  private static ByteBuffer littleEndian(long bytes) {
    return ByteBuffer.allocate(Math.toIntExact(bytes)).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** The varints of one packed field. */
  private static final class Varints {
    private static final int MAX_BYTES = 10;
    private final ByteBuffer in;

    Varints(ByteBuffer in) {
      this.in = in;
    }

    boolean hasNext() {
      return in.hasRemaining();
    }

    /** False if the next varint has no end or is too long. */
    boolean isWhole() {
      int end = Math.min(in.limit(), in.position() + MAX_BYTES);
      for (int i = in.position(); i < end; i++) {
        if (in.get(i) >= 0) {
          return true;
        }
      }
      return false;
    }

    long next() {
      long v = 0;
      int shift = 0;
      byte b;
      do {
        b = in.get();
        v |= (long) (b & 0x7f) << shift;
        shift += 7;
      } while (b < 0);
      return v;
    }
  }

  /** The varints of several packed fields, one after the other. */
  private static final class Chunks {
    private final List<Varints> parts = new ArrayList<>();
    private int at;

    Chunks(List<ByteString> chunks) {
      chunks.forEach(c -> parts.add(new Varints(c.asReadOnlyByteBuffer())));
    }

    long next() {
      while (!parts.get(at).hasNext()) {
        at++;
      }
      return parts.get(at).next();
    }
  }

  private BadInputException bad(String place, String found, String expected) {
    return BadInputException.of(file, place, found, expected);
  }
}
