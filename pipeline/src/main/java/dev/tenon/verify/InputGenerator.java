package dev.tenon.verify;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Makes inputs that a wrong conversion cannot pass by luck: different at every place and along every axis, the same for the same
 * seed.
 */
final class InputGenerator {
  private final Random random;
  private final double low;
  private final double high;

  /**
   * A generator.
   *
   * @param low least real number; with {@code high} NaN for the standard normal distribution
   */
  InputGenerator(long seed, double low, double high) {
    this.random = new Random(seed);
    this.low = low;
    this.high = high;
  }

  /**
   * The elements of one input. Pictures are strokes on paper, with noise: networks that look for text give next to nothing on noise
   * alone, and of next to nothing even the roundings are large.
   */
  Tensor generate(InputKind kind, DataType dtype, long[] dims) {
    int n = Math.toIntExact(product(dims));
    return switch (kind.meaning()) {
      case STRINGS -> Tensor.ofStrings(strings(n), dims);
      case IMAGE -> typed(dtype == DataType.UINT8 ? integers(n, 0, 256) : Double.isNaN(low) ? strokes(dims) : numbers(n), dtype, dims);
      case NUMBERS -> typed(dtype == DataType.UINT8 ? integers(n, 0, 256) : numbers(n), dtype, dims);
      case INDICES -> typed(integers(n, 0, kind.bound()), dtype, dims);
      case INTEGERS -> typed(integers(n, 1, kind.bound() + 1), dtype, dims);
      case BOOLEANS -> typed(integers(n, 0, 2), dtype, dims);
      case MASK -> typed(lengths(dims, true), dtype, dims);
      case SEGMENTS -> typed(lengths(dims, false), dtype, dims);
      case POSITIONS -> typed(positions(dims, kind.bound()), dtype, dims);
    };
  }

  private static Tensor typed(double[] values, DataType dtype, long[] dims) {
    return Tensor.of(values, dims).cast(dtype).evaluated();
  }

  private double[] numbers(int n) {
    double[] v = new double[n];
    for (int i = 0; i < n; i++) {
      v[i] = Double.isNaN(low) ? random.nextGaussian() : low + (high - low) * random.nextDouble();
    }
    return v;
  }

  private double[] integers(int n, long from, long to) {
    double[] v = new double[n];
    for (int i = 0; i < n; i++) {
      v[i] = from + (long) (random.nextDouble() * (to - from));
    }
    return v;
  }

  /** Dark blocks in lines on light paper, a little noise, and a shade for each channel. */
  private double[] strokes(long[] dims) {
    double[] v = new double[Math.toIntExact(product(dims))];
    int at = 0;
    int style = random.nextInt(11);
    for (long n = 0; n < dims[0]; n++) {
      for (long c = 0; c < dims[1]; c++) {
        for (long y = 0; y < dims[2]; y++) {
          for (long x = 0; x < dims[3]; x++) {
            boolean line = y % 24 >= 8 && y % 24 < 20;
            boolean ink = line && ((y / 3) * 5 + (x / 3) * 7 + (y / 3) * (x / 3) + n + style) % 11 < 5;
            v[at++] = (ink ? -0.9 : 0.9) + 0.05 * c + 0.05 * random.nextGaussian();
          }
        }
      }
    }
    return v;
  }

  /** Ones up to a length that differs from row to row ({@code leading}), or from there on; the first row is full. */
  private double[] lengths(long[] dims, boolean leading) {
    int row = dims.length == 0 ? 1 : (int) dims[dims.length - 1];
    double[] v = new double[Math.toIntExact(product(dims))];
    for (int start = 0; start < v.length; start += Math.max(1, row)) {
      int half = Math.max(1, row / 2);
      int length = leading && start == 0 ? row : half + random.nextInt(Math.max(1, row - half));
      for (int i = 0; i < row; i++) {
        v[start + i] = i < length == leading ? 1 : 0;
      }
    }
    return v;
  }

  private static double[] positions(long[] dims, long bound) {
    int row = dims.length == 0 ? 1 : (int) dims[dims.length - 1];
    double[] v = new double[Math.toIntExact(product(dims))];
    for (int i = 0; i < v.length; i++) {
      v[i] = (i % Math.max(1, row)) % bound;
    }
    return v;
  }

  private List<String> strings(int n) {
    List<String> words = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      words.add("word" + random.nextInt(1000));
    }
    return words;
  }

  static long product(long[] dims) {
    long n = 1;
    for (long d : dims) {
      n = Math.multiplyExact(n, d);
    }
    return n;
  }
}
