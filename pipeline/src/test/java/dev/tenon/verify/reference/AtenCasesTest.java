package dev.tenon.verify.reference;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Tensor;
import dev.tenon.verify.TensorComparison;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every line of {@code aten-cases.txt} gives in ONNX Runtime, lowered with the inputs' shapes known and with them open, what it gives in
 * libtorch. A line marked as missing must be that: a new lowering takes its mark away.
 */
class AtenCasesTest {
  @TempDir
  private static Path folder;

  @TestFactory
  Stream<DynamicTest> everyCallGivesWhatItGivesInLibtorch() throws IOException {
    return OpCase.all().stream().map(c -> DynamicTest.dynamicTest(c.text(), () -> check(c)));
  }

  private static void check(OpCase c) throws IOException {
    List<Tensor> expected = LibtorchOps.expected(c, folder);
    if (c.missing()) {
      assertFalse(LibtorchOps.lower(c, false).problems().isEmpty(), "is not missing any more");
      return;
    }
    check(c, expected, "", LibtorchOps.lower(c, false));
    if (!c.needsShapes()) {
      check(c, expected, "with open shapes: ", LibtorchOps.lower(c, true));
    }
    // The type of an input is not in the archive, but for what reads it.
    if (c.inputs().stream().allMatch(i -> i.value().dtype() == DataType.FLOAT)) {
      check(c, expected, "read from an archive: ", LibtorchOps.read(c, folder));
    }
  }

  private static void check(OpCase c, List<Tensor> expected, String how, LibtorchOps.Lowered lowered) {
    assertEquals(List.of(), lowered.problems(), how);
    List<Tensor> actual = LibtorchOps.run(c, lowered.model());
    assertEquals(expected.size(), actual.size(), how + "number of results");
    for (int i = 0; i < actual.size(); i++) {
      double tolerance = TensorComparison.toleranceOf(expected.get(i).dtype(), c.tolerance());
      TensorComparison error = TensorComparison.of(expected.get(i), actual.get(i));
      int result = i;
      assertTrue(error.within(tolerance), () -> how + "result " + result + ": " + error + "\n" + text(expected.get(result)) + " in libtorch\n"
          + text(actual.get(result)) + " lowered");
    }
  }

  private static String text(Tensor t) {
    double[] values = t.toDoubles();
    return Arrays.toString(Arrays.copyOf(values, Math.min(values.length, 24)));
  }
}
