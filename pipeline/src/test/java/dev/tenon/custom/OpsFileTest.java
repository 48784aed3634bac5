package dev.tenon.custom;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.DataType;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.tf.custom.Body;
import dev.tenon.tf.custom.LayoutKind;
import dev.tenon.tf.custom.OperatorSignature.Arity;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code ops.yaml} is read strictly, and what is wrong with it is said with its place. */
class OpsFileTest {
  @TempDir
  Path folder;

  private OpsFile read(String text) throws IOException {
    return OpsFile.read(Files.writeString(folder.resolve("ops.yaml"), text));
  }

  @Test
  void everythingThatCanBeSaidIsRead() throws IOException {
    Files.writeString(folder.resolve("soft.onnx"), "");
    OpsFile ops = read("""
        operators:
          a::stub:
            resolve: stub
            op: MyStub
            inputs: [x, optional shift, list parts]
            outputs:
              - {name: y, type: x, shape: x}
              - {name: n, type: int64, shape: [batch, 2*h, 3, '?']}
            defaults: {gain: 0.5, steps: 3, name: soft, flags: [1, 0], on: true}
            layout: channels-last
            reference: soft.onnx
            body: {expression: "fmax(x - shift, 0)", per_channel: [shift]}
          b::tf:
            resolve: tensorflow
            op: LeakyRelu
            feed: {features: 1}
            attributes: {alpha: slope, other: {value: 2}}
          c::onnx:
            definition: soft.onnx
          d::torch:
            schema: "d::torch(Tensor x, float alpha=1.0, *, bool hard=False) -> Tensor"
            body: identity
        """);
    OperatorRule stub = ops.rule("a::stub");
    assertEquals(Way.STUB, stub.way());
    assertEquals("MyStub", stub.declared().tensorFlowName());
    assertEquals(Arity.OPTIONAL, stub.declared().inputs().get(1).arity());
    assertEquals(Arity.VARIADIC, stub.declared().inputs().get(2).arity());
    assertEquals(0, stub.outputs().get(0).shapeOf());
    assertEquals(DataType.INT64, stub.outputs().get(1).dtype());
    assertEquals("2*h", stub.outputs().get(1).dims().get(1).toString());
    assertEquals(0.5, stub.declared().defaults().get("gain"));
    assertEquals(3L, stub.declared().defaults().get("steps"));
    assertEquals(true, stub.declared().defaults().get("on"));
    assertEquals(LayoutKind.CHANNELS_LAST, stub.layout());
    assertEquals(folder.resolve("soft.onnx"), stub.reference());
    assertEquals(Body.expression("fmax(x - shift, 0)", Set.of("shift")), stub.body());
    OperatorRule tf = ops.rule("b::tf");
    assertEquals(1, tf.feed().get("features"));
    assertEquals("slope", tf.attributes().get("alpha").attribute());
    assertEquals(2L, tf.attributes().get("other").constant());
    assertEquals(Way.ONNX, ops.rule("c::onnx").way(), "a definition is there to be taken");
    assertEquals("alpha", ops.rule("d::torch").schema().parameters().get(1).name());
    assertEquals(OperatorRule.NONE, ops.rule("nobody::speaks"));
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {
      "operators: {a::b: {resolve: magic}}|ops.yaml:1:29|'magic'|one of function, onnx, emitter, tensorflow, stub",
      "operators: {a::b: {resolv: stub}}|ops.yaml:1:28|the key resolv|one of resolve,",
      "operators: {a::b: {layout: nchw}}|ops.yaml:1:28|'nchw'|elementwise, channels-last, opaque",
      "operators: {ab: {layout: opaque}}|ops.yaml:1:17|operator ab|com.example::SoftThreshold",
      "operators: {a::b: {resolve: onnx}}|ops.yaml:1:19|no definition|'definition: FILE.onnx'",
      "operators: {a::b: {resolve: tensorflow}}|ops.yaml:1:19|no op|'op: NAME'",
      "operators: {a::b: {definition: none.onnx}}|ops.yaml:1:32|'none.onnx'|no such file",
      "operators: {a::b: {op: my-op}}|ops.yaml:1:24|'my-op'|a capital letter first",
      "operators: {a::b: {inputs: [x y]}}|ops.yaml:1:29|'x y'|a name",
      "operators: {a::b: {inputs: x}}|ops.yaml:1:28|'x'|a list",
      "operators: {a::b: {feed: {x: 0}}}|ops.yaml:1:26|'feed' with no 'resolve'|'resolve: tensorflow' only",
      "operators: {a::b: {schema: nonsense}}|ops.yaml:1:28|'nonsense'|a schema as PyTorch writes it",
      "operators: {a::b: {outputs: [{name: y, type: half}]}}|ops.yaml:1:46|'half'|float32",
      "operators: {a::b: {body: zero}}|ops.yaml:1:26|'zero'|identity",
      "operators: [a]|ops.yaml:1:12|a list|a mapping",
      "operator: {}|ops.yaml:1:11|the key operator|operators",
      "operators: {a::b: {layout: opaque, layout: opaque}}|ops.yaml:1:36|the key layout twice|it once",
      "operators: {a::b: [|ops.yaml:1:20|expected|YAML",
      "''|ops.yaml|an empty file|operators:"})
  void whatIsWrongIsSaidWithItsPlace(String text, String place, String found, String expected) throws IOException {
    Path file = Files.writeString(folder.resolve("ops.yaml"), text);
    String message = assertThrows(BadInputException.class, () -> OpsFile.read(file)).getMessage();
    assertTrue(message.contains(place) && message.contains(found) && message.contains(expected), message);
  }

  @Test
  void anOperatorThatTheModelDoesNotHaveIsATypingError() throws IOException {
    OpsFile ops = read("operators: {a::sofft: {resolve: stub}}");
    String message = assertThrows(BadInputException.class, () -> ops.check(Set.of("a::soft"))).getMessage();
    assertTrue(message.contains("a::sofft") && message.contains("one of the model's custom operators: a::soft"), message);
  }
}
