package dev.tenon.tf.emit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Storage;
import dev.tenon.ir.Tensor;
import dev.tenon.tf.Conversion;
import dev.tenon.tf.testing.EmitterTester;
import dev.tenon.tf.testing.Tensors;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.tensorflow.proto.NodeDef;

class ConvolutionsTest {
  /** Sums of some hundred float32 products in another order. */
  private static final double TOLERANCE = 2e-6;

  private static Tensor weights(DataType type, long... dims) {
    return Tensors.random(new Random(5), type, dims);
  }

  private static EmitterTester image(String op, long channels, Tensor kernel) {
    return EmitterTester.op(op).input(DataType.FLOAT, "n", channels, "h", "w").parameter(kernel)
        .sizes("n", 1, "h", 9, "w", 12).sizes("n", 3, "h", 8, "w", 8);
  }

  @Test
  void stridesDilationsAndPadsInTwoDimensions() {
    long[][] strides = {{1, 1}, {2, 2}, {2, 1}};
    long[][] dilations = {{1, 1}, {2, 2}, {1, 3}};
    long[][] pads = {{0, 0, 0, 0}, {1, 1, 1, 1}, {2, 0, 1, 3}, {2, 2, 2, 2}};
    for (long[] s : strides) {
      for (long[] d : dilations) {
        for (long[] p : pads) {
          image("Conv", 3, weights(DataType.FLOAT, 5, 3, 3, 2)).parameter(weights(DataType.FLOAT, 5)).ints("strides", s)
              .ints("dilations", d).ints("pads", p).check(TOLERANCE);
        }
      }
    }
  }

  @Test
  void equalDimensionsDoNotConfuseLayout() {
    EmitterTester.op("Conv").input(DataType.FLOAT, 3, 3, 3, 3).parameter(weights(DataType.FLOAT, 3, 3, 3, 3))
        .parameter(weights(DataType.FLOAT, 3)).ints("pads", 1, 1, 1, 1).check(TOLERANCE);
    EmitterTester.op("Conv").input(DataType.FLOAT, 3, 3, 3, 3).parameter(weights(DataType.FLOAT, 3, 1, 3, 3)).attr("group", 3)
        .ints("pads", 0, 1, 2, 1).check(TOLERANCE);
    EmitterTester.op("ConvTranspose").input(DataType.FLOAT, 3, 3, 3, 3).parameter(weights(DataType.FLOAT, 3, 3, 3, 3))
        .ints("strides", 3, 3).check(TOLERANCE);
  }

  @Test
  void groupsAndDepthwise() {
    for (long[] d : new long[][] {{1, 1}, {2, 2}, {2, 1}}) {
      for (long[] p : new long[][] {{0, 0, 0, 0}, {1, 1, 1, 1}, {2, 0, 1, 3}, {2, 2, 2, 2}}) {
        for (long[] s : new long[][] {{1, 1}, {2, 2}, {1, 2}}) {
          image("Conv", 6, weights(DataType.FLOAT, 9, 2, 3, 3)).parameter(weights(DataType.FLOAT, 9)).attr("group", 3)
              .ints("dilations", d).ints("pads", p).ints("strides", s).check(TOLERANCE);
          image("Conv", 4, weights(DataType.FLOAT, 4, 1, 3, 3)).attr("group", 4).ints("dilations", d).ints("pads", p)
              .ints("strides", s).check(TOLERANCE);
          image("Conv", 4, weights(DataType.FLOAT, 12, 1, 3, 3)).parameter(weights(DataType.FLOAT, 12)).attr("group", 4)
              .ints("dilations", d).ints("pads", p).ints("strides", s).check(TOLERANCE);
        }
      }
    }
  }

  @Test
  void autoPadOfOddAndEvenSizes() {
    for (String auto : List.of("SAME_UPPER", "SAME_LOWER", "VALID")) {
      for (long stride : new long[] {1, 2, 3}) {
        image("Conv", 2, weights(DataType.FLOAT, 3, 2, 4, 3)).attr("auto_pad", auto).ints("strides", stride, stride).check(TOLERANCE);
        image("Conv", 2, weights(DataType.FLOAT, 2, 1, 4, 3)).attr("auto_pad", auto).attr("group", 2).ints("strides", stride, stride)
            .check(TOLERANCE);
      }
    }
  }

  @Test
  void oneDimension() {
    for (long[] p : new long[][] {{0, 0}, {1, 1}, {3, 0}}) {
      for (long group : new long[] {1, 2, 4}) {
        for (long d : new long[] {1, 2}) {
          for (long s : new long[] {1, 2}) {
            EmitterTester.op("Conv").input(DataType.FLOAT, "n", 4, "t").parameter(weights(DataType.FLOAT, 8, 4 / group, 3))
                .parameter(weights(DataType.FLOAT, 8)).attr("group", group).ints("pads", p).ints("dilations", d).ints("strides", s)
                .sizes("n", 2, "t", 11).sizes("n", 1, "t", 8).check(TOLERANCE);
          }
        }
      }
    }
  }

  @Test
  void threeDimensions() {
    for (long[] p : new long[][] {{0, 0, 0, 0, 0, 0}, {1, 1, 1, 1, 1, 1}, {2, 0, 1, 0, 1, 3}}) {
      for (long group : new long[] {1, 2}) {
        for (long[] d : new long[][] {{1, 1, 1}, {2, 1, 2}}) {
          EmitterTester.op("Conv").input(DataType.FLOAT, "n", 4, "d", "h", "w").parameter(weights(DataType.FLOAT, 6, 4 / group, 3, 2, 3))
              .parameter(weights(DataType.FLOAT, 6)).attr("group", group).ints("pads", p).ints("dilations", d).ints("strides", 2, 1, 2)
              .sizes("n", 2, "d", 6, "h", 7, "w", 8).sizes("n", 1, "d", 5, "h", 5, "w", 5).check(TOLERANCE);
        }
      }
    }
  }

  @Test
  void weightsKnownAtRunTimeOnly() {
    EmitterTester.op("Conv").input(DataType.FLOAT, "n", 4, 7, 6).input(DataType.FLOAT, 6, 2, 3, 3).input(DataType.FLOAT, 6)
        .attr("group", 2).sizes("n", 2).check(TOLERANCE);
    EmitterTester.op("Conv").input(DataType.FLOAT, "n", 4, 7, 6).input(DataType.FLOAT, 8, 1, 3, 3).attr("group", 4).sizes("n", 2)
        .check(TOLERANCE);
    EmitterTester.op("Conv").input(DataType.FLOAT, "n", 4, 7, 6).input(DataType.FLOAT, 6, 4, 3, 2).attr("auto_pad", "SAME_UPPER")
        .sizes("n", 1).check(TOLERANCE);
    EmitterTester.op("ConvTranspose").input(DataType.FLOAT, "n", 4, 7, 6).input(DataType.FLOAT, 4, 3, 3, 2).sizes("n", 1).check(TOLERANCE);
  }

  /** ONNX Runtime convolves no doubles; TensorFlow has no dilated depthwise kernel for them. */
  @Test
  void dilatedDepthwiseOfDoubles() {
    Tensor x = weights(DataType.DOUBLE, 1, 2, 5, 5);
    Tensor w = weights(DataType.DOUBLE, 2, 1, 2, 2);
    double[] y = new double[2 * 3 * 3];
    for (int at = 0; at < y.length; at++) {
      int channel = at / 9;
      for (int k = 0; k < 4; k++) {
        int row = at % 9 / 3 + k / 2 * 2;
        int column = at % 3 + k % 2 * 2;
        y[at] += x.toDoubles()[channel * 25 + row * 5 + column] * w.toDoubles()[channel * 4 + k];
      }
    }
    EmitterTester.op("Conv").input(x).parameter(w).attr("group", 2).ints("dilations", 2, 2).expect(Tensor.of(y, 1, 2, 3, 3)).check(1e-12);
  }

  @Test
  void withoutTheLayoutPassToo() {
    image("Conv", 3, weights(DataType.FLOAT, 5, 3, 3, 2)).parameter(weights(DataType.FLOAT, 5)).ints("pads", 2, 0, 1, 3).onnxLayout()
        .check(TOLERANCE);
    image("ConvTranspose", 3, weights(DataType.FLOAT, 3, 4, 2, 2)).ints("strides", 2, 2).onnxLayout().check(TOLERANCE);
  }

  @Test
  void transposedInTwoDimensions() {
    for (long[] s : new long[][] {{1, 1}, {2, 2}, {3, 2}}) {
      for (long[] p : new long[][] {{0, 0, 0, 0}, {1, 1, 1, 1}, {1, 0, 0, 2}, {0, 1, 2, 1}}) {
        for (long[] d : new long[][] {{1, 1}, {2, 1}}) {
          for (long[] o : new long[][] {{0, 0}, {1, 0}}) {
            if (o[0] >= s[0]) {
              continue;
            }
            image("ConvTranspose", 4, weights(DataType.FLOAT, 4, 3, 3, 4)).parameter(weights(DataType.FLOAT, 3)).ints("strides", s)
                .ints("pads", p).ints("dilations", d).ints("output_padding", o).check(TOLERANCE);
            image("ConvTranspose", 4, weights(DataType.FLOAT, 4, 3, 3, 4)).parameter(weights(DataType.FLOAT, 6)).ints("strides", s)
                .ints("pads", p).ints("dilations", d).ints("output_padding", o).attr("group", 2).check(TOLERANCE);
            image("ConvTranspose", 4, weights(DataType.FLOAT, 4, 1, 3, 4)).ints("strides", s)
                .ints("pads", p).ints("dilations", d).ints("output_padding", o).attr("group", 4).check(TOLERANCE);
          }
        }
      }
    }
  }

  @Test
  void transposedWithAutoPadAndOutputShape() {
    for (String auto : List.of("SAME_UPPER", "SAME_LOWER", "VALID")) {
      image("ConvTranspose", 3, weights(DataType.FLOAT, 3, 2, 3, 4)).attr("auto_pad", auto).ints("strides", 2, 3).check(TOLERANCE);
    }
    for (long[] shape : new long[][] {{10, 13}, {9, 12}, {11, 14}}) {
      EmitterTester.op("ConvTranspose").input(DataType.FLOAT, 2, 3, 5, 6).parameter(weights(DataType.FLOAT, 3, 2, 3, 4))
          .ints("strides", 2, 2).ints("output_shape", shape).check(TOLERANCE);
    }
  }

  @Test
  void transposedInOneAndThreeDimensions() {
    for (long group : new long[] {1, 2, 4}) {
      EmitterTester.op("ConvTranspose").input(DataType.FLOAT, "n", 4, "t").parameter(weights(DataType.FLOAT, 4, 4 / group, 5))
          .attr("group", group).ints("strides", 2).ints("pads", 1, 2).sizes("n", 2, "t", 7).check(TOLERANCE);
      EmitterTester.op("ConvTranspose").input(DataType.FLOAT, "n", 4, "d", "h", "w").parameter(weights(DataType.FLOAT, 4, 4 / group, 3, 2, 4))
          .attr("group", group).ints("strides", 2, 1, 3).ints("pads", 1, 0, 1, 1, 1, 0).ints("output_padding", 1, 0, 2)
          .sizes("n", 2, "d", 3, "h", 4, "w", 5).check(TOLERANCE);
    }
    EmitterTester.op("ConvTranspose").input(DataType.FLOAT, "n", 2, "d", "h", "w").parameter(weights(DataType.FLOAT, 2, 3, 2, 2, 2))
        .ints("strides", 2, 2, 2).sizes("n", 1, "d", 3, "h", 4, "w", 5).check(TOLERANCE);
  }

  @Test
  void aPaddedConvolutionIsOneConvolutionAndOneBias() {
    Conversion c = EmitterTester.op("Conv").input(DataType.FLOAT, "n", 4, 8, 8).parameter(weights(DataType.FLOAT, 6, 4, 3, 3))
        .parameter(weights(DataType.FLOAT, 6)).ints("pads", 1, 1, 1, 1).ints("strides", 2, 2).convert();
    assertEquals(List.of("Placeholder", "EnsureShape", "Transpose", "Conv2D", "BiasAdd", "Transpose"), ops(c));
    assertEquals(List.of("layer/p1/kernel", "layer/p2/bias"), c.variables().stream().map(v -> v.name()).toList());
    assertArrayEquals(new long[] {3, 3, 4, 6}, c.variables().get(0).tensor().dims());
  }

  private static List<String> ops(Conversion c) {
    return c.graph().getNodeList().stream().map(NodeDef::getOp).filter(o -> !o.matches("Const|.*Variable.*|VarHandleOp")).toList();
  }

  /** A convolution with a kernel of one element, behind it an activation, and something behind that wants channels last too. */
  private static EmitterTester pointwise(String activation, Object... dims) {
    Tensor w = Tensors.random(new Random(5), DataType.FLOAT, dims.length == 3 ? new long[] {5, 4, 1} : dims.length == 4
        ? new long[] {5, 4, 1, 1} : new long[] {5, 4, 1, 1, 1});
    Tensor kernel = Tensor.source("a.weight", DataType.FLOAT, w.dims(), Storage.of(w.bytes()));
    Tensor bias = Tensor.source("a.bias", DataType.FLOAT, new long[] {5}, Storage.of(weights(DataType.FLOAT, 5).bytes()));
    return EmitterTester.graph(g -> {
      var y = g.newNode("Conv").inputs(g.inputs().get(0), g.addInitializer("a.weight", kernel), g.addInitializer("a.bias", bias)).append().output();
      var z = g.newNode(activation).inputs(y).append().output();
      g.addOutput(g.newNode("GlobalMaxPool").inputs(z).outputNamed("y", null).append().output());
    }).opset(activation.equals("Swish") ? 24 : 20).input(DataType.FLOAT, dims);
  }

  @Test
  void kernelsOfOneElementAreProducts() {
    for (String activation : List.of("Relu", "Gelu", "Sigmoid", "Exp", "HardSwish", "Swish")) {
      pointwise(activation, "n", 4, 3).sizes("n", 2).sizes("n", 4).check(TOLERANCE);
      pointwise(activation, "n", 4, 3, 4).sizes("n", 2).check(TOLERANCE);
      pointwise(activation, "n", 4, "h", "w").sizes("n", 2, "h", 3, "w", 4).sizes("n", 4, "h", 4, "w", 4).check(TOLERANCE);
      pointwise(activation, "n", 4, 2, 3, 4).sizes("n", 2).check(TOLERANCE);
    }
    Conversion c = pointwise("Relu", "n", 4, 3, 4).convert();
    assertEquals(List.of("Placeholder", "EnsureShape", "Transpose", "Reshape", "Reshape", "MatMul", "BiasAdd", "Relu", "Reshape", "Max"),
        ops(c).subList(0, 10));
    assertArrayEquals(new long[] {1, 1, 4, 5}, c.variables().get(0).tensor().dims());
  }

  @Test
  void productsOfManyElementsStayConvolutionsButInFrontOfGelu() {
    assertTrue(ops(pointwise("Relu", "n", 4, 400, 400).convert()).contains("Conv2D"));
    assertTrue(ops(pointwise("Relu", "n", 4, "h", "w").convert()).contains("Conv2D"));
    assertTrue(ops(pointwise("Gelu", "n", 4, 400, 400).convert()).contains("MatMul"));
    assertTrue(ops(pointwise("Gelu", "n", 4, "h", "w").convert()).contains("MatMul"));
  }
}
