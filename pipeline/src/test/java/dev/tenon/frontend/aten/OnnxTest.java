package dev.tenon.frontend.aten;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.tenon.ir.Tensor;
import org.junit.jupiter.api.Test;

class OnnxTest {
  private final AtenTester t = new AtenTester();
  private final Onnx o = t.aten().onnx();

  /** nn.Transformer asks whether its mask, made of constants, is the causal one. */
  @Test
  void aNumberThatFollowsFromConstantsIsAConstant() {
    TorchTensor ones = TorchTensor.of(o.constant(Tensor.of(new float[] {1, 1, 1, 1}, 2, 2)));
    TorchTensor mask = t.tensor("triu", ones, TorchScalar.of(1L));
    TorchTensor same = t.tensor("all", t.tensor("eq", mask, t.tensor("triu", ones, TorchScalar.of(1L))));
    assertEquals(TorchScalar.of(true), o.number(TorchScalar.Kind.BOOL, same.value()));
    assertEquals(TorchScalar.of(1.0), o.number(TorchScalar.Kind.FLOAT, t.tensor("sum", mask).value()));
  }

  @Test
  void aNumberThatDependsOnAnInputIsComputed() {
    TorchTensor x = t.input(Tensor.of(new float[] {1, 2}, 2));
    assertFalse(o.number(TorchScalar.Kind.FLOAT, t.tensor("sum", x).value()).isConstant());
  }
}
