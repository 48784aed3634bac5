package dev.tenon.ir.testing;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.HalfFloats;
import dev.tenon.ir.Model;
import dev.tenon.ir.Storage;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * Seeded random tensors for the inputs of a model.
 *
 * <p>Floats are normal with a mean off zero and a slope along the elements, so that no two places, axes or signs look alike and a
 * transposed or flipped tensor is never mistaken for the right one. Integers are uniform in a range, [0, 8) unless told: valid
 * indices for most vocabularies. Masks of bool are true three times in four.
 */
public final class RandomInputs {
  private final long seed;
  private final Map<String, Long> sizes = new HashMap<>();
  private final Map<String, long[]> ranges = new HashMap<>();
  private final Map<String, Tensor> given = new HashMap<>();
  private long unknownSize = 3;

  private RandomInputs(long seed) {
    this.seed = seed;
  }

  public static RandomInputs seeded(long seed) {
    return new RandomInputs(seed);
  }

  /** Gives a symbol of the inputs' shapes a value; other symbols get 2, 3, … in order of appearance. */
  public RandomInputs size(String symbol, long value) {
    sizes.put(symbol, value);
    return this;
  }

  public RandomInputs sizes(Map<String, Long> values) {
    sizes.putAll(values);
    return this;
  }

  /** The size of anonymous dimensions; 3 unless told. */
  public RandomInputs unknown(long value) {
    this.unknownSize = value;
    return this;
  }

  /** Integers of this input are in [from, to). */
  public RandomInputs range(String input, long from, long to) {
    ranges.put(input, new long[] {from, to});
    return this;
  }

  /** This input gets this tensor. */
  public RandomInputs given(String input, Tensor t) {
    given.put(input, t);
    return this;
  }

  /** A tensor for each input of the model that has no default. */
  public Map<String, Tensor> forModel(Model model) {
    Map<String, Tensor> feeds = new LinkedHashMap<>();
    Map<String, Long> all = new HashMap<>(sizes);
    for (Value v : model.graph().inputs()) {
      if (v.isInitializer()) {
        continue;
      }
      if (given.containsKey(v.name())) {
        feeds.put(v.name(), given.get(v.name()));
        continue;
      }
      List<Long> dims = new ArrayList<>();
      for (Dim d : v.shape().dims()) {
        dims.add(size(d, all));
      }
      // The seed of an input depends on its name alone, so that another input does not change it.
      Random random = new Random(seed * 31 + v.name().hashCode());
      long[] range = ranges.getOrDefault(v.name(), new long[] {0, 8});
      feeds.put(v.name(), tensor(v.dtype(), dims.stream().mapToLong(Long::longValue).toArray(), random, range));
    }
    return feeds;
  }

  private long size(Dim d, Map<String, Long> all) {
    if (d.isAnonymous()) {
      return unknownSize;
    }
    for (String s : d.symbols()) {
      all.computeIfAbsent(s, k -> 2L + all.size());
    }
    return d.evaluate(all).orElse(unknownSize);
  }

  /** A random float32 tensor. */
  public static Tensor floats(long seed, long... dims) {
    return tensor(DataType.FLOAT, dims, new Random(seed), null);
  }

  /** A random tensor of any type but the sub-byte, 8-bit float and complex ones. */
  public static Tensor tensor(DataType dtype, long[] dims, long seed) {
    return tensor(dtype, dims, new Random(seed), new long[] {0, 8});
  }

  private static Tensor tensor(DataType dtype, long[] dims, Random random, long[] range) {
    long count = 1;
    for (long d : dims) {
      count = Math.multiplyExact(count, d);
    }
    int n = Math.toIntExact(count);
    if (dtype == DataType.STRING) {
      List<String> strings = new ArrayList<>();
      for (int i = 0; i < n; i++) {
        strings.add("s" + random.nextInt(1000));
      }
      return Tensor.ofStrings(strings, dims);
    }
    ByteBuffer b = ByteBuffer.allocate(Math.toIntExact(dtype.byteSize(n))).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < n; i++) {
      double x = dtype.isFloat() ? random.nextGaussian() + 0.1 + 0.5 * i / n : 0;
      long k = dtype.isInteger() ? range[0] + (long) (random.nextDouble() * (range[1] - range[0])) : 0;
      switch (dtype) {
        case FLOAT -> b.putFloat((float) x);
        case DOUBLE -> b.putDouble(x);
        case FLOAT16 -> b.putShort(HalfFloats.toFloat16(x));
        case BFLOAT16 -> b.putShort(HalfFloats.toBfloat16(x));
        case INT64, UINT64 -> b.putLong(k);
        case INT32, UINT32 -> b.putInt((int) k);
        case INT16, UINT16 -> b.putShort((short) k);
        case INT8, UINT8 -> b.put((byte) k);
        case BOOL -> b.put((byte) (random.nextInt(4) == 0 ? 0 : 1));
        default -> throw new UnsupportedOperationException("random elements of type " + dtype);
      }
    }
    return Tensor.constant("random", dtype, dims, Storage.of(b.flip()));
  }
}
