package dev.tenon.frontend.archive;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.tenon.ir.DataType;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The two numberings, as {@code c10/core/ScalarType.h} and {@code torch/_export/serde/schema.py} of PyTorch 2.13 have them. */
class ScalarTypeTest {

  @Test
  void theTwoNumberingsDiffer() {
    assertEquals(Optional.of(ScalarType.BFLOAT16), ScalarType.ofC10(15));
    assertEquals(Optional.of(ScalarType.BFLOAT16), ScalarType.ofExported(13));
    assertEquals(Optional.of(ScalarType.UINT8), ScalarType.ofC10(0));
    assertEquals(Optional.of(ScalarType.UINT8), ScalarType.ofExported(1));
    assertEquals(Optional.empty(), ScalarType.ofExported(0));
    assertEquals(Optional.of(ScalarType.FLOAT8_E4M3FN), ScalarType.ofC10(24));
    assertEquals(Optional.of(ScalarType.FLOAT8_E4M3FN), ScalarType.ofExported(29));
    assertEquals(Optional.of(ScalarType.UINT64), ScalarType.ofC10(29));
    assertEquals(Optional.of(ScalarType.UINT64), ScalarType.ofExported(35));
  }

  @Test
  void unknownNumbersAreNoTypes() {
    for (long n : new long[] {-1, 99, 1L << 32, Long.MIN_VALUE}) {
      assertEquals(Optional.empty(), ScalarType.ofC10(n));
      assertEquals(Optional.empty(), ScalarType.ofExported(n));
    }
  }

  @Test
  void namesAndStorages() {
    assertEquals(Optional.of(ScalarType.FLOAT16), ScalarType.ofLabel("torch.half"));
    assertEquals(Optional.of(ScalarType.INT64), ScalarType.ofLabel("int64"));
    assertEquals(Optional.of(ScalarType.COMPLEX64), ScalarType.ofStorageClass("ComplexFloatStorage"));
    assertEquals(Optional.empty(), ScalarType.ofLabel("strided"));
  }

  @Test
  void widthsAreThoseOfTheIr() {
    for (ScalarType t : ScalarType.values()) {
      t.dtype().ifPresent(d -> assertEquals(d.bits(), 8 * t.byteSize(), t.toString()));
    }
    assertEquals(Optional.of(ScalarType.UINT8), ScalarType.of(DataType.UINT8));
    assertEquals(Optional.empty(), ScalarType.COMPLEX32.dtype());
  }
}
