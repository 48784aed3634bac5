package dev.tenon.verify.reference;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.frontend.ModelSource;
import dev.tenon.frontend.torchscript.ForwardSignature;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Tensor;
import dev.tenon.verify.reference.LibtorchReference.Options;
import dev.tenon.verify.reference.ScriptArchive.Method;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** libtorch runs TorchScript archives on the IR's tensors. */
class LibtorchReferenceTest {
  @TempDir
  private Path folder;

  private LibtorchReference open(String returns, String... body) {
    Path file = folder.resolve("op.pt");
    try (OutputStream out = Files.newOutputStream(file)) {
      ScriptArchive.write(out, List.of(Method.forward(List.of("x: Tensor"), returns, List.of(body))));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return LibtorchReference.open(file, Options.ofTensors(List.of("x"), List.of()), line -> { });
  }

  private Map<String, Tensor> run(Tensor x, String returns, String... body) {
    try (LibtorchReference r = open(returns, body)) {
      return r.run(Map.of("x", x));
    }
  }

  @Test
  void tensorsGoInAndOut() {
    Tensor x = Tensor.of(new float[] {-1, 2, -3, 4, 5, -6}, 2, 3);
    Map<String, Tensor> out = run(x, "Tensor", "return torch.relu(x)");
    assertEquals(List.of("output_0"), List.copyOf(out.keySet()));
    assertArrayEquals(new float[] {0, 2, 0, 4, 5, 0}, out.get("output_0").toFloats());
  }

  @Test
  void stridesAreNotSeen() {
    Tensor x = Tensor.of(new float[] {1, 2, 3, 4, 5, 6}, 2, 3);
    Tensor y = run(x, "Tensor", "return torch.t(x)").get("output_0");
    assertArrayEquals(new long[] {3, 2}, y.dims());
    assertArrayEquals(new float[] {1, 4, 2, 5, 3, 6}, y.toFloats());
  }

  @Test
  void allTypesThatModelsUse() {
    for (DataType t : List.of(DataType.FLOAT, DataType.DOUBLE, DataType.FLOAT16, DataType.BFLOAT16, DataType.INT8, DataType.INT16,
        DataType.INT32, DataType.INT64, DataType.UINT8, DataType.BOOL)) {
      Tensor y = run(Tensor.scalar(t, 1), "Tensor", "return torch.clone(x)").get("output_0");
      assertEquals(t, y.dtype());
      assertEquals(1, y.toDoubles()[0], t.label());
    }
  }

  /** DJL would end the process. */
  @Test
  void otherTypesAreAnErrorAndNoCrash() {
    ReferenceFailure complex = assertThrows(ReferenceFailure.class,
        () -> run(Tensor.scalar(1f), "Tensor", "return torch.to(x, 9)"));
    assertTrue(complex.isHopeless() && complex.getMessage().startsWith("libtorch cannot return output_0"), complex.getMessage());
    ReferenceFailure sparse = assertThrows(ReferenceFailure.class,
        () -> run(Tensor.of(new float[] {1, 0}, 2), "Tensor", "return torch.to_sparse(x)"));
    assertTrue(sparse.isHopeless() && sparse.getMessage().contains("sparse"), sparse.getMessage());
  }

  @Test
  void emptyTensors() {
    Tensor y = run(Tensor.of(new float[0], 0, 3), "Tensor", "return torch.relu(x)").get("output_0");
    assertArrayEquals(new long[] {0, 3}, y.dims());
  }

  @Test
  void nestedOutputsAreFlattenedAndNumbersBecomeTensors() {
    Map<String, Tensor> out = run(Tensor.of(new float[] {1, 2}, 2), "Tuple[Tensor, List[Tensor], int, Optional[Tensor], float, bool]",
        "return (x, [torch.neg(x), torch.abs(x)], 7, None, 0.5, True)");
    assertEquals(6, out.size());
    assertArrayEquals(new float[] {-1, -2}, out.get("output_1").toFloats());
    assertEquals(7, out.get("output_3").toLongs()[0]);
    assertEquals(DataType.DOUBLE, out.get("output_4").dtype());
    assertEquals(DataType.BOOL, out.get("output_5").dtype());
  }

  @Test
  void nestedInputsAreBuiltOfTheNamesOfTheGraphsInputs() throws IOException {
    Path file = folder.resolve("nested.pt");
    List<String> parameters = List.of("pair: Tuple[Tensor, int]", "all: List[Tensor]", "named: Dict[str, Tensor]", "maybe: Optional[Tensor]",
        "factor: float=2.", "flag: bool=True");
    List<String> body = List.of("a, n, = pair", "if torch.__is__(maybe, None):", "  b = a", "else:", "  b = unchecked_cast(Tensor, maybe)",
        "c = torch.add(torch.mul(b, n), torch.cat(all))", "return torch.add(c, torch.mul(named[\"k\"], factor))");
    try (OutputStream out = Files.newOutputStream(file)) {
      ScriptArchive.write(out, List.of(Method.forward(parameters, "Tensor", body)));
    }
    ForwardSignature signature = ForwardSignature.of(ModelSource.ofFile(file));
    assertEquals(6, signature.parameters().size());
    Map<String, Tensor> values = new LinkedHashMap<>();
    values.put("pair.0", Tensor.of(new float[] {1, 2}, 2));
    values.put("pair.1", Tensor.scalar(3L));
    values.put("all.0", Tensor.of(new float[] {10}, 1));
    values.put("all.1", Tensor.of(new float[] {20}, 1));
    values.put("named.k", Tensor.of(new float[] {100, 200}, 2));
    try (LibtorchReference r = LibtorchReference.open(file, new Options(signature, List.of("y"), Set.of(), 1), line -> { })) {
      assertArrayEquals(new float[] {213, 426}, r.run(values).get("y").toFloats());
      values.put("maybe", Tensor.of(new float[] {2, 2}, 2));
      values.put("factor", Tensor.scalar(DataType.DOUBLE, 1));
      assertArrayEquals(new float[] {116, 226}, r.run(values).get("y").toFloats());
    }
  }

  @Test
  void dictionariesAreReturnedInTheOrderOfTheGraphsOutputs() throws IOException {
    Path file = folder.resolve("dict.pt");
    List<String> keys = List.of("logits", "aux", "features", "z", "boxes", "a");
    String body = "return {" + String.join(", ", keys.stream().map(k -> "\"" + k + "\": torch.add(x, " + keys.indexOf(k) + ")").toList()) + "}";
    try (OutputStream out = Files.newOutputStream(file)) {
      ScriptArchive.write(out, List.of(Method.forward(List.of("x: Tensor"), "Dict[str, Tensor]", List.of(body))));
    }
    try (LibtorchReference r = LibtorchReference.open(file, new Options(ForwardSignature.of(ModelSource.ofFile(file)), keys, Set.of(), 1), line -> { })) {
      Map<String, Tensor> outputs = r.run(Map.of("x", Tensor.scalar(0f)));
      keys.forEach(k -> assertEquals(keys.indexOf(k), outputs.get(k).toFloats()[0], k));
    }
  }

  @Test
  void refusalIsALineAndNotTheEnd() {
    try (LibtorchReference r = open("Tensor", "return torch.matmul(x, x)")) {
      ReferenceFailure e = assertThrows(ReferenceFailure.class, () -> r.run(Map.of("x", Tensor.of(new float[6], 2, 3))));
      assertFalse(e.isHopeless());
      assertTrue(e.getMessage().contains("mat1 and mat2 shapes cannot be multiplied"), e.getMessage());
      assertEquals(1, e.getMessage().lines().count());
      assertEquals(4, r.run(Map.of("x", Tensor.of(new float[4], 2, 2))).get("output_0").numel());
    }
  }

  @Test
  void unreadableArchiveIsHopeless() throws Exception {
    Path file = Files.write(folder.resolve("bad.pt"), new byte[] {'P', 'K', 3, 4, 0, 0});
    ReferenceFailure e = assertThrows(ReferenceFailure.class, () -> LibtorchReference.open(file, Options.ofTensors(List.of("x"), List.of()), line -> { }));
    assertTrue(e.isHopeless());
    assertEquals(1, e.getMessage().lines().count(), e.getMessage());
  }

  @Test
  void callsOfNewerOperatorsAreLeftUninitialized() {
    assertEquals("  y = uninitialized(Tensor)\n  z = torch.add(uninitialized(Tensor), y)\n",
        OlderCode.patched("  y = torch.new_op(x, [1, (2)], \")\")\n  z = torch.add(torch.new_op(x), y)\n", "new_op"));
    assertEquals("_upsample_lanczos2d_aa", OlderCode.unknownOperator("Unknown builtin op: aten::_upsample_lanczos2d_aa.\nHere"));
  }

  @Test
  void returnOfStringsIsHopeless() {
    ReferenceFailure e = assertThrows(ReferenceFailure.class, () -> run(Tensor.scalar(1f), "str", "return \"a\""));
    assertTrue(e.isHopeless() && e.getMessage().startsWith("libtorch cannot return"), e.getMessage());
  }

  @Test
  void sameNumbersEveryTime() {
    Map<String, Tensor> values = new LinkedHashMap<>();
    values.put("x", Tensor.of(new float[] {0.1f, 0.7f, -0.3f, 2.5f}, 2, 2));
    try (LibtorchReference r = open("Tensor", "y = torch.tanh(torch.matmul(x, x))", "return torch.softmax(y, 1)")) {
      float[] first = r.run(values).get("output_0").toFloats();
      for (int i = 0; i < 5; i++) {
        assertArrayEquals(first, r.run(values).get("output_0").toFloats());
      }
      assertEquals("libtorch", r.name());
      assertTrue(r.version().startsWith("2."), r.version());
    }
  }
}
