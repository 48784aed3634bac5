package dev.tenon.tf.emit;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Tensor;
import dev.tenon.tf.testing.EmitterTester;
import dev.tenon.tf.testing.Tensors;
import java.util.List;
import org.junit.jupiter.api.Test;

class GridSamplingTest {
  /** Places are float32; an ulp of a place near 10 moves a sample by some 1e-6 of its neighbours' difference, cubic weights more. */
  private static final double TOLERANCE = 1e-5;

  @Test
  void samplesInEveryMode() {
    for (String mode : List.of("bilinear", "nearest", "bicubic")) {
      for (String padding : List.of("zeros", "border", "reflection")) {
        for (long corners : new long[] {0, 1}) {
          EmitterTester.op("GridSample").opset(16).input(DataType.FLOAT, "n", 3, "h", "w")
              .input((r, d) -> Tensors.uniform(r, DataType.FLOAT, -1.6, 1.5, d), DataType.FLOAT, "n", 4, "k", 2)
              .attr("mode", mode).attr("padding_mode", padding).attr("align_corners", corners)
              .sizes("n", 2, "h", 5, "w", 7, "k", 6).sizes("n", 4, "h", 4, "w", 4, "k", 4).check(TOLERANCE);
        }
      }
    }
  }

  @Test
  void samplesInThreeDimensions() {
    for (String mode : List.of("linear", "nearest")) {
      for (String padding : List.of("zeros", "border", "reflection")) {
        EmitterTester.op("GridSample").opset(20).input(DataType.FLOAT, "n", 3, 4, 5, 6)
            .input((r, d) -> Tensors.uniform(r, DataType.FLOAT, -1.3, 1.4, d), DataType.FLOAT, "n", 2, 3, 4, 3)
            .attr("mode", mode).attr("padding_mode", padding).sizes("n", 2).check(TOLERANCE);
      }
    }
  }

  @Test
  void affineGrids() {
    for (long corners : new long[] {0, 1}) {
      EmitterTester.op("AffineGrid").opset(20).input(DataType.FLOAT, 2, 2, 3).constant(2, 3, 4, 5).attr("align_corners", corners).check(1e-6);
    }
  }

  @Test
  void spaceAndDepth() {
    for (String mode : List.of("DCR", "CRD")) {
      EmitterTester.op("DepthToSpace").input(DataType.FLOAT, "n", 12, "h", "w").attr("blocksize", 2).attr("mode", mode)
          .sizes("n", 2, "h", 3, "w", 4).sizes("n", 1, "h", 12, "w", 12).check(0);
    }
    EmitterTester.op("SpaceToDepth").input(DataType.FLOAT, "n", 3, "h", "w").attr("blocksize", 2).sizes("n", 2, "h", 4, "w", 6).check(0);
  }

  @Test
  void dropoutAtInferenceChangesNothing() {
    EmitterTester.op("Dropout").opset(13).outputs(2).input(DataType.FLOAT, "n", 5).constant(Tensor.scalar(0.3f)).sizes("n", 2).check(0);
    EmitterTester.op("Dropout").opset(7).input(DataType.FLOAT, "n", 5).attr("ratio", 0.3f).sizes("n", 2).check(0);
  }
}
