package dev.tenon.tf.emit;

import dev.tenon.ir.DataType;
import dev.tenon.tf.testing.EmitterTester;
import dev.tenon.tf.testing.Tensors;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ElementwiseTest {
  @Test
  void parametersAndInputsBroadcast() {
    EmitterTester.op("Add").input(DataType.FLOAT, "n", 3, "n").parameter(Tensors.random(new Random(1), DataType.FLOAT, 3, 1))
        .sizes("n", 1).sizes("n", 3).sizes("n", 0).check(1e-6);
    EmitterTester.op("Add").input(DataType.UINT32, "n", 3).input(DataType.UINT32, 3).sizes("n", 2).check(0);
    EmitterTester.op("Add").opset(7).input(DataType.INT64, 2, 3).constant(1, 2, 3).check(0);
  }
}
