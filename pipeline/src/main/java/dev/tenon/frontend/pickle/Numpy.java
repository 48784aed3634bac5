package dev.tenon.frontend.pickle;

import dev.tenon.frontend.archive.StoredTensor;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Storage;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** NumPy's scalars and arrays, which training scripts leave among the metrics of a checkpoint. */
final class Numpy {
  static final String NDARRAY = "numpy.ndarray";
  private static final String DTYPE = "numpy.dtype";

  private Numpy() {}

  static void register(Map<String, PickleGlobal> to) {
    Globals.add(to, DTYPE, (place, args) -> new PickleObject(DTYPE, new PickleTuple(args)));
    Globals.add(to, NDARRAY, null);
    for (String numpy : List.of("numpy.core", "numpy._core")) {
      Globals.add(to, numpy + ".multiarray.scalar", Numpy::scalar);
      // _reconstruct(ndarray, (0,), b'b'); the state comes with BUILD.
      Globals.add(to, numpy + ".multiarray._reconstruct", (place, args) -> new PickleObject(NDARRAY, new PickleTuple(List.of())));
      Globals.add(to, numpy + ".numeric._frombuffer", Numpy::fromBuffer);
    }
  }

  /** The type that a dtype stands for; empty for those of text, dates and objects. */
  private static Optional<DataType> type(PicklePlace place, Object dtype) {
    if (!(dtype instanceof PickleObject o) || !o.className().equals(DTYPE)) {
      throw place.bad(PicklePlace.describe(dtype) + " as an array's type", "a numpy.dtype");
    }
    if (o.state() instanceof PickleTuple state && state.size() > 1 && ">".equals(state.get(1))) {
      throw place.bad("a big-endian NumPy array", "little-endian elements");
    }
    Object code = o.args().size() > 0 ? o.args().get(0) : "";
    return Optional.ofNullable(switch (code instanceof String s ? s : "") {
      case "b1" -> DataType.BOOL;
      case "i1" -> DataType.INT8;
      case "i2" -> DataType.INT16;
      case "i4" -> DataType.INT32;
      case "i8" -> DataType.INT64;
      case "u1" -> DataType.UINT8;
      case "u2" -> DataType.UINT16;
      case "u4" -> DataType.UINT32;
      case "u8" -> DataType.UINT64;
      case "f2" -> DataType.FLOAT16;
      case "f4" -> DataType.FLOAT;
      case "f8" -> DataType.DOUBLE;
      case "c8" -> DataType.COMPLEX64;
      case "c16" -> DataType.COMPLEX128;
      default -> null;
    });
  }

  /** {@code scalar(dtype, bytes)}: a plain number where it is one, and otherwise an opaque object. */
  private static Object scalar(PicklePlace place, List<Object> args) {
    Optional<DataType> type = type(place, place.arg(args, 0, "scalar"));
    if (type.isEmpty()) {
      return new PickleObject("numpy.generic", new PickleTuple(args));
    }
    byte[] bytes = bytes(place, place.arg(args, 1, "scalar"));
    DataType t = type.get();
    if (bytes.length != t.bits() / 8) {
      throw place.bad("a NumPy scalar of " + bytes.length + " bytes", t.bits() / 8 + ", as " + t + " has");
    }
    ByteBuffer b = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    return switch (t) {
      case BOOL -> b.get() != 0;
      case INT8 -> (long) b.get();
      case UINT8 -> (long) (b.get() & 0xff);
      case INT16 -> (long) b.getShort();
      case UINT16 -> (long) (b.getShort() & 0xffff);
      case INT32 -> (long) b.getInt();
      case UINT32 -> b.getInt() & 0xffffffffL;
      case INT64 -> b.getLong();
      case UINT64 -> unsigned(b.getLong());
      case FLOAT -> (double) b.getFloat();
      case DOUBLE -> b.getDouble();
      case FLOAT16 -> dev.tenon.ir.Tensor.constant("numpy", t, new long[0], Storage.of(b)).item();
      case COMPLEX64 -> new PickleComplex(b.getFloat(), b.getFloat());
      default -> new PickleComplex(b.getDouble(), b.getDouble());
    };
  }

  private static Object unsigned(long bits) {
    return bits >= 0 ? (Object) bits : new BigInteger(Long.toUnsignedString(bits));
  }

  private static byte[] bytes(PicklePlace place, Object value) {
    if (value instanceof byte[] b) {
      return b;
    }
    // Python 2 wrote bytes as strings.
    return place.string(value, "an array's bytes").getBytes(StandardCharsets.ISO_8859_1);
  }

  /** The state of an array, {@code (version, shape, dtype, fortran, bytes)}: a tensor, or the state itself for arrays of other things. */
  static Object array(PicklePlace place, Object state) {
    List<?> s = place.sequence(state, "an array's state");
    if (s.size() != 5) {
      throw place.bad("an array's state of " + s.size() + " fields", "(version, shape, dtype, order, bytes)");
    }
    Optional<DataType> type = type(place, s.get(2));
    return type.isEmpty() ? state : tensor(place, type.get(), s.get(1), Boolean.TRUE.equals(s.get(3)), bytes(place, s.get(4)));
  }

  /** {@code _frombuffer(bytes, dtype, shape, order)}, of protocol 5. */
  private static Object fromBuffer(PicklePlace place, List<Object> args) {
    PickleObject result = new PickleObject(NDARRAY, new PickleTuple(List.of()));
    Optional<DataType> type = type(place, place.arg(args, 1, "_frombuffer"));
    if (type.isPresent()) {
      boolean fortran = "F".equals(place.arg(args, 3, "_frombuffer"));
      result.state(tensor(place, type.get(), args.get(2), fortran, bytes(place, args.get(0))));
    }
    return result;
  }

  private static StoredTensor tensor(PicklePlace place, DataType type, Object shape, boolean fortran, byte[] bytes) {
    List<Long> sizes = place.integers(shape, "an array's shape");
    Storage storage = Storage.of(ByteBuffer.wrap(bytes));
    String key = "array " + place.serial();
    if (!fortran) {
      return StoredTensor.dense(place.file(), place.position(), type, sizes, storage, key);
    }
    List<Long> reversed = new ArrayList<>(sizes);
    Collections.reverse(reversed);
    StoredTensor t = StoredTensor.dense(place.file(), place.position(), type, reversed, storage, key);
    List<Long> strides = new ArrayList<>(t.strides());
    Collections.reverse(strides);
    return StoredTensor.of(place.file(), place.position(), type, sizes, strides, 0, storage, key);
  }
}
