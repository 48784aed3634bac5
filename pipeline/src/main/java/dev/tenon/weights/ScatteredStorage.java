package dev.tenon.weights;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Storage;
import dev.tenon.ir.Tensor;
import dev.tenon.weights.RecipeSolver.Piece;
import java.lang.ref.SoftReference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.function.Supplier;

/** A parameter put together from pieces each time it is read; where two overlap, the first counts. */
final class ScatteredStorage {
  private ScatteredStorage() {}

  /** True if the pieces hold every element. */
  static boolean covers(List<Piece> pieces, long elements) {
    if (pieces.stream().anyMatch(p -> p.index() == null)) {
      return true;
    }
    BitSet seen = new BitSet();
    for (Piece p : pieces) {
      for (int i : p.index().toInts()) {
        if (i >= 0) {
          seen.set(i);
        }
      }
    }
    return seen.cardinality() == elements;
  }

  /**
   * The whole parameter.
   *
   * @param fallback elements to be taken where what the pieces say is not a number (a division by a scale of zero); or null
   */
  static Tensor assemble(String name, Tensor like, List<Piece> pieces, Tensor fallback) {
    Piece whole = pieces.stream().filter(p -> p.index() == null).findFirst().orElse(null);
    if (whole != null && RecipeSolver.movesOnly(whole.values())) {
      return whole.values();
    }
    DataType dtype = like.dtype();
    return Tensor.source(name, dtype, like.dims(), remembered(like.byteSize(), () -> {
      ByteBuffer bytes = whole != null ? whole.values().bytes() : scattered(like, pieces);
      return fallback == null ? bytes : patched(bytes, dtype, whole != null ? whole.values() : null, fallback);
    }));
  }

  /** Keeps what it has computed for as long as memory allows: large tensors are read in pieces. */
  private static Storage remembered(long byteSize, Supplier<ByteBuffer> compute) {
    List<SoftReference<ByteBuffer>> last = new ArrayList<>(List.of(new SoftReference<>(null)));
    return Storage.decoded(byteSize, () -> {
      ByteBuffer bytes = last.get(0).get();
      if (bytes == null) {
        bytes = compute.get();
        last.set(0, new SoftReference<>(bytes));
      }
      return bytes;
    });
  }

  private static ByteBuffer scattered(Tensor like, List<Piece> pieces) {
    int size = like.dtype().bits() / 8;
    int n = Math.toIntExact(like.numel());
    ByteBuffer all = ByteBuffer.allocate(Math.multiplyExact(n, size)).order(ByteOrder.LITTLE_ENDIAN);
    BitSet seen = new BitSet(n);
    byte[] element = new byte[size];
    for (Piece p : pieces) {
      ByteBuffer values = p.values().bytes();
      int[] index = p.index().toInts();
      for (int i = 0; i < index.length; i++) {
        if (index[i] >= 0 && !seen.get(index[i])) {
          seen.set(index[i]);
          values.get(i * size, element);
          all.put(index[i] * size, element);
        }
      }
    }
    return all;
  }

  private static ByteBuffer patched(ByteBuffer bytes, DataType dtype, Tensor computed, Tensor fallback) {
    if (computed == null || !dtype.isFloat()) {
      return bytes;
    }
    Tensor t = Tensor.constant("computed", dtype, computed.dims(), Storage.of(bytes));
    double[] values = t.toDoubles();
    ByteBuffer other = null;
    ByteBuffer result = bytes;
    int size = dtype.bits() / 8;
    byte[] element = new byte[size];
    for (int i = 0; i < values.length; i++) {
      if (!Double.isFinite(values[i])) {
        if (other == null) {
          other = fallback.cast(dtype).bytes();
          result = ByteBuffer.allocate(bytes.remaining()).order(ByteOrder.LITTLE_ENDIAN).put(bytes.duplicate()).flip();
        }
        other.get(i * size, element);
        result.put(i * size, element);
      }
    }
    return result;
  }
}
