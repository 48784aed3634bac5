package dev.tenon.frontend.aten;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.tenon.ir.Dim;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Convolutions whose number of groups is a multiple of the batch. */
class RuntimeGroupsTest {
  private final AtenTester t = new AtenTester();

  @Test
  void eachSampleHasFiltersOfItsOwn() {
    Dim batch = Dim.symbol("batch");
    TorchTensor x = t.input(Tensor.of(new float[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, 2, 2, 3), Shape.of(batch, Dim.of(2), Dim.of(3)));
    TorchTensor w = t.input(Tensor.of(new float[] {1, 10, 100, 1000, -1, -10, -100, -1000}, 2, 2, 2), Shape.of(batch, Dim.of(2), Dim.of(2)));
    Onnx o = t.aten().onnx();
    TorchScalar groups = o.times(o.size(x.value(), 0), TorchScalar.of(2L));
    TorchTensor channels = t.tensor("reshape", x, new TorchList(List.of(TorchScalar.of(1L), groups, TorchScalar.of(3L))));
    TorchTensor filters = t.tensor("reshape", w, new TorchList(List.of(groups, TorchScalar.of(1L), TorchScalar.of(2L))));
    TorchTensor y = t.tensor("conv1d", channels, filters, TorchNone.NONE, TorchScalar.of(1L), TorchScalar.of(0L), TorchScalar.of(1L), groups);
    assertEquals("float32[1,2*batch,2]", y.value().type().toString());
    t.assertElements(y, 21, 32, 5400, 6500, -87, -98, -12000, -13100);
  }
}
