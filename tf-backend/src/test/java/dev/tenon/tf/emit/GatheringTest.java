package dev.tenon.tf.emit;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Tensor;
import dev.tenon.tf.Conversion;
import dev.tenon.tf.testing.EmitterTester;
import dev.tenon.tf.testing.Tensors;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GatheringTest {

  @ParameterizedTest
  @ValueSource(ints = {0, 1, -1})
  void negativeIndicesCountFromTheEnd(int axis) {
    EmitterTester.op("Gather").attr("axis", axis).input(DataType.FLOAT, "n", 4, "n").input(Tensor.of(new long[] {-1, 0, 2, -3}, 2, 2))
        .sizes("n", 3).sizes("n", 5).check(0);
    EmitterTester.op("Gather").attr("axis", axis).input(DataType.FLOAT, "n", 4, "n").constant(-1, 0).sizes("n", 3).sizes("n", 5).check(0);
    for (long i : new long[] {-1, -2, 0, 1}) {
      EmitterTester.op("Gather").attr("axis", axis).input(DataType.FLOAT, "n", 4, "n").constant(Tensor.scalar(i)).sizes("n", 3).sizes("n", 4).check(0);
    }
    EmitterTester.op("Gather").attr("axis", axis).input(DataType.INT8, 3, 4, 5).input(Tensor.of(new int[] {1, -1}, 2)).check(0);
    EmitterTester.op("Gather").input(DataType.STRING, 3).input(Tensor.of(new int[] {1, -1}, 2)).check(0);
  }

  @Test
  void embeddingTablesAreNamedSo() {
    EmitterTester t = EmitterTester.op("Gather").parameter(Tensors.random(new Random(1), DataType.FLOAT, 7, 3))
        .input((r, d) -> Tensors.integers(r, DataType.INT64, 0, 6, d), DataType.INT64, "n", "t").sizes("n", 2, "t", 3);
    t.check(0);
    Conversion c = t.convert();
    assertEquals("layer/p0/embeddings", c.variables().get(0).name());
    assertEquals(List.of("Placeholder", "VarHandleOp", "ReadVariableOp", "Const", "GatherV2"),
        ElementwiseTest.ops(c), "nothing but the lookup");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, -1})
  void elementsAlongAnAxisWithFewerIndices(int axis) {
    EmitterTester.op("GatherElements").attr("axis", axis).input(DataType.FLOAT, "n", 4, 5)
        .input((r, d) -> Tensors.integers(r, DataType.INT64, -3, 2, d), DataType.INT64, "n", 4, 5).sizes("n", 3).sizes("n", 4).check(0);
    EmitterTester.op("GatherElements").attr("axis", axis).input(DataType.FLOAT, 3, 4, 5)
        .input((r, d) -> Tensors.integers(r, DataType.INT32, -3, 2, d), DataType.INT32, 2, 3, 5).check(0);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2})
  void coordinatesWithBatchAxes(int batch) {
    for (int depth = 1; depth <= 4 - batch; depth++) {
      EmitterTester.op("GatherND").attr("batch_dims", batch).input(DataType.FLOAT, "n", 3, 4, 3)
          .input((r, d) -> Tensors.integers(r, DataType.INT64, -2, 1, d), DataType.INT64, "n", 3, 2, depth).sizes("n", 3).sizes("n", 2).check(0);
    }
  }

  @Test
  void eightCoordinates() {
    EmitterTester.op("GatherND").input(DataType.FLOAT, 2, 1, 2, 1, 2, 2, 1, 2)
        .input((r, d) -> Tensors.integers(r, DataType.INT64, -1, 0, d), DataType.INT64, 5, 8).check(0);
  }

  @Test
  void conditionsSelect() {
    Tensor condition = Tensor.of(new long[] {0, 1, 1}, 3).cast(DataType.BOOL).evaluated();
    EmitterTester.op("Compress").attr("axis", 1).input(DataType.FLOAT, 2, 5).input(condition).check(0);
    EmitterTester.op("Compress").input(DataType.FLOAT, 2, 5).input(condition).check(0);
    EmitterTester.op("NonZero").input((r, d) -> Tensors.integers(r, DataType.INT64, 0, 1, d), DataType.INT64, "n", 4).sizes("n", 3).sizes("n", 0).check(0);
    EmitterTester.op("NonZero").input(DataType.BOOL, 5).check(0);
  }

  @Test
  void oneHotWithAxisAndNegativeOrExcessiveIndices() {
    for (int axis : new int[] {-1, 0, 1, -2}) {
      EmitterTester.op("OneHot").attr("axis", axis).input(Tensor.of(new long[] {0, -1, 2, 5, -4, 1}, 2, 3)).constant(Tensor.scalar(4L))
          .input(Tensor.of(new float[] {-1, 2.5f}, 2)).check(0);
    }
    EmitterTester.op("OneHot").input(Tensor.of(new float[] {1, 3}, 2)).input(Tensor.of(new float[] {4}, 1)).constant(Tensor.of(new float[] {0, 1}, 2)).check(0);
  }

  @Test
  void reversedPrefixes() {
    EmitterTester.op("ReverseSequence").input(DataType.FLOAT, 4, "n", 2).input(Tensor.vector(1, 4, 3)).sizes("n", 3).check(0);
    EmitterTester.op("ReverseSequence").attr("time_axis", 1).attr("batch_axis", 0).input(DataType.FLOAT, 2, 4).input(Tensor.vector(2, 3)).check(0);
  }

  @ParameterizedTest
  @ValueSource(strings = {"none", "add", "mul", "min", "max"})
  void scatteredElements(String reduction) {
    for (int axis : new int[] {0, 1, -1}) {
      Tensor indices = Tensor.of(new long[] {0, -1, 1, 2, 1, 0}, 1, 2, 3);
      EmitterTester.op("ScatterElements").opset(18).attr("axis", axis).attr("reduction", reduction).input(DataType.FLOAT, "n", 3, "n")
          .input(indices).input(DataType.FLOAT, 1, 2, 3).sizes("n", 4).sizes("n", 3).check(1e-6);
    }
    EmitterTester.op("ScatterND").opset(18).attr("reduction", reduction).input(DataType.FLOAT, "n", 4, 2)
        .input(Tensor.of(new long[] {0, 1, -1, -2, 2, 0}, 3, 2)).input(DataType.FLOAT, 3, 2).sizes("n", 4).sizes("n", 3).check(1e-6);
    EmitterTester.op("ScatterND").opset(18).attr("reduction", reduction).input(DataType.FLOAT, 2, 2, 1, 2, 2, 1, 2)
        .input(Tensor.of(new long[] {0, 1, 0, 1, 0, 0, 1, 1, 0, -1, 1, 0}, 2, 6)).input(DataType.FLOAT, 2, 2).check(1e-6);
  }

  @Test
  void uniqueValuesSortedOrNot() {
    Tensor x = Tensor.of(new float[] {3, 1, 2, 3, -1, 1}, 6);
    for (long sorted : new long[] {0, 1}) {
      EmitterTester.op("Unique").attr("sorted", sorted).input(x).outputs(4).check(0);
      EmitterTester.op("Unique").attr("sorted", sorted).input(x.reshape(2, 3).evaluated()).outputs(4).check(0);
      EmitterTester.op("Unique").attr("sorted", sorted).attr("axis", 0)
          .input(Tensor.of(new long[] {2, 1, 2, 1, 0, 5, 2, 0}, 4, 2)).outputs(4).check(0);
    }
  }

  @Test
  void suppressedBoxes() {
    for (long center : new long[] {0, 1}) {
      EmitterTester.op("NonMaxSuppression").attr("center_point_box", center)
          .input((r, d) -> Tensors.uniform(r, DataType.FLOAT, 0.1, 1, d), DataType.FLOAT, 2, 12, 4)
          .input((r, d) -> Tensors.uniform(r, DataType.FLOAT, 0, 1, d), DataType.FLOAT, 2, 3, 12).constant(5)
          .constant(Tensor.of(new float[] {0.3f}, 1)).input(Tensor.of(new float[] {0.2f}, 1)).check(0);
    }
  }

  @Test
  void cachesAreWrittenFromEachSamplesPlace() {
    Tensor cache = Tensor.of(new float[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, 2, 2, 3, 1);
    Tensor update = Tensor.of(new float[] {-1, -2, -3, -4, -5, -6, -7, -8}, 2, 2, 2, 1);
    EmitterTester.op("TensorScatter").opset(24).dynamicInput(cache).dynamicInput(update).dynamicInput(Tensor.vector(1, 0))
        .expect(Tensor.of(new float[] {1, -1, -2, 4, -3, -4, -5, -6, 9, -7, -8, 12}, 2, 2, 3, 1)).check(0);
    EmitterTester.op("TensorScatter").opset(24).input(cache).input(update).input(Tensor.vector(2, 1)).attr("mode", "circular")
        .expect(Tensor.of(new float[] {-2, 2, -1, -4, 5, -3, 7, -5, -6, 10, -7, -8}, 2, 2, 3, 1)).check(0);
    EmitterTester.op("TensorScatter").opset(24).input(cache).input(Tensor.of(new float[] {-1, -2, -3, -4, -5, -6}, 2, 1, 3, 1)).attr("axis", 1)
        .expect(Tensor.of(new float[] {-1, -2, -3, 4, 5, 6, -4, -5, -6, 10, 11, 12}, 2, 2, 3, 1)).check(0);
  }
}
