package dev.tenon.tf.emit;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Tensor;
import dev.tenon.tf.testing.EmitterTester;
import dev.tenon.tf.testing.Tensors;
import java.util.List;
import java.util.Random;
import java.util.function.BiFunction;
import org.junit.jupiter.api.Test;

class RegionsTest {
  /** Places are float32; an ulp of a place near 10 moves a sample by some 1e-6 of its neighbours' difference. */
  private static final double TOLERANCE = 1e-5;

  /** Corners x1, y1, x2, y2 from inside, across the border and beyond; also with the second corner before the first. */
  private static Tensor regions(Random r, long[] dims) {
    return Tensors.uniform(r, DataType.FLOAT, -4, 24, dims);
  }

  /** First corners before the second, which ONNX Runtime asks for where the grid is adaptive. */
  private static Tensor orderedRegions(Random r, long[] dims) {
    double[] v = new double[(int) (dims[0] * 4)];
    for (int i = 0; i < v.length; i++) {
      v[i] = i % 4 < 2 ? r.nextDouble() * 12 - 4 : v[i - 2] + r.nextDouble() * 14;
    }
    return Tensor.of(v, dims).cast(DataType.FLOAT).evaluated();
  }

  private static Tensor batchIndices(Random r, long[] dims) {
    return Tensors.integers(r, DataType.INT64, 0, 1, dims);
  }

  private static EmitterTester roiAlign(int opset, long height, long width) {
    return roiAlign(RegionsTest::regions, opset, height, width);
  }

  private static EmitterTester roiAlign(BiFunction<Random, long[], Tensor> regions, int opset, long height, long width) {
    return EmitterTester.op("RoiAlign").opset(opset).input(DataType.FLOAT, "n", 3, "h", "w").input(regions, DataType.FLOAT, "r", 4)
        .input(RegionsTest::batchIndices, DataType.INT64, "r").attr("output_height", height).attr("output_width", width)
        .attr("spatial_scale", 0.5f).sizes("n", 2, "h", 7, "w", 9, "r", 5).sizes("n", 3, "h", 8, "w", 8, "r", 8);
  }

  @Test
  void meansAndMaximaOfRegions() {
    for (String mode : List.of("avg", "max")) {
      for (String transformation : List.of("half_pixel", "output_half_pixel")) {
        for (int ratio : new int[] {1, 2, 3}) {
          roiAlign(16, 3, 2).attr("mode", mode).attr("coordinate_transformation_mode", transformation).attr("sampling_ratio", ratio)
              .check(TOLERANCE);
        }
      }
    }
  }

  @Test
  void anAdaptiveGridHasAsManySamplesAsTheRegionNeeds() {
    for (String mode : List.of("avg", "max")) {
      for (String transformation : List.of("half_pixel", "output_half_pixel")) {
        roiAlign(RegionsTest::orderedRegions, 16, 2, 3).attr("mode", mode).attr("coordinate_transformation_mode", transformation).check(TOLERANCE);
      }
    }
  }

  @Test
  void theDefaultTransformationChangedWithOpset16() {
    roiAlign(10, 2, 2).attr("sampling_ratio", 2).check(TOLERANCE);
    roiAlign(16, 2, 2).attr("sampling_ratio", 2).check(TOLERANCE);
  }

  @Test
  void oneBinAndNoRegion() {
    for (int ratio : new int[] {0, 2}) {
      EmitterTester.op("RoiAlign").opset(16).input(DataType.DOUBLE, 1, 2, 1, 6)
          .input((r, d) -> Tensors.uniform(r, DataType.DOUBLE, 0, 5, d), DataType.DOUBLE, "r", 4)
          .input((r, d) -> Tensors.integers(r, DataType.INT64, 0, 0, d), DataType.INT64, "r").attr("sampling_ratio", ratio)
          .sizes("r", 1).sizes("r", 4).check(TOLERANCE);
      EmitterTester.op("RoiAlign").opset(16).input(DataType.FLOAT, 1, 2, 5, 6).input(DataType.FLOAT, "r", 4).input(DataType.INT64, "r")
          .attr("sampling_ratio", ratio).attr("output_height", 2).attr("output_width", 3)
          .sizes("r", 0).expect(Tensor.of(new float[0], 0, 2, 2, 3)).check(0);
    }
  }

  @Test
  void unpoolingPutsMaximaBack() {
    Tensor indices = Tensor.of(new long[] {1, 5, 12, 18, 26, 29, 38, 47}, 1, 2, 2, 2);
    EmitterTester.op("MaxUnpool").opset(11).input(DataType.FLOAT, 1, 2, 2, 2).input(indices).ints("kernel_shape", 2, 3).ints("strides", 2, 3)
        .check(0);
    EmitterTester.op("MaxUnpool").opset(11).input(DataType.FLOAT, 1, "c", 2, "w")
        .input((r, d) -> indices, DataType.INT64, 1, "c", 2, "w").ints("kernel_shape", 2, 3).ints("strides", 2, 3).sizes("c", 2, "w", 2).check(0);
    EmitterTester.op("MaxUnpool").opset(11).input(DataType.FLOAT, 1, 2, 2, 2)
        .input(Tensor.of(new long[] {0, 2, 7, 11, 13, 17, 19, 20}, 1, 2, 2, 2)).ints("kernel_shape", 3, 2).ints("strides", 2, 1)
        .ints("pads", 1, 0, 0, 0).check(0);
  }

  @Test
  void unpoolingToAGivenShapeCountsIndicesInTheUnpooledShape() {
    Tensor indices = Tensor.of(new long[] {5, 7, 13, 15}, 1, 1, 2, 2);
    EmitterTester.op("MaxUnpool").opset(11).input(DataType.FLOAT, 1, 1, 2, 2).input(indices).constant(1, 1, 5, 5).ints("kernel_shape", 2, 2)
        .ints("strides", 2, 2).check(0);
  }
}
