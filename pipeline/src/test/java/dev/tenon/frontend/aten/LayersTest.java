package dev.tenon.frontend.aten;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Node;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Storage;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What recorded calls cannot tell about the lowering of layers: which nodes there are, and where weights come from. */
class LayersTest {
  private static final TorchScalar ONE = TorchScalar.of(1L);
  private static final TorchScalar YES = TorchScalar.of(true);
  private static final TorchScalar NO = TorchScalar.of(false);

  private final AtenTester t = new AtenTester();

  private TorchTensor image(long... dims) {
    return t.input(Tensor.of(new float[(int) Arrays.stream(dims).reduce(1, (a, b) -> a * b)], dims));
  }

  private TorchTensor source(String name, long... dims) {
    long bytes = 4 * Arrays.stream(dims).reduce(1, (a, b) -> a * b);
    Tensor tensor = Tensor.source(name, DataType.FLOAT, dims, Storage.of(ByteBuffer.allocate((int) bytes)));
    return TorchTensor.of(t.model().graph().newInitializer(name, tensor));
  }

  @Test
  void dropoutReturnsItsArgument() {
    TorchTensor x = image(2, 3);
    assertSame(x, t.call("dropout", x, TorchScalar.of(0.5), NO));
  }

  @Test
  void dropoutInTrainingIsRefusedWithAHint() {
    t.call("dropout", image(2, 3), TorchScalar.of(0.5), YES);
    assertTrue(t.diagnostics().errors().toString().contains("model.eval()"), t.diagnostics().errors().toString());
  }

  @Test
  void aPoolWithoutIndicesHasOneOutput() {
    TorchTensor y = t.tensor("max_pool2d", image(1, 2, 6, 6), TorchList.ofInts(3, 3), TorchList.ofInts(2, 2));
    assertEquals("MaxPool", y.value().producer().opType());
    assertEquals(1, y.value().producer().outputs().size());
  }

  @Test
  void averagingToOneIsAGlobalPoolWhateverTheSize() {
    TorchTensor x = t.input(Tensor.of(new float[24], 1, 2, 3, 4), Shape.of(Dim.symbol("n"), Dim.of(2), Dim.symbol("h"), Dim.symbol("w")));
    TorchTensor y = t.tensor("adaptive_avg_pool2d", x, TorchList.ofInts(1, 1));
    assertEquals("GlobalAveragePool", y.value().producer().opType());
    assertEquals("float32[n,2,1,1]", y.value().type().toString());
  }

  @Test
  void anInputOfUnknownRankBecomesAnImage() {
    Value x = t.model().graph().addInput("image", Type.tensor(DataType.FLOAT, Shape.unknown()));
    t.tensor("conv2d", TorchTensor.of(x), source("conv.weight", 4, 3, 3, 3));
    assertEquals("float32[?,3,?,?]", x.type().toString().replaceAll("unk__\\d+|\\?\\d*", "?"));
  }

  private TorchTuple lstm(TorchTensor x, List<TorchTensor> weights) {
    TorchTensor zeros = (TorchTensor) t.call("zeros", TorchList.ofInts(2, 2, 4));
    return (TorchTuple) t.call("lstm", x, new TorchList(List.of(zeros, zeros)), new TorchList(weights), YES, ONE, TorchScalar.of(0.0), NO, YES, NO);
  }

  private List<TorchTensor> lstmWeights() {
    return List.of(source("rnn.weight_ih_l0", 16, 3), source("rnn.weight_hh_l0", 16, 4), source("rnn.bias_ih_l0", 16),
        source("rnn.bias_hh_l0", 16), source("rnn.weight_ih_l0_reverse", 16, 3), source("rnn.weight_hh_l0_reverse", 16, 4),
        source("rnn.bias_ih_l0_reverse", 16), source("rnn.bias_hh_l0_reverse", 16));
  }

  @Test
  void gatesAreReorderedByRecipe() {
    List<TorchTensor> weights = lstmWeights();
    Node node = ((TorchTensor) lstm(image(5, 2, 3), weights).get(1)).value().producer();
    assertEquals("LSTM", node.opType());
    assertEquals("rnn.W_l0", node.input(1).name());
    assertEquals("float32[2,16,3]", node.input(1).initializer().toString());
    String recipe = node.input(1).initializer().recipe().toString();
    assertTrue(recipe.contains("rnn.weight_ih_l0") && recipe.contains("rnn.weight_ih_l0_reverse"), recipe);
  }

  @Test
  void anLstmFromZerosHasNoInitialStates() {
    Node node = ((TorchTensor) lstm(image(5, 2, 3), lstmWeights()).get(1)).value().producer();
    assertEquals(4, node.inputs().size());
  }

  @Test
  void anLstmThatIsCalledTwiceHasItsWeightsOnce() {
    List<TorchTensor> weights = lstmWeights();
    Node first = ((TorchTensor) lstm(image(5, 2, 3), weights).get(1)).value().producer();
    Node second = ((TorchTensor) lstm(image(4, 2, 3), weights).get(1)).value().producer();
    assertSame(first.input(1), second.input(1));
    assertSame(first.input(3), second.input(3));
  }

  /** NASNet: padding, and a pool with a kernel of one. ONNX Runtime's optimizer would join them to a pool that it refuses. */
  @Test
  void poolsOfOneElementTakeEveryNth() {
    AtenTester tester = new AtenTester();
    TorchTensor x = tester.input(Tensor.of(new float[] {1, 2, 3, 4, 5, 6, 7, 8, 9}, 1, 1, 3, 3));
    TorchTensor padded = tester.tensor("constant_pad_nd", x, TorchList.ofInts(-1, 1, -1, 1), TorchScalar.of(0.0));
    TorchTensor y = tester.tensor("avg_pool2d", padded, TorchList.ofInts(1, 1), TorchList.ofInts(2, 2), TorchList.ofInts(0, 0),
        TorchScalar.of(false), TorchScalar.of(false));
    tester.assertElements(y, 5, 0, 0, 0);
  }
}
