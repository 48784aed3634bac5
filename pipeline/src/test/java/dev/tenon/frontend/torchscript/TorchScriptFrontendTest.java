package dev.tenon.frontend.torchscript;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.diag.Diagnostic;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TorchScriptFrontendTest {
  @TempDir
  private Path folder;
  private ScriptBuilder script;

  @BeforeEach
  void begin() {
    script = new ScriptBuilder(folder);
  }

  private static List<String> operators(Model m) {
    List<String> all = new ArrayList<>();
    m.graph().forEachNode(n -> all.add(n.qualifiedOp()));
    return all;
  }

  private String error() {
    return assertThrows(BadInputException.class, script::read).getMessage();
  }

  private List<String> messages() {
    return script.diagnostics.errors().stream().map(Diagnostic::message).toList();
  }

  // ---- what is known is computed ----

  @Test
  void armsThatOnlyRaiseAreLeftOut() {
    script.forward("x: Tensor", "if torch.gt(torch.sum(x), 0):", "  pass", "else:", "  ops.prim.RaiseException(\"no\", \"builtins.ValueError\")",
        "return torch.relu(x)").input("x", "2");
    assertEquals(List.of("Relu"), operators(script.read()).stream().filter(o -> !o.equals("ReduceSum") && !o.equals("Greater")).toList());
  }

  @Test
  void anExceptionThatInputsOfTheseShapesRaiseIsReported() {
    script.forward("x: Tensor", "if torch.ne(torch.dim(x), 4):", "  ops.prim.RaiseException(torch.format(\"{}D\", torch.dim(x)))", "else:", "  pass",
        "return x").input("x", "2,3").read();
    assertTrue(messages().get(0).contains("raises: 2D"), messages().toString());
  }

  @Test
  void anInputOfUnknownShapeIsTheOnlyThingSaid() {
    script.forward("x: Tensor", "y = torch.softmax(torch.add(x, 1), 1)", "return torch.sum(torch.transpose(y, 0, 1), [2])").read();
    assertEquals(List.of("the archive does not say which shape the input 'x' has: scripted models keep no example inputs"), messages());
  }

  @Test
  void sizesThatGoThroughTensorsAreStillSizes() {
    Model m = script.forward("x: Tensor", "b = ops.prim.NumToTensor(torch.size(x, 0))", "c = ops.prim.NumToTensor(torch.size(x, 1))",
        "_0 = int(torch.mul(b, torch.floor_divide(c, CONSTANTS2)))".replace("CONSTANTS2", "2"), "return torch.reshape(x, [_0, 2])")
        .input("x", "batch,6").read();
    assertEquals("[3*batch,2]", m.graph().outputs().get(0).shape().toString());
  }

  @Test
  void fractionsOfSizesRoundToSizes() {
    Model m = script.forward("x: Tensor", "h = torch.floor(torch.mul(float(torch.size(x, 1)), 0.5))", "return torch.slice(x, 1, 0, h)")
        .input("x", "2,height").read();
    assertEquals("[2,floor(height/2)]", m.graph().outputs().get(0).shape().toString());
  }

  @Test
  void loopsOfConstantLengthAreUnrolled() {
    assertArrayEquals(new float[] {6, 12}, script.forward("x: Tensor", "y = x", "for i in range(3):", "  y0 = torch.add(y, x, alpha=i)",
        "  y = y0", "l = annotate(List[Tensor], [])", "for j in range(2):", "  _0 = torch.append(l, y)", "return torch.add(torch.sum(torch.stack(l), [0]), l[1])")
        .input("x", "2").run(Tensor.of(new float[] {0.5f, 1}, 2)).get(0).toFloats());
  }

  // ---- old archives ----

  @Test
  void integerDivisionOfOldArchivesRoundsTowardsZero() {
    Tensor x = Tensor.of(new long[] {7, -7}, 2);
    String[] body = {"y = torch.to(x, 4)", "return torch.div(y, torch.full_like(y, 2))"};
    script.forward("x: Tensor", body).input("x", "2");
    Tensor old = script.version("3").run(x.cast(DataType.FLOAT)).get(0);
    assertEquals(DataType.INT64, old.dtype());
    assertArrayEquals(new long[] {3, -3}, old.toLongs());
    assertArrayEquals(new float[] {3.5f, -3.5f}, script.version("4").run(x.cast(DataType.FLOAT)).get(0).toFloats());
  }

  @Test
  void fullOfOldArchivesIsFloatingPoint() {
    script.forward("x: Tensor", "return torch.full([2], 1)");
    assertEquals(DataType.FLOAT, script.version("3").input("x", "2").run(Tensor.of(new float[2], 2)).get(0).dtype());
    assertEquals(DataType.INT64, script.version("5").run(Tensor.of(new float[2], 2)).get(0).dtype());
  }

  @Test
  void theVersionMustBeThere() {
    script.forward("x: Tensor", "return x").version("new");
    assertTrue(error().contains("the version of the archive's format"));
  }

  // ---- names ----

  @Test
  void sharedTensorsAreOneInitializerUnderTheirFirstName() {
    Model m = script.forward("x: Tensor", "a = self.a", "b = self.b", "return torch.add(torch.mul(x, a), b)").input("x", "2")
        .vector("a", "0", 1, 2).vector("b", "0", 1, 2).vector("unused", "1", 3).read();
    assertEquals(List.of("a"), m.graph().initializers().stream().map(Value::name).toList());
  }

  @Test
  void outputsAreNamedByKeysAndFields() {
    script.code("__torch__", "class NT(NamedTuple):\n  left : Tensor\n  right : Tuple[Tensor, int]\n");
    Model m = script.forward("x: Tensor", "y = torch.relu(x)", "return ({\"a\": y, \"b\": __torch__.NT(x, (y, 3))}, None, torch.neg(x), [x, 2.5])")
        .input("x", "2").read();
    assertEquals(List.of("a", "b.left", "b.right", "b.right_1", "output", "output_1", "output_2"),
        m.graph().outputs().stream().map(Value::name).toList());
  }

  @Test
  void nodesKnowTheirModuleAndPlace() {
    script.code("__torch__.net", "class Layer(Module):\n  def forward(self: __torch__.net.Layer,\n    x: Tensor) -> Tensor:\n    return torch.relu(x)\n");
    Model m = script.forward("x: Tensor", "layer = self.layer", "return (layer).forward(x, )").input("x", "2")
        .attribute("layer", p -> p.global("__torch__.net", "Layer").ops(")").raw(0x81).ops("}b")).read();
    Node relu = m.graph().lastNode();
    assertEquals("layer", relu.provenance().modulePath());
    assertEquals("code/__torch__/net.py:4", relu.provenance().sourceLine());
    assertEquals(List.of("layer/relu"), relu.provenance().sources());
  }

  // ---- what cannot be converted ----

  @Test
  void unknownOperatorsAreAllReportedOrKept() {
    Model m = script.forward("x: Tensor", "y, z, = ops.mylib.frob(x, 2, \"abc\")", "return torch.add(y, ops.mylib.other(z))").input("x", "2").read();
    assertTrue(operators(m).containsAll(List.of("mylib::frob", "mylib::other")), operators(m).toString());
    Node frob = m.graph().firstNode();
    assertEquals(2, frob.outputs().size());
  }

  @Test
  void oneFailureDoesNotHideAnother() {
    script.forward("x: Tensor", "y = torch.view(x, [3, 3], )", "z = torch.select(x, 7, 0)", "w = torch.permute(x, [0, 5])", "return torch.add(z, w)")
        .input("x", "2,4").read();
    assertTrue(messages().size() >= 2, messages().toString());
  }

  @Test
  void whatOnlyTheRunningModelDecidesIsAnErrorWhereItIsUsed() {
    script.forward("x: Tensor", "if bool(torch.gt(torch.sum(x), 0)):", "  s = \"a\"", "else:", "  s = \"bcd\"", "return torch.add(x, torch.len(s))")
        .input("x", "2").read();
    assertTrue(messages().get(0).contains("as a decision at run time has it"), messages().toString());
    ScriptBuilder unused = new ScriptBuilder(folder);
    unused.forward("x: Tensor", "if bool(torch.gt(torch.sum(x), 0)):", "  s = \"a\"", "else:", "  s = \"bcd\"", "return torch.relu(x)").input("x", "2").read();
    assertFalse(unused.diagnostics.hasErrors());
  }

  // ---- code that PyTorch did not print ----

  @Test
  void undefinedNamesNameEntryAndLine() {
    script.forward("x: Tensor", "y = torch.relu(x)", "return z").input("x", "2");
    assertTrue(error().endsWith("m.pt: code/__torch__.py:8: found the name 'z', expected a variable that has been assigned"), error());
    script = new ScriptBuilder(folder).forward("x: Tensor", "return __torch__.missing.f(x)");
    assertTrue(error().contains("the function '__torch__.missing.f'"), error());
    script = new ScriptBuilder(folder).forward("x: Tensor", "return self.nothing").input("x", "2");
    assertTrue(error().contains("no attribute 'nothing'"), error());
    script = new ScriptBuilder(folder).forward("x: Tensor", "return os.system(\"ls\")").input("x", "2");
    assertTrue(error().contains("a call of 'os.system'"), error());
  }

  @Test
  void endlessLoopsAndRecursionsEnd() {
    script.forward("x: Tensor", "y = 0", "while True:", "  y0 = torch.add(y, 1)", "  y = y0", "return x").input("x", "2").read();
    script = new ScriptBuilder(folder).forward("x: Tensor", "return (self).forward(x, )").input("x", "2");
    assertTrue(error().contains("calls nested more than"), error());
    script = new ScriptBuilder(folder).forward("x: Tensor", "return __torch__.f(x)").code("__torch__", "def f(x: Tensor) -> Tensor:\n  return __torch__.f(x)\n")
        .input("x", "2");
    assertTrue(error().contains("calls nested more than"), error());
    script = new ScriptBuilder(folder).forward("x: Tensor", "for a in range(9999):", "  for b in range(9999):", "    for c in range(9999):",
        "      d = 1", "return x").input("x", "2");
    assertTrue(error().contains("statements to run"), error());
  }

  @Test
  void listsAndStringsStayOfBoundedLength() {
    script.forward("x: Tensor", "l = [1, 2, 3]", "for i in range(60):", "  l0 = torch.add(l, l)", "  l = l0", "return torch.add(x, torch.len(l))")
        .input("x", "2").read();
    assertTrue(messages().get(0).contains("a list of"), messages().toString());
    script = new ScriptBuilder(folder).forward("x: Tensor", "l = torch.mul([1], 999999999999)", "return torch.add(x, torch.len(l))").input("x", "2");
    script.read();
    assertTrue(messages().get(0).contains("at most"), messages().toString());
    script = new ScriptBuilder(folder).forward("x: Tensor", "s = \"ab\"", "for i in range(60):", "  s0 = torch.add(s, s)", "  s = s0",
        "return torch.add(x, torch.len(s))").input("x", "2");
    script.read();
    assertTrue(messages().get(0).contains("a string of"), messages().toString());
  }

  @Test
  void archivesWithoutCodeOrModuleAreRefused() {
    assertTrue(error().contains("no code"), error());
    script = new ScriptBuilder(folder).code("__torch__", "class N(Module):\n  pass\n");
    assertTrue(error().contains("an object of class __torch__.M, which the archive has no code for"), error());
    script = new ScriptBuilder(folder).code("__torch__", "class M(Module):\n  pass\n");
    assertTrue(error().contains("no method forward"), error());
  }
}
