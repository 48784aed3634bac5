package dev.tenon.frontend.archive;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Storage;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.io.Quote;
import java.util.List;
import java.util.Optional;

/**
 * A tensor as PyTorch's files hold it: a window of a storage, which several tensors may share. Make it by {@link #of}, which
 * believes nothing before it has been held against the storage's size.
 *
 * @param dtype of the elements; for a quantized tensor the integers'
 * @param sizes the dimensions
 * @param strides of each dimension, in elements; never negative, 0 where the dimension is expanded
 * @param offset of the first element in the storage, in elements
 * @param storage the bytes, read only when they are asked for
 * @param storageKey the storage's name in its file; tensors of the same key share their elements
 * @param quantization what the integers of a quantized tensor mean
 */
public record StoredTensor(DataType dtype, List<Long> sizes, List<Long> strides, long offset, Storage storage, String storageKey,
    Optional<Quantization> quantization) {
  private static final int MAX_RANK = 64;
  /** An expanded tensor may have more elements than its storage, up to this size: causal masks and position ids do. */
  private static final long MAX_EXPANDED_BYTES = 1L << 28;

  public StoredTensor {
    sizes = List.copyOf(sizes);
    strides = List.copyOf(strides);
  }

  /**
   * A checked window.
   *
   * @param file for the message
   * @param place where in the file the tensor is described, for the message
   * @throws BadInputException if the window is not within the storage, or of an absurd size
   */
  public static StoredTensor of(Object file, String place, DataType dtype, List<Long> sizes, List<Long> strides, long offset,
      Storage storage, String storageKey) {
    String where = place.isEmpty() ? "storage " + storageKey : place + ": storage " + storageKey;
    if (dtype.bits() < 8) {
      throw BadInputException.of(file, where, "elements of type " + dtype, "a type of whole bytes");
    }
    if (sizes.size() != strides.size()) {
      throw BadInputException.of(file, where, sizes.size() + " sizes and " + strides.size() + " strides", "as many of each");
    }
    if (sizes.size() > MAX_RANK) {
      throw BadInputException.of(file, where, "a tensor of rank " + sizes.size(), "at most " + MAX_RANK);
    }
    if (offset < 0 || sizes.stream().anyMatch(s -> s < 0) || strides.stream().anyMatch(s -> s < 0)) {
      throw BadInputException.of(file, where, Quote.of("sizes " + sizes + ", strides " + strides + " and offset " + offset),
          "no negative numbers");
    }
    check(file, where, dtype.bits() / 8, sizes, strides, offset, storage.byteSize());
    return new StoredTensor(dtype, sizes, strides, offset, storage, storageKey, Optional.empty());
  }

  private static void check(Object file, String where, long elementBytes, List<Long> sizes, List<Long> strides, long offset,
      long storageBytes) {
    String window = Quote.of("sizes " + sizes + ", strides " + strides + " and offset " + offset);
    long bytes = elementBytes;
    long end = offset;
    try {
      for (int i = 0; i < sizes.size(); i++) {
        bytes = Math.multiplyExact(bytes, sizes.get(i));
        end = Math.addExact(end, Math.multiplyExact(Math.max(0, sizes.get(i) - 1), strides.get(i)));
      }
      // The product of sizes with a zero among them is zero, yet each of them must be a plausible dimension.
      long nonZero = 1;
      for (long s : sizes) {
        nonZero = Math.multiplyExact(nonZero, Math.max(1, s));
      }
      end = Math.multiplyExact(Math.addExact(end, 1), elementBytes);
    } catch (ArithmeticException e) {
      throw BadInputException.of(file, where, window, "a tensor within the storage's " + storageBytes + " bytes");
    }
    if (bytes == 0) {
      return;
    }
    if (end > storageBytes) {
      throw BadInputException.of(file, where, window + ", which reach byte " + end, "a tensor within the storage's " + storageBytes
          + " bytes");
    }
    if (bytes > Math.max(storageBytes, MAX_EXPANDED_BYTES)) {
      throw BadInputException.of(file, where, window + ", " + bytes + " bytes expanded from " + storageBytes,
          "at most " + MAX_EXPANDED_BYTES + " bytes; save a tensor.clone() if it is meant");
    }
  }

  /** A dense tensor that is all of a storage, its elements in row-major order. */
  public static StoredTensor dense(Object file, String place, DataType dtype, List<Long> sizes, Storage storage, String storageKey) {
    Long[] strides = new Long[sizes.size()];
    long stride = 1;
    for (int i = strides.length - 1; i >= 0; i--) {
      strides[i] = stride;
      // Saturated: the check of the sizes refuses what overflows.
      stride = Math.multiplyHigh(stride, Math.max(1, sizes.get(i))) != 0 ? Long.MAX_VALUE : Math.max(1, stride * Math.max(1, sizes.get(i)));
    }
    return of(file, place, dtype, sizes, List.of(strides), 0, storage, storageKey);
  }

  /** The same tensor with its scales and zero points. */
  public StoredTensor withQuantization(Quantization q) {
    return new StoredTensor(dtype, sizes, strides, offset, storage, storageKey, Optional.of(q));
  }

  /** The dimensions as the IR wants them. */
  public long[] dims() {
    return sizes.stream().mapToLong(Long::longValue).toArray();
  }

  public int rank() {
    return sizes.size();
  }

  /** The number of elements; 1 for a scalar. */
  public long numel() {
    return sizes.stream().reduce(1L, Math::multiplyExact);
  }

  /** True if the elements are one run of the storage, in row-major order. */
  public boolean isContiguous() {
    long expected = 1;
    for (int i = sizes.size() - 1; i >= 0; i--) {
      if (sizes.get(i) == 0) {
        return true;
      }
      if (sizes.get(i) != 1) {
        if (strides.get(i) != expected) {
          return false;
        }
        expected *= sizes.get(i);
      }
    }
    return true;
  }

  /** True if both are the same elements of the same storage, as tied weights are. */
  public boolean sameElements(StoredTensor other) {
    return storageKey.equals(other.storageKey) && dtype == other.dtype && offset == other.offset && sizes.equals(other.sizes)
        && strides.equals(other.strides);
  }

  /** The elements as a parameter of the source file under the given name. */
  public Tensor toTensor(String name) {
    return Tensor.source(name, dtype, dims(), elements());
  }

  /** The elements as a constant. */
  public Tensor toConstant(String note) {
    return Tensor.constant(note, dtype, dims(), elements());
  }

  /** The elements in row-major order: a run of the storage where they are one, and otherwise gathered piece by piece as they are read. */
  public Storage elements() {
    int elementBytes = dtype.bits() / 8;
    long bytes = numel() * elementBytes;
    if (bytes == 0 || isContiguous()) {
      return WindowStorage.of(storage, bytes == 0 ? 0 : offset * elementBytes, bytes);
    }
    return new GatheredStorage(storage, offset * elementBytes, elementBytes, dims(), strides.stream().mapToLong(Long::longValue).toArray());
  }

  /** {@code float32[64,3,7,7] of data/0}. */
  @Override
  public String toString() {
    return dtype + sizes.toString().replace(" ", "") + " of " + storageKey;
  }
}
