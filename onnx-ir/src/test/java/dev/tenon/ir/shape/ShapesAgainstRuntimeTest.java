package dev.tenon.ir.shape;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.Model;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.io.OnnxReader;
import dev.tenon.ir.testing.Fixtures;
import dev.tenon.ir.testing.RandomInputs;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every value of exported models: what was inferred, with the symbols bound by the inputs, is what ONNX Runtime computes. */
class ShapesAgainstRuntimeTest {

  @ParameterizedTest(name = "{0} at {1}={2} and {3}")
  @CsvSource({
      "swin_narrow.ts.onnx, batch, 1, 3",
      "segformer_small.dynamo.onnx, batch, 1, 2",
      "vit_narrow.dynamo.onnx, batch, 1, 3",
      "unet_small.ts.onnx, height, 48, 32",
      "resize_pad.ts.onnx, height, 10, 13",
      "pooling.ts_bn.onnx, width, 13, 18",
      "conv_variants.ts.onnx, width, 17, 12",
      "style_transfer.ts.onnx, height, 24, 32",
      "norms.ts_opset13.onnx, batch, 1, 3",
      "tensor_ops.ts.onnx, batch, 2, 3",
      "bert_small.ts.onnx, sequence, 11, 7",
      "gpt2_padded.dynamo.onnx, sequence, 11, 7",
      "lstm_classifier.ts.onnx, time, 9, 14",
      "gru_classifier.ts.onnx, batch, 2, 3"})
  void everyInferredDimensionIsTheActualOne(String fixture, String symbol, long first, long second) {
    Path file = Fixtures.onnx(fixture);
    Model inferred = OnnxReader.read(file);
    assertTrue(inferred.graph().inputs().stream().anyMatch(v -> v.shape().dims().stream().anyMatch(d -> d.toString().equals(symbol))),
        symbol + " is no symbol of " + inferred.graph().inputs());
    List<Map<String, Tensor>> feeds = List.of(inputs(first).size(symbol, first).forModel(inferred),
        inputs(second).size(symbol, second).forModel(inferred));
    ShapeCheck check = ShapeCheck.compare(inferred, OnnxReader.read(file), feeds);
    assertEquals(List.of(), check.wrong());
    assertEquals(List.of(), check.unknown());
    assertEquals(List.of(), check.warnings());
    assertEquals(0, check.open(), "dimensions that are not known");
  }

  private static RandomInputs inputs(long seed) {
    return RandomInputs.seeded(seed).size("batch", 2).size("height", 32).size("width", 48).size("sequence", 9).size("length", 20)
        .range("token_type_ids", 0, 2);
  }

  @ParameterizedTest
  @ValueSource(strings = {"swin_narrow.ts.onnx", "segformer_small.dynamo.onnx", "unet_small.ts.onnx", "bert_small.ts.onnx", "gpt2_padded.dynamo.onnx"})
  void fixedInputsMakeEveryShapeStatic(String fixture) {
    Path file = Fixtures.onnx(fixture);
    Model inferred = OnnxReader.read(file);
    Map<String, Tensor> feed = inputs(1).forModel(inferred);
    feed.forEach((name, t) -> ShapeInference.setInputShape(inferred, name, Shape.of(t.dims())));
    ShapeCheck check = ShapeCheck.compare(inferred, OnnxReader.read(file), List.of(feed));
    assertEquals(List.of(), check.wrong());
    List<Value> dynamic = inferred.graph().nodeList().stream().flatMap(n -> n.outputs().stream()).filter(v -> !v.shape().isStatic()).toList();
    assertEquals(List.of(), dynamic);
  }
}
