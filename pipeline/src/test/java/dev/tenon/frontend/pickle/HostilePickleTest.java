package dev.tenon.frontend.pickle;

import static dev.tenon.frontend.archive.BadInputs.assertBad;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import dev.tenon.ir.Storage;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Pickles made to run something, to exhaust something, or to claim what is not there. */
class HostilePickleTest {
  private static final long HUGE = 1L << 40;

  private static Object read(byte[] pickle, TorchPickle.Kind kind) {
    Storage sixteenFloats = Storage.of(ByteBuffer.allocate(64));
    return TorchPickle.read("bad.pth", "data.pkl", Storage.of(ByteBuffer.wrap(pickle)), 0, kind, id -> sixteenFloats).value();
  }

  private static void bad(PickleBuilder pickle, String... parts) {
    bad(pickle.stop(), parts);
  }

  private static void bad(byte[] pickle, String... parts) {
    // Bounded means bounded: none of these may take noticeable time or memory.
    assertTimeoutPreemptively(Duration.ofSeconds(20), () -> {
      assertBad(() -> read(pickle, TorchPickle.Kind.CHECKPOINT), parts);
      assertBad(() -> read(pickle, TorchPickle.Kind.CHECKPOINT), "bad.pth: data.pkl at byte ");
    });
  }

  // ---- running something ----

  @ParameterizedTest
  @CsvSource({"os,system", "posix,system", "nt,system", "subprocess,Popen", "builtins,eval", "builtins,exec", "builtins,getattr",
      "builtins,__import__", "builtins,open", "__builtin__,apply", "runpy,_run_code", "torch.hub,load", "torch.storage,_load_from_bytes",
      "torch._utils,_import_dotted_name", "torch.jit._pickle,os", "functools,partial", "operator,methodcaller", "pickle,loads",
      "numpy.testing._private.utils,runstring", "collections,namedtuple", "torch,load"})
  void globalsThatAreNotOnTheList(String module, String name) {
    PickleBuilder pickle = PickleBuilder.start().global(module, name).ops("(").text("touch /tmp/never").ops("tR");
    bad(pickle, "the Python global " + module + "." + name, "nothing was run");
  }

  @ParameterizedTest
  @EnumSource
  void nothingIsRunInAnyKindOfFile(TorchPickle.Kind kind, @TempDir Path folder) {
    Path marker = folder.resolve("marker");
    byte[] pickle = PickleBuilder.start().global("posix", "system").ops("(").text("touch " + marker).ops("tR").stop();
    assertBad(() -> read(pickle, kind), "posix.system", "nothing was run");
    assertFalse(Files.exists(marker));
  }

  @Test
  void globalsFromTheStackAreNoOthers() {
    bad(PickleBuilder.start().text("os").text("system").raw(0x93).text("x").raw(0x85).ops("R"), "os.system");
    bad(PickleBuilder.start().text("os").integer(1).raw(0x93), "a global's name");
  }

  @Test
  void opcodesThatNamePythonObjectsAreUnknown() {
    bad(PickleBuilder.start().ops("(").text("x").ops("ios\nsystem\n"), "opcode 0x69");
    bad(PickleBuilder.start().ops("(").global("collections", "OrderedDict").ops("o"), "opcode 0x6f");
    bad(PickleBuilder.start().raw(0x82, 1), "opcode 0x82");
    bad(PickleBuilder.start().ops("Pid\n"), "opcode 0x50");
    bad(PickleBuilder.start().raw(0x97), "opcode 0x97");
  }

  @Test
  void classesOfTorchScriptBelongToTorchScriptFiles() {
    bad(PickleBuilder.start().global("__torch__", "Net").ops(")").raw(0x81), "the TorchScript class __torch__.Net");
    bad(PickleBuilder.start().global("torch.jit._pickle", "build_intlist"), "torch.jit._pickle.build_intlist");
  }

  @Test
  void modelsSavedWholeAreRefusedWithAdvice() {
    String[] advice = {"torch.save(model)", "torch.export.export(model, args); torch.export.save(program, ", "model.state_dict()"};
    for (String[] c : new String[][] {{"torch.nn.modules.container", "Sequential"}, {"torchvision.models.resnet", "ResNet"}, {"__main__",
        "Net"},
        {"anything", "AtTheBeginning"}}) {
      PickleBuilder whole = PickleBuilder.start().global(c[0], c[1]).ops(")").raw(0x81).ops("}").ops("b");
      bad(whole, c[0] + "." + c[1]);
      bad(whole, advice);
    }
    bad(PickleBuilder.start().ops("}(").text("model").global("models.yolo", "Model").ops(")").raw(0x81).ops("u"), advice);
    // In the legacy format a module's class stands in a persistent id, with its source.
    bad(PickleBuilder.start().ops("(").text("module").global("my.own", "Net").text("net.py").text("class Net: ...").ops("tQ"), advice);
  }

  @Test
  void classesBesideTheWeightsAreRefusedWithAdvice() {
    bad(PickleBuilder.start().ops("}(").text("cfg").global("omegaconf.dictconfig", "DictConfig").ops(")").raw(0x81).ops("u"),
        "omegaconf.dictconfig.DictConfig", "checkpoint[\"state_dict\"]");
  }

  // ---- what may not be done with plain values ----

  @Test
  void statesAreForObjectsThatHaveThem() {
    bad(PickleBuilder.start().text("a string").ops("}b"), "a state (BUILD) for the string \"a string\"");
    bad(PickleBuilder.start().ops("]}b"), "a state (BUILD) for a list");
    bad(PickleBuilder.start().ops("}").text("x").ops("b"), "a state (BUILD) for a dict");
    bad(PickleBuilder.start().global("torch", "FloatStorage").ops("}b"), "a state (BUILD)");
    bad(PickleBuilder.start().global("argparse", "Namespace").ops(")").raw(0x81).ops("}b}b"), "a second state");
  }

  @Test
  void itemsAreForDicts() {
    bad(PickleBuilder.start().ops("]").integer(1).integer(2).ops("s"), "an item for a list");
    bad(PickleBuilder.start().tensor("0", 16, 0, new long[] {16}, new long[] {1}).integer(1).integer(2).ops("s"), "an item for the tensor");
    bad(PickleBuilder.start().global("torch", "FloatStorage").ops("(").integer(1).integer(2).ops("u"), "an item for");
    bad(PickleBuilder.start().ops("}(").integer(1).ops("u"), "a key without a value");
  }

  @Test
  void elementsAreForLists() {
    bad(PickleBuilder.start().ops("}").integer(1).ops("a"), "an element for a dict");
    bad(PickleBuilder.start().ops(")(").integer(1).ops("e"), "an element for a tuple");
    bad(PickleBuilder.start().ops("](").integer(1).raw(0x90), "elements for a list", "a set");
  }

  @Test
  void keysAreImmutable() {
    bad(PickleBuilder.start().ops("}]").integer(1).ops("s"), "a list of 0 as a key");
    bad(PickleBuilder.start().ops("}]").raw(0x85).integer(1).ops("s"), "a tuple with a list of 0 as a key");
    bad(PickleBuilder.start().raw(0x8f).ops("(}").raw(0x90), "a dict of 0 as a key");
  }

  @Test
  void onlyFunctionsAreCalled() {
    bad(PickleBuilder.start().text("f").ops(")R"), "a call of the string \"f\"");
    bad(PickleBuilder.start().global("torch", "float32").ops(")R"), "a call of torch.float32");
    bad(PickleBuilder.start().global("builtins", "list").ops(")R"), "a call of builtins.list");
    bad(PickleBuilder.start().global("collections", "OrderedDict").ops("]R"), "a list of 0 as arguments");
    bad(PickleBuilder.start().global("collections", "OrderedDict").ops(")}").text("a").integer(1).ops("s").raw(0x92), "keyword arguments");
    bad(PickleBuilder.start().global("torch._tensor", "_rebuild_from_type_v2").ops("(").global("collections", "OrderedDict")
        .global("torch", "Tensor").ops("))tR"), "collections.OrderedDict as the function that makes a tensor");
  }

  // ---- exhausting something ----

  @Test
  void lengthsBeyondTheFile() {
    bad(PickleBuilder.start().raw('X', 255, 255, 255, 127), "2147483647 bytes announced", "truncated");
    bad(PickleBuilder.start().raw(0x8d, 255, 255, 255, 255, 255, 255, 255, 255), "18446744073709551615 bytes announced");
    bad(PickleBuilder.start().raw(0x8d, 0, 0, 0, 0, 0, 0, 0, 64), "bytes announced");
    bad(PickleBuilder.start().raw(0x8e, 0, 0, 0, 0, 1, 0, 0, 0), "4294967296 bytes announced");
    bad(PickleBuilder.start().raw(0x8b, 255, 255, 255, 255), "bytes announced");
    bad(PickleBuilder.start().raw('T', 255, 255, 255, 255), "bytes announced");
  }

  @Test
  void integersOfThousandsOfDigits() {
    byte[] long4 = Arrays.copyOf(PickleBuilder.start().raw(0x8b, 0, 0, 2, 0).unfinished(), 200_000);
    bad(long4, "a value of 131072 bytes");
    bad(PickleBuilder.start().ops("L" + "9".repeat(2000) + "L\n"), "the number a string of");
    bad(PickleBuilder.start().ops("I" + "9".repeat(100_000)), "no end of a line");
  }

  @Test
  void nestedDeeply() {
    PickleBuilder b = PickleBuilder.start();
    b.ops("]".repeat(50_000)).ops("a".repeat(49_999));
    bad(b, "nested deeper than 200");
    bad(PickleBuilder.start().ops(")").ops("\u0085".repeat(50_000)), "nested deeper than 200");
    bad(PickleBuilder.start().ops("(".repeat(50_000)), "open marks");
  }

  @Test
  void valuesThatContainThemselves() {
    bad(PickleBuilder.start().ops("]").raw('q', 0, 'h', 0).ops("a"), "a value that contains itself");
    bad(PickleBuilder.start().ops("}").raw('q', 0).text("a").raw('h', 0).ops("s"), "a value that contains itself");
    bad(PickleBuilder.start().global("argparse", "Namespace").ops(")").raw(0x81).raw('q', 0).ops("}").text("a").raw('h', 0).ops("sb"),
        "a value that contains itself");
  }

  @Test
  void manyValues() {
    byte[] nones = new byte[Unpickler.MAX_VALUES + 10];
    Arrays.fill(nones, (byte) 'N');
    assertBad(() -> read(nones, TorchPickle.Kind.CHECKPOINT), "more than " + Unpickler.MAX_VALUES + " values");
  }

  @Test
  void memoBombs() {
    // One value under millions of names, far apart.
    ByteBuffer b = ByteBuffer.allocate(1 + 5 * (Unpickler.MAX_SPARSE + 10)).order(ByteOrder.LITTLE_ENDIAN).put((byte) 'N');
    for (int i = 1; b.hasRemaining(); i++) {
      b.put((byte) 'r').putInt(i * 1000);
    }
    bad(b.array(), "more than " + Unpickler.MAX_SPARSE + " memo entries");
  }

  @Test
  void tuplesOfTuplesAsKeys() {
    // t = (t, t), sixty times: hashing it would take 2^60 steps.
    PickleBuilder b = PickleBuilder.start().ops("})");
    for (int i = 0; i < 60; i++) {
      b.raw('q', i, 'h', i, 0x86);
    }
    bad(b.integer(1).ops("s"), "large or many tuples as keys");
  }

  // ---- malformed ----

  @Test
  void stacksThatAreEmpty() {
    for (String opcodes : new String[] {"0", "a", "R", "b", "Q", "2", "q\0"}) {
      bad(PickleBuilder.start().ops(opcodes), "from an empty stack");
    }
    bad(PickleBuilder.start().ops("(R"), "from an empty stack");
    bad(PickleBuilder.start().integer(1).ops("(0a"), "from an empty stack");
    bad(PickleBuilder.start().ops("s"), "2 values from a stack of 0");
    bad(PickleBuilder.start().integer(1).raw(0x86), "2 values from a stack of 1");
    for (String opcodes : new String[] {"t", "e", "u", "1", "d", "l"}) {
      bad(PickleBuilder.start().ops(opcodes), "looks for a mark");
    }
  }

  @Test
  void valuesBelowAMarkAreOutOfReach() {
    bad(PickleBuilder.start().ops("](").integer(1).ops("aa"), "from an empty stack");
  }

  @Test
  void endsThatAreNone() {
    bad(PickleBuilder.start(), "the end of a pickle with 0 values");
    bad(PickleBuilder.start().integer(1).integer(2), "the end of a pickle with 2 values");
    bad(PickleBuilder.start().integer(1).ops("("), "the end of a pickle");
    bad(PickleBuilder.start().integer(1).unfinished(), "the end of the data", "truncated");
    bad(new byte[0], "the end of the data");
  }

  @Test
  void memoEntriesThatAreNotSet() {
    bad(PickleBuilder.start().raw('h', 7), "memo entry 7 before it is set");
    bad(PickleBuilder.start().ops("gx\n"), "the memo entry the string \"x\"");
  }

  @Test
  void newerProtocolsAndUnknownOpcodes() {
    bad(PickleBuilder.start().raw(0x80, 6), "pickle protocol 6");
    bad(PickleBuilder.start().raw(0xff), "opcode 0xff");
  }

  @Test
  void textThatIsNoText() {
    bad(PickleBuilder.start().raw('X', 2, 0, 0, 0, 0xff, 0xfe), "no UTF-8");
    bad(PickleBuilder.start().ops("Fx\n"), "the number");
    bad(PickleBuilder.start().ops("F1.2.3\n"), "the number");
    bad(PickleBuilder.start().ops("S'a\n"), "protocol 0");
  }

  // ---- tensors ----

  @Test
  void tensorsOutsideTheirStorage() {
    bad(PickleBuilder.start().tensor("0", 16, 0, new long[] {17}, new long[] {1}), "reach byte 68", "64 bytes");
    bad(PickleBuilder.start().tensor("0", 16, 10, new long[] {7}, new long[] {1}), "reach byte 68");
    bad(PickleBuilder.start().tensor("0", 16, 0, new long[] {2, 2}, new long[] {100, 1}), "within the storage");
    bad(PickleBuilder.start().tensor("0", 16, 0, new long[] {HUGE, HUGE}, new long[] {0, 0}), "within the storage");
    bad(PickleBuilder.start().tensor("0", 16, -1, new long[] {1}, new long[] {1}), "no negative numbers");
    bad(PickleBuilder.start().tensor("0", 16, 0, new long[] {1, 2}, new long[] {1}), "2 sizes and 1 strides");
  }

  @Test
  void storagesShorterThanTheyClaim() {
    bad(PickleBuilder.start().tensor("0", 17, 0, new long[] {1}, new long[] {1}), "storage 0 of 64 bytes", "the 68 bytes");
    bad(PickleBuilder.start().tensor("0", Long.MAX_VALUE, 0, new long[] {1}, new long[] {1}), "a storage of 9223372036854775807 elements");
    bad(PickleBuilder.start().tensor("0", -1, 0, new long[] {1}, new long[] {1}), "a storage of -1 elements");
  }

  @Test
  void persistentIdsThatAreNoStorages() {
    bad(PickleBuilder.start().text("storage").ops("Q"), "as a persistent id");
    bad(PickleBuilder.start().integers(1, 2).ops("Q"), "a persistent id of 2 fields");
    bad(PickleBuilder.start().ops("(").text("other").text("").text("").text("").integer(1).ops("tQ"), "a persistent id");
    bad(PickleBuilder.start().ops("(").text("storage").text("FloatStorage").text("0").text("cpu").integer(1).ops("tQ"),
        "as the class of a storage");
    bad(PickleBuilder.start().ops("(").text("storage").global("torch", "FloatStorage").integer(0).text("cpu").integer(1).ops("tQ"),
        "0 as a storage's key");
  }

  @Test
  void viewsOutsideTheirStorage() {
    PickleBuilder b = PickleBuilder.start().global("torch._utils", "_rebuild_tensor").ops("((").text("storage").global("torch",
        "FloatStorage")
        .text("0").text("cpu").integer(16).ops("(").text("v").integer(10).integer(7).ops("ttQ").integer(0).integers(1).integers(1)
        .ops("tR");
    bad(b, "a view of 7 elements at 10");
  }

  @Test
  void argumentsOfTheWrongKind() {
    bad(PickleBuilder.start().global("torch._utils", "_rebuild_tensor_v2").ops(")R"), "with 0 arguments");
    bad(PickleBuilder.start().global("torch._utils", "_rebuild_tensor_v2").integers(1, 2, 3, 4).ops("R"), "1 as a tensor's storage");
    bad(PickleBuilder.start().global("torch._utils", "_rebuild_tensor_v2").ops("(").storage("FloatStorage", "0", 16).text("x").integers(1)
        .integers(1).ops("tR"), "as a storage offset");
    bad(PickleBuilder.start().global("torch._utils", "_rebuild_tensor_v2").ops("(").storage("FloatStorage", "0", 16).integer(0).ops("(")
        .text("x").ops("t").integers(1).ops("tR"), "as sizes");
    bad(PickleBuilder.start().global("torch._utils", "_rebuild_tensor_v2").ops("(").storage("UntypedStorage", "0", 16).integer(0)
        .integers(1)
        .integers(1).ops("tR"), "an untyped storage");
    bad(PickleBuilder.start().global("torch._utils", "_rebuild_parameter").ops("(").text("x").ops("tR"), "as the data of a tensor");
    bad(PickleBuilder.start().global("torch", "Size").integers(1).ops("R"), "1 as a size");
    bad(PickleBuilder.start().global("_codecs", "encode").ops("(").text("x").text("rot13").ops("tR"), "the encoding");
    bad(PickleBuilder.start().global("_codecs", "encode").ops("(").text("€").text("latin1").ops("tR"), "beyond latin-1");
  }

  @Test
  void quantizersThatDoNotFit() {
    PickleBuilder b = PickleBuilder.start().global("torch._utils", "_rebuild_qtensor").ops("(").storage("QInt8Storage", "0", 16).integer(0)
        .integers(4, 4).integers(4, 1).ops("(").global("torch", "per_channel_affine").ops("](").number(1).number(2).ops("e](").integer(0)
        .integer(0).ops("e");
    byte[] before = b.unfinished();
    bad(resumed(before).integer(0).ops("t").raw(0x89).ops("NtR"), "2 scales and 2 zero points", "[4], one for each channel");
    bad(resumed(before).integer(7).ops("t").raw(0x89).ops("NtR"), "the quantization axis 7");
    bad(PickleBuilder.start().global("torch._utils", "_rebuild_qtensor").ops("(").storage("QInt8Storage", "0", 16).integer(0).integers(16)
        .integers(1).ops("(").text("x").ops("t").raw(0x89).ops("NtR"), "the quantization scheme");
  }

  private static PickleBuilder resumed(byte[] before) {
    return PickleBuilder.start().ops(new String(before, java.nio.charset.StandardCharsets.ISO_8859_1));
  }

  @Test
  void numpyThatDoesNotFit() {
    PickleBuilder dtype = PickleBuilder.start().global("numpy.core.multiarray", "scalar").ops("(").global("numpy", "dtype").ops("(")
        .text("f8")
        .raw(0x89, 0x88).ops("tR").raw('C', 3, 1, 2, 3).ops("tR");
    bad(dtype, "a NumPy scalar of 3 bytes");
    bad(PickleBuilder.start().global("numpy.core.multiarray", "scalar").ops("(").text("f8").text("x").ops("tR"), "as an array's type");
    bad(PickleBuilder.start().global("numpy.core.multiarray", "_reconstruct").ops("(").global("numpy", "ndarray").ops(")").text("b")
        .ops("tR(")
        .integer(1).integers(HUGE, HUGE).global("numpy", "dtype").ops("(").text("f8").raw(0x89, 0x88).ops("tR").raw(0x89, 'C', 1, 0)
        .ops("tb"),
        "within the storage's 1 bytes");
  }

  @Test
  void tensorsThatHaveNoCounterpart() {
    bad(PickleBuilder.start().global("torch._utils", "_rebuild_sparse_tensor"), "a sparse tensor", "to_dense()");
    bad(PickleBuilder.start().global("torch._utils", "_rebuild_tensor_v2").ops("(").storage("ComplexHalfStorage", "0", 4).integer(0)
        .integers(4)
        .integers(1).ops("tR"), "complex32");
    bad(PickleBuilder.start().global("torch._utils", "_rebuild_tensor_v2").ops("(").storage("ComplexFloatStorage", "0", 4).integer(0)
        .integers(4)
        .integers(1).raw(0x89).ops("N}").text("conj").raw(0x88).ops("stR"), "conjugated");
  }
}
