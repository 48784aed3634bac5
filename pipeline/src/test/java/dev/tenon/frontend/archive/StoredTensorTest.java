package dev.tenon.frontend.archive;

import static dev.tenon.frontend.archive.BadInputs.assertBad;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Recipe;
import dev.tenon.ir.Storage;
import dev.tenon.ir.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Windows of storages: whatever lies within is read as PyTorch reads it, whatever does not is refused. */
class StoredTensorTest {
  private static final long HUGE = 1L << 40;

  private static Storage floats(int count) {
    ByteBuffer b = ByteBuffer.allocate(4 * count).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < count; i++) {
      b.putFloat(i);
    }
    return Storage.of(b.flip());
  }

  private static StoredTensor tensor(List<Long> sizes, List<Long> strides, long offset) {
    return StoredTensor.of("f.pt", "data.pkl", DataType.FLOAT, sizes, strides, offset, floats(24), "0");
  }

  private static void bad(List<Long> sizes, List<Long> strides, long offset, String... parts) {
    assertBad(() -> tensor(sizes, strides, offset), parts);
    assertBad(() -> tensor(sizes, strides, offset), "f.pt: data.pkl: storage 0: found ");
  }

  private static double[] values(StoredTensor t) {
    return t.toTensor("x").toDoubles();
  }

  @Test
  void windowsAreReadInRowMajorOrder() {
    assertArrayEquals(new double[] {4, 5, 6, 7}, values(tensor(List.of(2L, 2L), List.of(2L, 1L), 4)));
    assertArrayEquals(new double[] {0, 3, 1, 4, 2, 5}, values(tensor(List.of(3L, 2L), List.of(1L, 3L), 0)));
    assertArrayEquals(new double[] {7, 7, 7}, values(tensor(List.of(3L), List.of(0L), 7)));
    assertArrayEquals(new double[] {23}, values(tensor(List.of(), List.of(), 23)));
    assertArrayEquals(new double[0], values(tensor(List.of(0L, 5L), List.of(5L, 1L), 0)));
    assertArrayEquals(new double[] {0, 1, 2, 1, 2, 3}, values(tensor(List.of(2L, 3L), List.of(1L, 1L), 0)));
  }

  @Test
  void anyPermutationAndStepAgreesWithIndexing() {
    Random random = new Random(3);
    for (int round = 0; round < 200; round++) {
      List<Long> sizes = new ArrayList<>();
      List<Long> strides = new ArrayList<>();
      long stride = 1;
      for (int i = 0; i < 1 + random.nextInt(4); i++) {
        long size = 1 + random.nextInt(4);
        stride *= 1 + random.nextInt(2);
        sizes.add(size);
        strides.add(stride);
        stride *= size;
      }
      long seed = random.nextLong();
      Collections.shuffle(sizes, new Random(seed));
      Collections.shuffle(strides, new Random(seed));
      int offset = random.nextInt(3);
      long last = 0;
      for (int i = 0; i < sizes.size(); i++) {
        last += (sizes.get(i) - 1) * strides.get(i);
      }
      StoredTensor t = StoredTensor.of("f", "", DataType.FLOAT, sizes, strides, offset, floats((int) (offset + last + 1)), "0");
      double[] all = values(t);
      assertArrayEquals(indexed(sizes, strides, offset), all, sizes + " " + strides);
      // Any piece of it too, at odd bytes.
      Storage elements = t.elements();
      int from = random.nextInt(all.length * 4);
      int length = random.nextInt(all.length * 4 - from + 1);
      assertEquals(elements.read(0, all.length * 4).slice(from, length), elements.read(from, length));
    }
  }

  private static double[] indexed(List<Long> sizes, List<Long> strides, long offset) {
    int numel = (int) (long) sizes.stream().reduce(1L, (a, b) -> a * b);
    double[] values = new double[numel];
    for (int n = 0; n < numel; n++) {
      long rest = n;
      long at = offset;
      for (int i = sizes.size() - 1; i >= 0; i--) {
        at += rest % sizes.get(i) * strides.get(i);
        rest /= sizes.get(i);
      }
      values[n] = at;
    }
    return values;
  }

  @Test
  void everyElementWidthIsGathered() {
    ByteBuffer b = ByteBuffer.allocate(16 * 6).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < b.capacity(); i++) {
      b.put(i, (byte) i);
    }
    for (DataType type : List.of(DataType.INT8, DataType.FLOAT16, DataType.FLOAT, DataType.DOUBLE, DataType.COMPLEX128)) {
      int width = type.bits() / 8;
      StoredTensor t = StoredTensor.of("f", "", type, List.of(3L, 2L), List.of(1L, 3L), 0, Storage.of(b), "0");
      ByteBuffer read = t.elements().read(0, 6 * width);
      for (int n = 0; n < 6; n++) {
        assertEquals(b.slice((n / 2 + n % 2 * 3) * width, width), read.slice(n * width, width), type + " element " + n);
      }
    }
  }

  @Test
  void aWholeStorageIsNotWrapped() {
    Storage s = floats(6);
    StoredTensor t = StoredTensor.dense("f", "", DataType.FLOAT, List.of(2L, 3L), s, "0");
    assertSame(s, t.elements());
    assertTrue(t.isContiguous());
    assertFalse(tensor(List.of(3L, 2L), List.of(1L, 3L), 0).isContiguous());
    // Strides of dimensions of one element say nothing.
    assertTrue(tensor(List.of(1L, 4L), List.of(1L, 1L), 0).isContiguous());
  }

  @Test
  void namesAndNotesBecomeRecipes() {
    StoredTensor t = tensor(List.of(2L), List.of(1L), 0);
    assertEquals("a.b", ((Recipe.Source) t.toTensor("a.b").recipe()).name());
    Tensor c = t.toConstant("a mask");
    assertEquals("a mask", ((Recipe.Constant) c.recipe()).note());
  }

  @Test
  void tiedWeightsAreRecognised() {
    StoredTensor t = tensor(List.of(2L, 3L), List.of(3L, 1L), 0);
    assertTrue(t.sameElements(tensor(List.of(2L, 3L), List.of(3L, 1L), 0)));
    assertFalse(t.sameElements(tensor(List.of(2L, 3L), List.of(3L, 1L), 1)));
    assertFalse(t.sameElements(tensor(List.of(3L, 2L), List.of(1L, 3L), 0)));
  }

  @Test
  void storageShorterThanTheTensor() {
    bad(List.of(5L, 5L), List.of(5L, 1L), 0, "reach byte 100", "within the storage's 96 bytes");
    bad(List.of(24L), List.of(1L), 1, "reach byte 100");
    bad(List.of(), List.of(), 24, "reach byte 100");
  }

  @Test
  void stridesOutsideTheStorage() {
    bad(List.of(2L, 2L), List.of(24L, 1L), 0, "strides [24, 1]", "within the storage's 96 bytes");
    bad(List.of(2L), List.of(HUGE), 0, "within the storage");
    bad(List.of(2L), List.of(Long.MAX_VALUE), 1, "within the storage");
    bad(List.of(3L), List.of(Long.MAX_VALUE / 2), 1, "within the storage");
  }

  @Test
  void billionsOfElements() {
    bad(List.of(HUGE, HUGE), List.of(HUGE, 1L), 0, "within the storage");
    bad(List.of(HUGE, HUGE, HUGE), List.of(0L, 0L, 0L), 0, "within the storage");
    bad(List.of(4_000_000_000L), List.of(1L), 0, "reach byte 16000000000");
    bad(List.of(0L, Long.MAX_VALUE, 2L), List.of(1L, 1L, 1L), 0, "within the storage");
  }

  @Test
  void hugeExpandedTensors() {
    bad(List.of(HUGE), List.of(0L), 0, "expanded from 96", "at most");
    assertEquals(4096 * 4096, tensor(List.of(4096L, 4096L), List.of(0L, 0L), 3).numel());
  }

  @Test
  void negativeNumbers() {
    bad(List.of(-1L), List.of(1L), 0, "no negative numbers");
    bad(List.of(2L), List.of(-1L), 5, "no negative numbers");
    bad(List.of(2L), List.of(1L), -1, "no negative numbers");
    bad(List.of(2L), List.of(1L), Long.MIN_VALUE, "no negative numbers");
  }

  @Test
  void malformedDescriptions() {
    bad(List.of(2L, 3L), List.of(1L), 0, "2 sizes and 1 strides");
    bad(Collections.nCopies(65, 1L), Collections.nCopies(65, 1L), 0, "rank 65");
    assertBad(() -> StoredTensor.of("f", "", DataType.UINT4, List.of(2L), List.of(1L), 0, floats(1), "0"), "uint4");
    assertBad(() -> StoredTensor.dense("f", "", DataType.FLOAT, List.of(HUGE, HUGE, HUGE), floats(1), "0"), "within the storage");
  }
}
