package dev.tenon.tf;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Node;
import dev.tenon.ir.Provenance;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Storage;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VariableNamesTest {

  private static Tensor parameter(String name) {
    return Tensor.source(name, DataType.FLOAT, new long[] {4}, Storage.of(ByteBuffer.allocate(16)));
  }

  private static Node node(String op, String modulePath, Tensor... parameters) {
    Graph g = new Graph("g");
    Value x = g.addInput("x", Type.tensor(DataType.FLOAT, Shape.of(1, 4)));
    var b = g.newNode(op).name("/" + op + "_7").inputs(x).provenance(new Provenance(List.of("n"), modulePath, ""));
    for (Tensor t : parameters) {
      b.inputs(g.newInitializer("p", t));
    }
    return b.append();
  }

  private static String nameOf(Tensor t, Node n, ParameterRole role) {
    return new VariableNames(VariableNames.Style.FRAMEWORK).name(t, n, role);
  }

  @ParameterizedTest
  @CsvSource({
      "layer1.0.conv1.weight, KERNEL, layer1/0/conv1/kernel",
      "layer1.0.conv1.bias, BIAS, layer1/0/conv1/bias",
      "layer1.0.conv1.weight_bias, BIAS, layer1/0/conv1/bias",
      "bn1.weight, GAMMA, bn1/gamma",
      "bn1.bias, BETA, bn1/beta",
      "bn1.running_mean, MOVING_MEAN, bn1/moving_mean",
      "bn1.running_var, MOVING_VARIANCE, bn1/moving_variance",
      "wte.weight, EMBEDDINGS, wte/embeddings",
      "lstm.weight_ih_l0, KERNEL, lstm/kernel_l0",
      "lstm.weight_hh_l1_reverse, RECURRENT_KERNEL, lstm/recurrent_kernel_l1_reverse",
      "lstm.bias_ih_l0, BIAS, lstm/bias_l0",
      "gru.bias_hh_l0, RECURRENT_BIAS, gru/recurrent_bias_l0",
      "cell.weight_ih, KERNEL, cell/kernel",
      "attn.in_proj_weight, KERNEL, attn/in_proj_kernel",
      "attn.in_proj_bias, BIAS, attn/in_proj_bias",
      "blocks.0.ls1.gamma, OTHER, blocks/0/ls1/gamma",
      "cls_token, OTHER, cls_token",
      "conv2d_0.w_0, KERNEL, conv2d_0/kernel",
      "pos.conv.parametrizations.weight.original1, KERNEL, pos/conv/kernel",
  })
  void aDottedNameBecomesAPathAndTheFrameworksWord(String source, ParameterRole role, String expected) {
    Tensor t = parameter(source);
    assertEquals(expected, nameOf(t, node("Conv", "somewhere.else", t), role));
  }

  @ParameterizedTest
  @CsvSource({"onnx::Conv_123", "val_93", "143", "/encoder/Constant_output_0", "p2o.helper.constant.169"})
  void aNameThatAnExporterMadeUpGivesWayToTheModulePath(String source) {
    Tensor t = parameter(source);
    assertEquals("encoder/layer/0/query/kernel", nameOf(t, node("MatMul", "encoder.layer.0.query", t), ParameterRole.KERNEL));
  }

  @Test
  void aBiasThatFoldingMadeBelongsToItsConvolution() {
    Tensor weight = parameter("conv1.weight");
    Tensor bias = parameter("bn1.bias").minus(parameter("bn1.running_mean"));
    assertEquals("conv1/bias", nameOf(bias, node("Conv", "bn1", weight, bias), ParameterRole.BIAS));
  }

  @Test
  void equalNamesAreNumbered() {
    VariableNames names = new VariableNames(VariableNames.Style.FRAMEWORK);
    Tensor t = parameter("a.weight");
    Node n = node("Conv", "", t);
    assertEquals("a/kernel", names.name(t, n, ParameterRole.KERNEL));
    assertEquals("a/kernel_1", names.name(t, n, ParameterRole.KERNEL));
  }

  @Test
  void sourceStyleKeepsThePyTorchName() {
    Tensor t = parameter("layer1.0.bn1.weight");
    assertEquals("layer1.0.bn1.weight", new VariableNames(VariableNames.Style.SOURCE).name(t, node("Conv", "", t), ParameterRole.GAMMA));
  }

  @Test
  void aNamelessParameterOfANamelessModuleIsNamedAfterItsNode() {
    Tensor t = parameter("143");
    assertEquals("Conv_7/kernel", nameOf(t, node("Conv", "", t), ParameterRole.KERNEL));
  }
}
