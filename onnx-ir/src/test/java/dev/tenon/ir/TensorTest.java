package dev.tenon.ir;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.testing.RandomInputs;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TensorTest {

  private static Tensor floats(long... dims) {
    return RandomInputs.floats(11, dims);
  }

  /** The element at an index, by the definition of row-major order. */
  private static double at(Tensor t, long... index) {
    long offset = 0;
    for (int i = 0; i < index.length; i++) {
      offset = offset * t.dim(i) + index[i];
    }
    return t.toDoubles()[(int) offset];
  }

  private static List<long[]> indices(long[] dims) {
    List<long[]> all = new ArrayList<>(List.of(new long[0]));
    for (long d : dims) {
      List<long[]> next = new ArrayList<>();
      for (long[] i : all) {
        for (long k = 0; k < d; k++) {
          long[] longer = java.util.Arrays.copyOf(i, i.length + 1);
          longer[i.length] = k;
          next.add(longer);
        }
      }
      all = next;
    }
    return all;
  }

  // ---- moving elements ----

  @Test
  void permutingMovesEveryElementToItsPlace() {
    Random r = new Random(2);
    for (long[] dims : new long[][] {{2, 3, 4, 5}, {3, 3, 3, 3}, {1, 4, 1}, {2, 0, 3}, {7}}) {
      for (DataType type : List.of(DataType.FLOAT, DataType.INT64, DataType.UINT8, DataType.FLOAT16)) {
        Tensor t = RandomInputs.tensor(type, dims, 3);
        List<Integer> perm = new ArrayList<>();
        for (int i = 0; i < dims.length; i++) {
          perm.add(i);
        }
        java.util.Collections.shuffle(perm, r);
        Tensor p = t.permute(perm.stream().mapToInt(i -> i).toArray());
        for (long[] index : indices(p.dims())) {
          long[] from = new long[index.length];
          for (int i = 0; i < index.length; i++) {
            from[perm.get(i)] = index[i];
          }
          assertEquals(at(t, from), at(p, index), t + " by " + perm);
        }
      }
    }
  }

  @Test
  void permutationsComposeAndCancel() {
    Tensor t = floats(2, 3, 4);
    assertEquals("permute(random, 1 2 0)", t.permute(2, 0, 1).permute(2, 0, 1).recipe().toString());
    assertArrayEquals(t.permute(1, 2, 0).toFloats(), t.permute(2, 0, 1).permute(2, 0, 1).toFloats());
    assertSame(t, t.permute(2, 0, 1).permute(1, 2, 0));
    assertThrows(IllegalArgumentException.class, () -> t.permute(0, 0, 1));
    assertThrows(IllegalArgumentException.class, () -> t.permute(0, 1));
  }

  @Test
  void slicesReversalsAndConcatenationsAgreeWithEachOther() {
    Tensor t = floats(3, 5, 2);
    for (int axis = 0; axis < 3; axis++) {
      long d = t.dim(axis);
      Tensor whole = Tensor.concat(axis, List.of(t.slice(axis, 0, 1).evaluated(), t.slice(axis, 1, d).evaluated()));
      assertTrue(t.contentEquals(whole), "axis " + axis);
      Tensor reversed = t.reverse(axis);
      assertTrue(t.contentEquals(reversed.evaluated().reverse(axis)), "axis " + axis);
      assertTrue(t.slice(axis, 0, 1).contentEquals(reversed.slice(axis, d - 1, d)), "axis " + axis);
    }
    assertEquals(0, t.slice(1, 2, 2).bytes().remaining());
    assertTrue(t.slice(-1, 1, 2).contentEquals(t.slice(2, 1, 2)));
    assertThrows(IllegalArgumentException.class, () -> t.slice(1, 0, 6));
    assertThrows(IllegalArgumentException.class, () -> Tensor.concat(0, List.of(t, floats(3, 4, 2))));
  }

  @Test
  void slicesOfPartsNameOnlyTheParametersTheyTouch() {
    Tensor a = parameter("a");
    Tensor b = parameter("b");
    Tensor both = Tensor.concat(0, List.of(a.reshape(1, 12), b.reshape(1, 12)));
    assertEquals("b", both.slice(0, 1, 2).reshape(12).recipe().toString());
    Tensor line = Tensor.concat(0, List.of(a, b));
    assertEquals("concat(slice(a, axis 0, 10:12), slice(b, axis 0, 0:3), axis 0)", line.slice(0, 10, 15).recipe().toString());
    assertEquals("slice(a, axis 0, 3:5)", line.slice(0, 2, 7).slice(0, 1, 3).recipe().toString());
    assertTrue(line.slice(0, 10, 15).contentEquals(line.evaluated().slice(0, 10, 15)));
  }

  /** ONNX has an LSTM's gates in the order i o f c, PyTorch and Keras i f c o: there and back is nothing at all. */
  @Test
  void partsPutBackInOrderAreTheWhole() {
    Tensor w = parameter("w");
    Tensor onnx = Tensor.concat(0, List.of(w.slice(0, 0, 3), w.slice(0, 9, 12), w.slice(0, 3, 9)));
    Tensor keras = Tensor.concat(0, List.of(onnx.slice(0, 0, 3), onnx.slice(0, 6, 9), onnx.slice(0, 9, 12), onnx.slice(0, 3, 6)));
    assertSame(w, keras);
    Tensor swapped = Tensor.concat(0, List.of(w.slice(0, 6, 12), w.slice(0, 0, 6)));
    assertEquals("concat(slice(w, axis 0, 6:12), slice(w, axis 0, 0:6), axis 0)", swapped.recipe().toString());
    assertSame(w, w.reverse(0).reverse(0));
  }

  private static Tensor parameter(String name) {
    Tensor t = floats(12);
    return Tensor.source(name, DataType.FLOAT, new long[] {12}, Storage.of(t.bytes()));
  }

  @Test
  void reshapingKeepsTheOrderAndTheNumberOfElements() {
    Tensor t = floats(2, 6);
    assertArrayEquals(t.toFloats(), t.reshape(3, 4).toFloats());
    assertSame(t, t.reshape(3, 4).reshape(2, 6));
    assertEquals("reshape(random, 12)", t.reshape(3, 4).reshape(12).recipe().toString());
    assertThrows(IllegalArgumentException.class, () -> t.reshape(5));
    assertEquals(List.of("a", "b"), Tensor.ofStrings(List.of("a", "b"), 2).reshape(1, 2).toStrings());
  }

  // ---- arithmetic ----

  @Test
  void binaryRecipesBroadcastLikeNumPy() {
    for (long[][] pair : new long[][][] {{{2, 3, 4}, {3, 1}}, {{4}, {2, 3, 1}}, {{}, {2, 3}}, {{3, 3}, {3, 3}}, {{1, 3}, {2, 1}}, {{0, 3}, {1}}}) {
      Tensor a = floats(pair[0]);
      Tensor b = RandomInputs.floats(12, pair[1]);
      Tensor sum = a.plus(b);
      for (long[] index : indices(sum.dims())) {
        double expected = at(a, project(index, a)) + at(b, project(index, b));
        assertEquals((float) expected, at(sum, index), a + " + " + b);
      }
    }
    assertThrows(IllegalArgumentException.class, () -> floats(2, 3).times(floats(2, 4)));
    assertThrows(IllegalArgumentException.class, () -> floats(2).plus(Tensor.vector(1, 2)));
  }

  private static long[] project(long[] index, Tensor t) {
    long[] own = new long[t.rank()];
    for (int i = 0; i < own.length; i++) {
      own[i] = t.dim(i) == 1 ? 0 : index[index.length - own.length + i];
    }
    return own;
  }

  @Test
  void aChainOfOperationsIsRoundedOnce() {
    // In float32 steps, (1 + 1e-8) - 1 would be 0.
    Tensor one = Tensor.scalar(1f);
    assertEquals(1e-8f, (float) one.plus(Tensor.scalar(1e-8f)).minus(one).item(), 1e-15f);
    assertEquals(0.5, Tensor.scalar(4f).sqrt().reciprocal().item());
    assertEquals(-3, Tensor.scalar(3L).negate().item());
    Tensor third = one.dividedBy(Tensor.scalar(3f));
    assertEquals(1f / 3, third.toDoubles()[0], "the elements are those of the type");
    assertEquals(6, Tensor.scalar(7L).dividedBy(Tensor.scalar(2L)).times(Tensor.scalar(2L)).item(), "integers divide as integers");
  }

  @Test
  void castsFollowOnnx() {
    Tensor f = Tensor.of(new float[] {1.9f, -1.9f, 0, 300, Float.NaN}, 5);
    assertArrayEquals(new long[] {1, -1, 0, 300}, f.slice(0, 0, 4).cast(DataType.INT64).toLongs());
    assertArrayEquals(new long[] {1, 1, 0, 1, 1}, f.cast(DataType.BOOL).toLongs());
    assertArrayEquals(new long[] {44}, Tensor.vector(300).cast(DataType.UINT8).toLongs(), "integers wrap around");
    long big = (1L << 53) + 1;
    assertEquals(big, Tensor.vector(big).cast(DataType.UINT64).toLongs()[0], "integer casts do not go through double");
    assertEquals(2.5, Tensor.scalar(DataType.FLOAT16, 2.5).item());
    assertSame(f, f.cast(DataType.FLOAT));
  }

  @Test
  void halfPrecisionRoundsToNearestEven() {
    for (int bits = 0; bits < 0x10000; bits++) {
      float h = HalfFloats.fromFloat16((short) bits);
      if (!Float.isNaN(h)) {
        assertEquals((short) bits, HalfFloats.toFloat16(h), "float16 bits " + bits);
      }
      float b = HalfFloats.fromBfloat16((short) bits);
      if (!Float.isNaN(b)) {
        assertEquals((short) bits, HalfFloats.toBfloat16(b), "bfloat16 bits " + bits);
      }
    }
    assertEquals(0x3c00, HalfFloats.toFloat16(1 + 0x1p-11), "half way goes to the even neighbour below");
    assertEquals(0x3c02, HalfFloats.toFloat16(1 + 3 * 0x1p-11), "half way goes to the even neighbour above");
    assertEquals(0x7bff, HalfFloats.toFloat16(65519));
    assertEquals(0x7c00, HalfFloats.toFloat16(65520));
    assertEquals(1, HalfFloats.toFloat16(0x1p-24));
    assertEquals(0, HalfFloats.toFloat16(0x1p-25));
    assertEquals((short) 0x8000, HalfFloats.toFloat16(-0.0));
    assertEquals(0x7f80, HalfFloats.toBfloat16(Double.POSITIVE_INFINITY));
    assertTrue(Float.isNaN(HalfFloats.fromBfloat16(HalfFloats.toBfloat16(Double.NaN))));
  }

  // ---- recipes and storage ----

  @Test
  void aRecipeKnowsTheParametersItComesFrom() {
    Tensor w = Tensor.source("conv.weight", DataType.FLOAT, new long[] {2, 2}, Storage.of(ByteBuffer.allocate(16)));
    Tensor s = Tensor.source("bn.weight", DataType.FLOAT, new long[] {2, 1}, Storage.of(ByteBuffer.allocate(8)));
    Tensor t = w.times(s).permute(1, 0).plus(Tensor.scalar(1f));
    assertEquals(Set.of("conv.weight", "bn.weight"), t.recipe().sources());
    assertEquals("(permute((conv.weight * bn.weight), 1 0) + 1.0)", t.recipe().toString());
    assertEquals(Set.of(), t.evaluated().recipe().sources());
    assertTrue(t.contentEquals(t.evaluated()));
  }

  @Test
  void aStorageOfAnotherSizeIsRefused() {
    assertThrows(IllegalArgumentException.class,
        () -> Tensor.source("w", DataType.FLOAT, new long[] {3}, Storage.of(ByteBuffer.allocate(8))));
    assertThrows(ArithmeticException.class,
        () -> Tensor.source("w", DataType.FLOAT, new long[] {1L << 40, 1L << 40}, Storage.of(ByteBuffer.allocate(8))));
  }

  @Test
  void aFileIsReadWhereTheTensorIsAndWrittenWhole(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("w.bin");
    Tensor t = floats(100, 7);
    byte[] bytes = new byte[t.bytes().remaining()];
    t.bytes().get(bytes);
    byte[] padded = new byte[bytes.length + 13];
    System.arraycopy(bytes, 0, padded, 13, bytes.length);
    Files.write(file, padded);
    Tensor read = Tensor.source("w", DataType.FLOAT, new long[] {100, 7}, Storage.ofFile(file, 13, bytes.length));
    assertTrue(t.contentEquals(read));
    for (Tensor out : List.of(read, read.permute(1, 0).permute(1, 0), read.reverse(0).reverse(0))) {
      ByteArrayOutputStream written = new ByteArrayOutputStream();
      out.writeTo(Channels.newChannel(written));
      assertArrayEquals(bytes, written.toByteArray());
    }
  }

  @Test
  void contentIsComparedWithTypeAndShape() {
    Tensor t = floats(2, 3);
    assertTrue(t.contentEquals(t.permute(1, 0).permute(1, 0)));
    assertFalse(t.contentEquals(t.reshape(3, 2)));
    assertFalse(t.contentEquals(t.cast(DataType.DOUBLE)));
    assertFalse(t.contentEquals(t.negate()));
    assertFalse(Tensor.ofStrings(List.of("a"), 1).contentEquals(Tensor.ofStrings(List.of("b"), 1)));
  }
}
