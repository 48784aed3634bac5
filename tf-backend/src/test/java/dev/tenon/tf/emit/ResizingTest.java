package dev.tenon.tf.emit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Tensor;
import dev.tenon.tf.testing.EmitterTester;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.tensorflow.proto.NodeDef;

class ResizingTest {
  /** Coordinates are float32 in both; an ulp of a coordinate near 10 moves a result by some 1e-6. */
  private static final double TOLERANCE = 5e-6;
  private static final List<String> COORDINATES = List.of("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric",
      "half_pixel_symmetric");

  private static EmitterTester byScale(String mode, float h, float w) {
    return EmitterTester.op("Resize").opset(19).input(DataType.FLOAT, "n", 3, "h", "w").omitted()
        .constant(Tensor.of(new float[] {1, 1, h, w}, 4)).attr("mode", mode).sizes("n", 2, "h", 5, "w", 6).sizes("n", 3, "h", 3, "w", 3);
  }

  private static EmitterTester bySize(String mode, long h, long w) {
    return EmitterTester.op("Resize").opset(19).input(DataType.FLOAT, 2, 3, 7, 6).omitted().omitted().constant(2, 3, h, w).attr("mode", mode);
  }

  @Test
  void nearestInEveryMode() {
    for (String coordinates : COORDINATES) {
      for (String nearest : List.of("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")) {
        for (float[] s : new float[][] {{2, 2}, {3, 1}, {1.5f, 2.5f}, {0.5f, 0.7f}}) {
          byScale("nearest", s[0], s[1]).attr("coordinate_transformation_mode", coordinates).attr("nearest_mode", nearest).check(0);
        }
        bySize("nearest", 14, 3).attr("coordinate_transformation_mode", coordinates).attr("nearest_mode", nearest).check(0);
      }
    }
  }

  @Test
  void linearAndCubicInEveryMode() {
    for (String mode : List.of("linear", "cubic")) {
      for (String coordinates : COORDINATES) {
        for (float[] s : new float[][] {{2, 2}, {3, 1}, {1.5f, 2.5f}, {0.5f, 0.7f}}) {
          byScale(mode, s[0], s[1]).attr("coordinate_transformation_mode", coordinates).check(TOLERANCE);
        }
        for (long[] s : new long[][] {{14, 12}, {3, 9}, {1, 1}}) {
          bySize(mode, s[0], s[1]).attr("coordinate_transformation_mode", coordinates).check(TOLERANCE);
        }
      }
    }
  }

  @Test
  void cubicWithAnotherCoefficientAndNothingFromOutside() {
    byScale("cubic", 1.7f, 0.6f).attr("cubic_coeff_a", -0.5f).attr("exclude_outside", 1).check(TOLERANCE);
    bySize("cubic", 4, 11).attr("cubic_coeff_a", -0.5f).attr("exclude_outside", 1).check(TOLERANCE);
  }

  @Test
  void antialiasing() {
    for (String mode : List.of("linear", "cubic")) {
      for (long exclude : new long[] {0, 1}) {
        bySize(mode, 3, 4).attr("antialias", 1).attr("exclude_outside", exclude).check(TOLERANCE);
        bySize(mode, 9, 4).attr("antialias", 1).attr("exclude_outside", exclude).check(TOLERANCE);
      }
    }
  }

  @Test
  void cropping() {
    for (String mode : List.of("linear", "nearest")) {
      EmitterTester.op("Resize").opset(19).input(DataType.FLOAT, 1, 2, 6, 7)
          .constant(Tensor.of(new float[] {0, 0, 0.4f, -0.3f, 1, 1, 1.2f, 0.7f}, 8)).omitted().constant(1, 2, 3, 4).attr("mode", mode)
          .attr("coordinate_transformation_mode", "tf_crop_and_resize").attr("extrapolation_value", 10f).check(TOLERANCE);
    }
  }

  @Test
  void oneAndThreeDimensionsAndOtherAxes() {
    EmitterTester.op("Resize").opset(19).input(DataType.FLOAT, "n", 3, "t").omitted().constant(Tensor.of(new float[] {1, 1, 2.5f}, 3))
        .attr("mode", "linear").sizes("n", 2, "t", 5).check(TOLERANCE);
    EmitterTester.op("Resize").opset(19).input(DataType.FLOAT, "n", 3, "d", "h", "w").omitted()
        .constant(Tensor.of(new float[] {1, 1, 2, 1.5f, 2}, 5)).attr("mode", "linear").sizes("n", 2, "d", 2, "h", 4, "w", 3).check(TOLERANCE);
    EmitterTester.op("Resize").opset(19).input(DataType.FLOAT, "n", 3, "d", "h", "w").omitted()
        .constant(Tensor.of(new float[] {1, 1, 2, 2, 2}, 5)).attr("mode", "nearest").attr("coordinate_transformation_mode", "asymmetric")
        .attr("nearest_mode", "floor").sizes("n", 2, "d", 2, "h", 4, "w", 3).check(0);
    EmitterTester.op("Resize").opset(19).input(DataType.FLOAT, "n", 3, "h", "w").omitted().constant(Tensor.of(new float[] {2, 3}, 2))
        .ints("axes", 3, 2).attr("mode", "linear").sizes("n", 2, "h", 4, "w", 3).check(TOLERANCE);
    EmitterTester.op("Resize").opset(19).input(DataType.FLOAT, 4, 6).omitted().constant(Tensor.of(new float[] {2, 0.5f}, 2))
        .attr("mode", "linear").check(TOLERANCE);
  }

  @Test
  void sizesKnownAtRunTimeOnly() {
    for (String mode : List.of("nearest", "linear", "cubic")) {
      EmitterTester.op("Resize").opset(19).input(DataType.FLOAT, "n", 3, "h", "w").omitted().omitted()
          .input(Tensor.vector(2, 3, 11, 5)).attr("mode", mode).sizes("n", 2, "h", 7, "w", 6).check(TOLERANCE);
    }
  }

  @Test
  void upsampleAndTheFirstResize() {
    for (String mode : List.of("nearest", "linear")) {
      EmitterTester.op("Upsample").opset(9).input(DataType.FLOAT, "n", 3, "h", "w").constant(Tensor.of(new float[] {1, 1, 2, 3}, 4))
          .attr("mode", mode).sizes("n", 2, "h", 4, "w", 3).check(TOLERANCE);
      EmitterTester.op("Upsample").opset(7).input(DataType.FLOAT, "n", 3, "h", "w").floats("scales", 1, 1, 2, 3).attr("mode", mode)
          .sizes("n", 2, "h", 4, "w", 3).check(TOLERANCE);
      EmitterTester.op("Resize").opset(10).input(DataType.FLOAT, "n", 3, "h", "w").constant(Tensor.of(new float[] {1, 1, 0.5f, 2}, 4))
          .attr("mode", mode).sizes("n", 2, "h", 4, "w", 3).check(TOLERANCE);
    }
  }

  @Test
  void theUsualResizesAreOneOperation() {
    for (String mode : List.of("nearest", "linear")) {
      List<String> ops = EmitterTester.op("Resize").opset(19).input(DataType.FLOAT, "n", 3, 4, 5).omitted()
          .constant(Tensor.of(new float[] {1, 1, 2, 2}, 4)).attr("mode", mode).attr("coordinate_transformation_mode", "half_pixel").convert()
          .graph().getNodeList().stream().map(NodeDef::getOp).filter(o -> !o.matches("Const|Transpose|Placeholder|EnsureShape")).toList();
      assertEquals(1, ops.size(), ops.toString());
      assertTrue(ops.get(0).matches("ResizeNearestNeighbor|ResizeBilinear"), ops.toString());
    }
  }
}
