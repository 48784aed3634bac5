package dev.tenon.tf.emit;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.tenon.ir.DataType;
import dev.tenon.tf.testing.EmitterTester;
import dev.tenon.tf.testing.Tensors;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.tensorflow.proto.NodeDef;

class PoolingTest {
  private static final long[][] PADS = {{0, 0, 0, 0}, {1, 1, 1, 1}, {2, 0, 1, 1}, {0, 0, 1, 1}};

  private static EmitterTester image(String op, DataType type) {
    return EmitterTester.op(op).opset(19).input(type, "n", 3, "h", "w").sizes("n", 2, "h", 9, "w", 10).sizes("n", 1, "h", 7, "w", 7);
  }

  @Test
  void maximumWithEveryPaddingStrideAndRounding() {
    for (long[] p : PADS) {
      for (long stride : new long[] {1, 2, 3}) {
        for (long ceil : new long[] {0, 1}) {
          for (long[] d : new long[][] {{1, 1}, {2, 1}}) {
            image("MaxPool", DataType.FLOAT).ints("kernel_shape", 3, 3).ints("pads", p).ints("strides", stride, stride)
                .attr("ceil_mode", ceil).ints("dilations", d).check(0);
          }
        }
      }
    }
  }

  @Test
  void aWindowLargerThanTheDataStillGivesOneMaximum() {
    EmitterTester.op("MaxPool").opset(12).input(DataType.FLOAT, "n", 3, "h", "w").sizes("n", 2, "h", 1, "w", 40)
        .sizes("n", 1, "h", 6, "w", 1).ints("kernel_shape", 2, 2).ints("strides", 2, 2).check(0);
    EmitterTester.op("MaxPool").opset(12).input(DataType.FLOAT, 2, 3, 1, 7).ints("kernel_shape", 2, 3).ints("strides", 2, 2).check(0);
  }

  @Test
  void maximumOfIntegersDoublesAndHalves() {
    for (DataType t : List.of(DataType.INT8, DataType.UINT8, DataType.DOUBLE, DataType.FLOAT16)) {
      image("MaxPool", t).ints("kernel_shape", 3, 2).ints("pads", 1, 0, 1, 1).ints("strides", 2, 2).check(0);
      image("MaxPool", t).ints("kernel_shape", 3, 2).ints("pads", 1, 0, 1, 1).ints("dilations", 2, 2).check(0);
    }
  }

  @Test
  void autoPad() {
    for (String op : List.of("MaxPool", "AveragePool", "LpPool")) {
      for (String auto : List.of("SAME_UPPER", "SAME_LOWER", "VALID")) {
        EmitterTester.op(op).opset(17).input(DataType.FLOAT, 2, 3, 9, 10).ints("kernel_shape", 3, 4).ints("strides", 2, 3)
            .attr("auto_pad", auto).check(1e-6);
        if (!op.equals("LpPool")) {
          image(op, DataType.FLOAT).ints("kernel_shape", 3, 4).ints("strides", 2, 3).attr("auto_pad", auto).check(1e-6);
        }
      }
    }
  }

  @Test
  void meanCountsWhatTheStandardCounts() {
    for (long[] p : PADS) {
      for (long stride : new long[] {1, 2, 3}) {
        for (long ceil : new long[] {0, 1}) {
          for (long include : new long[] {0, 1}) {
            for (long[] d : new long[][] {{1, 1}, {2, 1}}) {
              image("AveragePool", DataType.FLOAT).ints("kernel_shape", 3, 3).ints("pads", p).ints("strides", stride, stride)
                  .attr("ceil_mode", ceil).attr("count_include_pad", include).ints("dilations", d).check(1e-6);
            }
          }
        }
      }
    }
  }

  @Test
  void oneAndThreeDimensions() {
    for (String op : List.of("MaxPool", "AveragePool")) {
      for (long ceil : new long[] {0, 1}) {
        EmitterTester.op(op).opset(19).input(DataType.FLOAT, "n", 3, "t").ints("kernel_shape", 3).ints("strides", 2).ints("pads", 1, 0)
            .attr("ceil_mode", ceil).sizes("n", 2, "t", 9).sizes("n", 1, "t", 8).check(1e-6);
        for (long[] p : new long[][] {{0, 0, 0, 0, 0, 0}, {1, 1, 1, 1, 1, 1}, {1, 0, 0, 0, 1, 1}}) {
          EmitterTester.op(op).opset(19).input(DataType.FLOAT, "n", 2, "d", "h", "w").ints("kernel_shape", 2, 3, 2)
              .ints("strides", 2, 1, 2).ints("pads", p).attr("ceil_mode", ceil)
              .sizes("n", 2, "d", 5, "h", 6, "w", 7).sizes("n", 1, "d", 4, "h", 4, "w", 4).check(1e-6);
        }
      }
    }
    // ONNX Runtime has no other pooling of doubles.
    EmitterTester.op("MaxPool").input(DataType.DOUBLE, "n", 2, "d", "h", "w").ints("kernel_shape", 2, 3, 2)
        .sizes("n", 2, "d", 5, "h", 6, "w", 7).check(0);
  }

  @Test
  void lpNorms() {
    for (long p : new long[] {1, 2, 3}) {
      for (long[] pads : PADS) {
        EmitterTester.op("LpPool").opset(18).input(DataType.FLOAT, 2, 3, 9, 10).ints("kernel_shape", 3, 3).ints("pads", pads)
            .ints("strides", 2, 1).attr("p", p).check(2e-6);
      }
      EmitterTester.op("GlobalLpPool").input(DataType.FLOAT, "n", 3, "h", "w").attr("p", p).sizes("n", 2, "h", 3, "w", 5)
          .sizes("n", 2, "h", 3, "w", 3).check(2e-6);
    }
  }

  @Test
  void globalPools() {
    for (String op : List.of("GlobalAveragePool", "GlobalMaxPool")) {
      EmitterTester.op(op).input(DataType.FLOAT, "n", 3, "h", "w").sizes("n", 2, "h", 4, "w", 5).sizes("n", 3, "h", 3, "w", 3)
          .sizes("n", 1, "h", 1, "w", 1).check(1e-6);
      EmitterTester.op(op).input(DataType.FLOAT, "n", 3, "t").sizes("n", 2, "t", 4).check(1e-6);
      EmitterTester.op(op).input(DataType.FLOAT, "n", 3, "d", "h", "w").sizes("n", 2, "d", 2, "h", 4, "w", 5).check(1e-6);
    }
  }

  @Test
  void indicesPointIntoTheFlattenedInput() {
    for (long[] p : PADS) {
      for (long order : new long[] {0, 1}) {
        image("MaxPool", DataType.FLOAT).outputs(2).ints("kernel_shape", 3, 3).ints("pads", p).ints("strides", 2, 2)
            .attr("storage_order", order).check(0);
      }
      image("MaxPool", DataType.FLOAT).outputs(2).ints("kernel_shape", 2, 3).ints("dilations", 2, 2).check(0);
    }
    EmitterTester.op("MaxPool").outputs(2).input(DataType.FLOAT, "n", 2, "t").ints("kernel_shape", 3).sizes("n", 2, "t", 9).check(0);
  }

  @Test
  void tiesGoToTheFirst() {
    EmitterTester.op("MaxPool").outputs(2).input((r, d) -> Tensors.integers(r, DataType.INT32, 0, 1, d).cast(DataType.FLOAT).evaluated(),
        DataType.FLOAT, 2, 2, 6, 6).ints("kernel_shape", 2, 2).check(0);
  }

  @Test
  void paddedMaximumIsOneOperation() {
    List<String> ops = EmitterTester.op("MaxPool").input(DataType.FLOAT, "n", 4, "h", "w").ints("kernel_shape", 3, 3)
        .ints("pads", 1, 1, 1, 1).ints("strides", 2, 2).convert().graph().getNodeList().stream().map(NodeDef::getOp)
        .filter(o -> !o.equals("Const")).toList();
    assertEquals(List.of("Placeholder", "EnsureShape", "Transpose", "MaxPool", "Transpose"), ops);
  }
}
