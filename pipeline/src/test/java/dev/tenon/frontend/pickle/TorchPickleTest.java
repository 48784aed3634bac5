package dev.tenon.frontend.pickle;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.frontend.archive.Quantization;
import dev.tenon.frontend.archive.ScalarType;
import dev.tenon.frontend.archive.StoredTensor;
import dev.tenon.frontend.archive.TorchArchive;
import dev.tenon.ir.Storage;
import dev.tenon.ir.testing.Fixtures;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Pickles that PyTorch and Python write give the values that were saved. */
class TorchPickleTest {

  private static TorchArchive fixture(String name) {
    return TorchArchive.open(Path.of(Fixtures.root().toString(), "testmodels", "checkpoints", name));
  }

  private static Object read(byte[] pickle) {
    Storage zeros = Storage.of(ByteBuffer.allocate(64));
    return TorchPickle.read("test", "", Storage.of(ByteBuffer.wrap(pickle)), 0, TorchPickle.Kind.CHECKPOINT, id -> zeros).value();
  }

  @Test
  void everyKindOfPlainValue() {
    Map<?, ?> v = (Map<?, ?>) TorchPickle.read(fixture("values.pth"), "data.pkl", "data", TorchPickle.Kind.CHECKPOINT);
    assertSame(PickleNone.NONE, v.get("none"));
    assertEquals(true, v.get("true"));
    assertEquals(1L << 40, v.get("long"));
    assertEquals(BigInteger.TWO.pow(70), v.get("big"));
    assertEquals(-5L, v.get("negative"));
    assertEquals(0.5, v.get("float"));
    assertEquals("ü", v.get("text"));
    assertArrayEquals(new byte[] {-1, 0}, (byte[]) v.get("bytes"));
    assertArrayEquals(new byte[] {'1', '2'}, (byte[]) v.get("bytearray"));
    assertEquals(new PickleComplex(1, 2), v.get("complex"));
    assertEquals(Set.of(3L), v.get("set"));
    assertEquals(Set.of(4L), v.get("frozenset"));
    assertEquals(List.of(1L, List.of(2L)), v.get("list"));
    assertEquals(new PickleTuple(List.of(1L, new PickleTuple(List.of()))), v.get("tuple"));
    assertEquals(Map.of("a", 2L, "b", 2L), v.get("counter"));
    assertEquals(Map.of("a", List.of(1L)), v.get("defaultdict"));
    assertEquals(new PickleTuple(List.of(1L, 2L)), v.get("size"));
    assertEquals("torch.device", ((PickleObject) v.get("device")).className());
    assertEquals("cpu", ((PickleObject) v.get("device")).args().get(0));
    assertEquals(ScalarType.BFLOAT16, v.get("dtype"));
    assertEquals(1.5, v.get("numpy"));
    assertEquals(-2L, v.get("numpy_int"));
    StoredTensor array = assertInstanceOf(StoredTensor.class, ((PickleObject) v.get("array")).state());
    assertEquals(List.of(3L, 2L), array.sizes());
    assertArrayEquals(new double[] {0, 3, 1, 4, 2, 5}, array.toTensor("a").toDoubles());
    assertEquals(Map.of(1L, "a", new PickleTuple(List.of(2L, "b")), "c"), v.get("integer_keys"));
    assertEquals("none", v.keySet().iterator().next(), "dicts keep their order");
  }

  @Test
  void quantizedTensorsKeepTheirScales() {
    Map<?, ?> v = (Map<?, ?>) TorchPickle.read(fixture("kinds.pth"), "data.pkl", "data", TorchPickle.Kind.CHECKPOINT);
    assertEquals(new Quantization.PerTensor(0.5, 3), ((StoredTensor) v.get("quantized")).quantization().orElseThrow());
    Quantization.PerChannel q = (Quantization.PerChannel) ((StoredTensor) v.get("per_channel")).quantization().orElseThrow();
    assertEquals(0, q.axis());
    assertArrayEquals(new double[] {0.1f, 0.2f}, q.scales().toTensor("s").toDoubles(), 1e-7);
    assertArrayEquals(new long[] {0, 5}, q.zeroPoints().toTensor("z").toLongs());
    assertTrue(((StoredTensor) v.get("tied")).sameElements((StoredTensor) v.get("tied_again")));
  }

  @Test
  void torchScriptModulesAreTreesOfAttributes() {
    PickleObject root = (PickleObject) TorchPickle.read(fixture("traced.pt"), "data.pkl", "data", TorchPickle.Kind.TORCHSCRIPT);
    assertTrue(root.className().startsWith("__torch__."), root.className());
    assertEquals(false, root.attributes().get("training"));
    PickleObject conv = (PickleObject) root.attributes().get("conv");
    assertEquals("__torch__.torch.nn.modules.conv.Conv2d", conv.className());
    assertEquals(List.of(3L, 2L, 2L, 2L), ((StoredTensor) conv.attributes().get("weight")).sizes());
  }

  @Test
  void torchScriptConstantsAreTuples() {
    TorchArchive frozen = fixture("frozen.pt");
    Object constants = TorchPickle.read(frozen, "constants.pkl", "constants", TorchPickle.Kind.TORCHSCRIPT);
    assertTrue(((PickleTuple) constants).size() > 0);
  }

  @Test
  void theHelpersOfTorchScriptGiveTheirValues() {
    byte[] pickle = PickleBuilder.start().ops("(").global("torch.jit._pickle", "build_intlist").ops("]").integer(3).ops("a").raw(0x85)
        .ops("R")
        .global("torch.jit._pickle", "restore_type_tag").ops("}").text("Dict[str, int]").raw(0x86).ops("R")
        .global("__torch__.m", "Point").integers(1, 2).ops("R").ops("t").stop();
    PickleTuple t = (PickleTuple) TorchPickle.read("test", "", Storage.of(ByteBuffer.wrap(pickle)), 0, TorchPickle.Kind.TORCHSCRIPT,
        id -> Storage.of(ByteBuffer.allocate(0))).value();
    assertEquals(List.of(3L), t.get(0));
    assertEquals(Map.of(), t.get(1));
    assertEquals("__torch__.m.Point", ((PickleObject) t.get(2)).className());
    assertEquals(new PickleTuple(List.of(1L, 2L)), ((PickleObject) t.get(2)).args());
  }

  @ParameterizedTest
  @CsvSource({
      "I5\\n., 5", "I01\\n., true", "I00\\n., false", "L7L\\n., 7", "L123456789012345678901L\\n., 123456789012345678901", "F0.5\\n., 0.5",
      "F-1e3\\n., -1000.0", "Finf\\n., Infinity", "Vabc\\n., abc", "S'abc'\\n., abc", "(I1\\nI2\\nl., '[1, 2]'", "(I1\\nI2\\nd., {1=2}",
      "]p0\\nI1\\nag0\\n0., [1]", "I1\\nI2\\n0., 1", "(I1\\nI2\\n1I3\\n., 3"})
  void protocolZero(String pickle, String value) {
    assertEquals(value, read(pickle.replace("\\n", "\n").getBytes(java.nio.charset.StandardCharsets.UTF_8)).toString());
  }

  @Test
  void anotherPickleMayFollow() {
    byte[] two = PickleBuilder.start().integer(1).ops(".").raw(0x80, 2).text("x").stop();
    Storage bytes = Storage.of(ByteBuffer.wrap(two));
    TorchPickle.Result first = TorchPickle.read("test", "", bytes, 0, TorchPickle.Kind.CHECKPOINT, id -> bytes);
    assertEquals(1L, first.value());
    TorchPickle.Result second = TorchPickle.read("test", "", bytes, first.end(), TorchPickle.Kind.CHECKPOINT, id -> bytes);
    assertEquals("x", second.value());
    assertEquals(two.length, second.end());
  }

  @Test
  void sharedValuesAreTheSameValue() {
    // [x, x] where x is one list.
    List<?> v = (List<?>) read(PickleBuilder.start().ops("](]").raw('q', 0, 'h', 0).ops("e").stop());
    assertSame(v.get(0), v.get(1));
  }

  @Test
  void manySharedValuesAreReadAtOnce() {
    // Each of 150 lists holds the one before ten times: 10^150 paths, 1500 elements.
    PickleBuilder b = PickleBuilder.start().ops("]").raw('q', 0);
    for (int i = 1; i <= 150; i++) {
      b.ops("0](");
      for (int j = 0; j < 10; j++) {
        b.raw('h', i - 1);
      }
      b.ops("e").raw('q', i);
    }
    assertEquals(10, ((List<?>) read(b.stop())).size());
  }
}
