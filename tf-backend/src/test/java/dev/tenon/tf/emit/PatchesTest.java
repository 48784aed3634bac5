package dev.tenon.tf.emit;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Tensor;
import dev.tenon.tf.testing.EmitterTester;
import dev.tenon.tf.testing.Tensors;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PatchesTest {
  /** Sums of some ten to a hundred float32 products, added in another order. */
  private static final double TOLERANCE = 1e-5;

  @Test
  void columnsAreAddedUpToImages() {
    EmitterTester.op("Col2Im").opset(18).input(DataType.FLOAT, "n", 12, 12).constant(5, 4).constant(2, 2).sizes("n", 2).sizes("n", 12).check(TOLERANCE);
    EmitterTester.op("Col2Im").opset(18).input(DataType.FLOAT, "n", 18, "l").input(Tensor.vector(6, 7)).input(Tensor.vector(3, 2))
        .ints("pads", 1, 0, 2, 1).ints("strides", 2, 1).ints("dilations", 1, 2).sizes("n", 2, "l", 24).check(TOLERANCE);
    EmitterTester.op("Col2Im").opset(18).input(DataType.FLOAT, 2, 6, 4).constant(9).constant(3).ints("strides", 2).check(TOLERANCE);
  }

  @Test
  void aColumnAPlaceIsTheImageItself() {
    EmitterTester.op("Col2Im").opset(18).input(DataType.FLOAT, "n", 3, 20).constant(4, 5).constant(1, 1).sizes("n", 1).check(0);
  }

  @Test
  void deformedKernelsInGroups() {
    Tensor kernel = Tensors.random(new Random(3), DataType.FLOAT, 6, 2, 3, 2);
    EmitterTester.op("DeformConv").opset(19).input(DataType.FLOAT, "n", 4, "h", "w").parameter(kernel)
        .input(DataType.FLOAT, "n", 24, "oh", "ow").parameter(Tensors.random(new Random(4), DataType.FLOAT, 6)).input(DataType.FLOAT, "n", 12, "oh", "ow")
        .attr("group", 2).attr("offset_group", 2).ints("strides", 2, 1).ints("pads", 1, 0, 1, 2).ints("dilations", 1, 2)
        .sizes("n", 2, "h", 7, "w", 6, "oh", 4, "ow", 6).sizes("n", 1, "h", 6, "w", 6, "oh", 3, "ow", 6).check(TOLERANCE);
  }

  @Test
  void deformedKernelsWithoutMaskAndBias() {
    Tensor kernel = Tensors.random(new Random(3), DataType.FLOAT, 5, 4, 2, 2);
    EmitterTester.op("DeformConv").opset(19).input(DataType.FLOAT, "n", 4, "h", "w").parameter(kernel)
        .input(DataType.FLOAT, "n", 8, "oh", "ow").sizes("n", 2, "h", 5, "w", 6, "oh", 4, "ow", 5).check(TOLERANCE);
  }
}
