package dev.tenon.frontend.aten;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.Dim;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import org.junit.jupiter.api.Test;

/** PyTorch's tensors are written to in place, and views see it. */
class WritingTest {
  private static final TorchScalar ZERO = TorchScalar.of(0L);
  private static final TorchScalar ONE = TorchScalar.of(1L);
  private static final TorchScalar TWO = TorchScalar.of(2L);

  private final AtenTester t = new AtenTester();

  private TorchTensor matrix() {
    return t.input(Tensor.of(new float[] {1, 2, 3, 4, 5, 6}, 2, 3));
  }

  @Test
  void whatIsWrittenToASelectionIsInTheWhole() {
    TorchTensor x = matrix();
    t.call("add_", t.tensor("select", x, ONE, ZERO), TorchScalar.of(10.0));
    t.assertElements(x, 11, 2, 3, 14, 5, 6);
  }

  @Test
  void whatIsWrittenToTheWholeIsInAllViews() {
    TorchTensor x = matrix();
    TorchTensor transposed = t.tensor("t", x);
    TorchTensor row = t.tensor("select", transposed, ZERO, TWO);
    t.call("mul_", x, TorchScalar.of(2.0));
    t.assertElements(row, 6, 12);
    t.call("relu_", t.tensor("sub_", row, TorchScalar.of(7.0)));
    t.assertElements(x, 2, 4, 0, 8, 10, 5);
    t.assertElements(transposed, 2, 8, 4, 10, 0, 5);
  }

  @Test
  void stepsAndPartsAreWrittenTo() {
    TorchTensor x = matrix();
    t.call("add_", t.tensor("slice", x, ONE, ZERO, TorchNone.NONE, TWO), TorchScalar.of(10.0));
    t.assertElements(x, 11, 2, 13, 14, 5, 16);
    TorchList parts = (TorchList) t.call("split", x, TWO, ONE);
    t.call("mul_", parts.elements().get(1), TorchScalar.of(0.5));
    t.assertElements(x, 11, 2, 6.5, 14, 5, 8);
    t.call("sub_", ((TorchList) t.call("unbind", x)).elements().get(0), ONE);
    t.assertElements(x, 10, 1, 5.5, 14, 5, 8);
  }

  @Test
  void operatorsInPlaceMayNameTheirArgumentOtherwise() {
    TorchTensor x = matrix();
    t.call("dropout_", x, TorchScalar.of(0.5), TorchScalar.of(false));
    t.assertElements(x, 1, 2, 3, 4, 5, 6);
  }

  @Test
  void reshapingATransposedTensorCopies() {
    TorchTensor x = matrix();
    TorchTensor copy = t.tensor("reshape", t.tensor("t", x), TorchList.ofInts(6));
    t.call("mul_", copy, TorchScalar.of(0.0));
    t.assertElements(x, 1, 2, 3, 4, 5, 6);
    TorchTensor view = t.tensor("reshape", x, TorchList.ofInts(3, 2));
    t.call("mul_", view, TWO);
    t.assertElements(x, 2, 4, 6, 8, 10, 12);
  }

  @Test
  void writingKeepsTheTypeAndShapeOfWhatIsWrittenTo() {
    TorchTensor x = t.input(Tensor.of(new long[] {1, 2, 3, 4}, 2, 2));
    t.call("copy_", x, t.input(Tensor.of(new float[] {7.9f, -1.5f}, 2)));
    assertEquals("int64[2,2]", x.value().type().toString());
    t.assertElements(x, 7, -1, 7, -1);
  }

  @Test
  void inPlaceOperatorsMayChangeTheShape() {
    TorchTensor x = matrix();
    TorchTensor y = t.tensor("relu", x);
    t.call("unsqueeze_", y, ONE);
    assertEquals("float32[2,1,3]", y.value().type().toString());
    t.call("add_", y, ONE);
    t.call("transpose_", y, ZERO, TWO);
    assertEquals("float32[3,1,2]", y.value().type().toString());
    t.assertElements(y, 2, 5, 3, 6, 4, 7);
  }

  @Test
  void aNumberMayStandForATensorWhereTheOverloadIsNamed() {
    TorchTensor x = matrix();
    TorchTensor y = (TorchTensor) t.aten().call("aten::mul", "Tensor", java.util.List.of(), java.util.Map.of("self", x, "other", TWO), java.util.List.of());
    t.assertElements(y, 2, 4, 6, 8, 10, 12);
  }

  @Test
  void inPlaceOperatorsWhoseParametersHaveOtherNames() {
    TorchTensor x = matrix();
    t.call("dropout_", x, TorchScalar.of(0.5), TorchScalar.of(false));
    t.assertElements(x, 1, 2, 3, 4, 5, 6);
  }

  @Test
  void sizesThatAreNotKnownKeepReshapeTargetsConstant() {
    TorchTensor x = t.input(Tensor.of(new float[24], 2, 3, 4), Shape.of(Dim.symbol("batch"), Dim.symbol("time"), Dim.of(4)));
    Onnx o = t.aten().onnx();
    TorchTensor heads = t.tensor("view", x, new TorchList(java.util.List.of(o.size(x.value(), 0), o.size(x.value(), 1), TWO, TWO)));
    assertEquals("float32[batch,time,2,2]", heads.value().type().toString());
    assertTrue(heads.value().producer().input(1).isInitializer(), "the target is a constant");
    t.run(heads);
  }

  @Test
  void anOperatorThatIsNotKnownIsACustomNode() {
    TorchTensor x = matrix();
    TorchTensor y = (TorchTensor) t.aten().call("acme::blur", java.util.List.of(x, TWO, TorchScalar.of(0.5), TorchList.ofInts(1, 2)));
    assertEquals("acme::blur", y.value().producer().qualifiedOp());
    assertEquals(0.5f, y.value().producer().floatAttr("arg2", 0));
  }
}
