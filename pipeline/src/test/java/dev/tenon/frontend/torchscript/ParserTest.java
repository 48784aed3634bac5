package dev.tenon.frontend.torchscript;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.diag.BadInputException;
import java.util.List;
import org.junit.jupiter.api.Test;

class ParserTest {

  private static Ast.Unit parse(String text) {
    return Parser.parse("m.pt", "code/__torch__.py", text);
  }

  private static List<Ast.Stmt> body(String... lines) {
    return parse("def f(x: Tensor) -> Tensor:\n  " + String.join("\n  ", lines) + "\n").functions().get("f").body();
  }

  private static Ast.Expr expression(String text) {
    return ((Ast.Return) body("return " + text).get(0)).value();
  }

  private static String error(String text) {
    return assertThrows(BadInputException.class, () -> parse(text)).getMessage();
  }

  @Test
  void readsModuleHeader() {
    Ast.ClassDef c = parse("""
        class M(Module):
          __parameters__ = ["weight", "bias", ]
          __buffers__ = []
          weight : Tensor
          bias : Optional[Tensor]
          training : bool
          _is_full_backward_hook : NoneType
          __annotations__["0"] = __torch__.torch.nn.modules.linear.Linear
          in_features : Final[int] = 4
          names : Final[Tuple[str, str]] = ("a", "b")
          def forward(self: __torch__.M,
            x: Tensor,
            y: Optional[Tensor]=None) -> Tuple[Tensor, __torch__.NT]:
            return (x, y)
          def __len__(self: __torch__.M) -> int:
            return 2
        """).classes().get("M");
    assertEquals(Ast.ClassKind.MODULE, c.kind());
    assertEquals(List.of("weight", "bias"), c.parameters());
    assertEquals(List.of(), c.buffers());
    assertEquals("Optional[Tensor]", c.field("bias").type().toString());
    assertEquals("__torch__.torch.nn.modules.linear.Linear", c.field("0").type().toString());
    assertEquals(new Ast.IntLit(4), c.field("in_features").value());
    assertEquals("Final[Tuple[str, str]]", c.field("names").type().toString());
    assertEquals(List.of("forward", "__len__"), List.copyOf(c.methods().keySet()));
    Ast.FunctionDef forward = c.methods().get("forward");
    assertEquals(new Ast.NoneLit(), forward.params().get(2).defaultValue());
    assertEquals("Tuple[Tensor, __torch__.NT]", forward.returns().toString());
  }

  @Test
  void readsOtherKindsOfClasses() {
    Ast.Unit u = parse("""
        op_version_set = 1
        import __torch__.torch.nn
        class NT(NamedTuple):
          a : Tensor
          b : int
        class Color(Enum):
          RED = 1
          BLUE = 2
        class I(ModuleInterface):
          def forward(self, x: Tensor) -> Tensor:
            pass
        class Box:
          v : int
          def __init__(self: __torch__.Box,
            v: int) -> NoneType:
            self.v = v
            return None
        class Empty(Module):
          pass
        """);
    assertEquals(Ast.ClassKind.NAMED_TUPLE, u.classes().get("NT").kind());
    assertEquals(new Ast.IntLit(2), u.classes().get("Color").field("BLUE").value());
    assertEquals(Ast.ClassKind.INTERFACE, u.classes().get("I").kind());
    assertEquals(Ast.ClassKind.CLASS, u.classes().get("Box").kind());
    assertTrue(u.classes().get("Empty").fields().isEmpty());
  }

  @Test
  void readsStatements() {
    List<Ast.Stmt> s = body("_0, _1, = x", "_2, x4 = _3, x5", "y : List[int] = [1]", "self.prev = False", "(d)[0] = 1",
        "if a:", "  pass", "else:", "  b = 1", "while _2:", "  b = 2", "for i in range(n):", "  b = i", "with _5:", "  b = 3",
        "with _5 as t:", "  b = 4", "def __fork():", "  return x", "print(1)", "raise Exception", "assert a, \"no\"", "return None");
    Ast.Assign unpack = (Ast.Assign) s.get(0);
    assertTrue(unpack.unpack());
    assertEquals(2, unpack.targets().size());
    assertInstanceOf(Ast.TupleLit.class, ((Ast.Assign) s.get(1)).value());
    assertEquals("List[int]", ((Ast.Assign) s.get(2)).declared().toString());
    assertInstanceOf(Ast.Attr.class, ((Ast.Assign) s.get(3)).targets().get(0));
    assertInstanceOf(Ast.Subscript.class, ((Ast.Assign) s.get(4)).targets().get(0));
    assertEquals(1, ((Ast.If) s.get(5)).otherwise().size());
    assertInstanceOf(Ast.While.class, s.get(6));
    assertEquals(new Ast.Name("i"), ((Ast.For) s.get(7)).target());
    assertEquals(new Ast.Name("t"), ((Ast.With) s.get(9)).target());
    assertEquals("__fork", ((Ast.NestedDef) s.get(10)).function().name());
    assertInstanceOf(Ast.Raise.class, s.get(12));
    assertEquals(new Ast.NoneLit(), ((Ast.Return) s.get(14)).value());
    assertEquals(new Ast.Position(3, 44), ((Ast.Assign) s.get(1)).at());
  }

  @Test
  void singleTargetWithCommaTakesTupleApart() {
    assertTrue(((Ast.Assign) body("a, = f(x)").get(0)).unpack());
  }

  @Test
  void readsLiterals() {
    assertEquals(new Ast.FloatLit(Double.NEGATIVE_INFINITY), expression("-inf"));
    assertEquals(new Ast.FloatLit(Double.NaN), expression("nan"));
    assertEquals(new Ast.FloatLit(1.0000000000000001e-05), expression("1.0000000000000001e-05"));
    assertEquals(new Ast.FloatLit(15), expression("15."));
    assertEquals(new Ast.IntLit(Long.MAX_VALUE), expression("9223372036854775807"));
    assertEquals(new Ast.IntLit(Long.MIN_VALUE), expression("-9223372036854775808"));
    assertEquals(new Ast.Binary("+", new Ast.FloatLit(2), new Ast.ImaginaryLit(4)), expression("2.+4.j"));
    assertEquals(new Ast.TupleLit(List.of(new Ast.IntLit(1))), expression("(1,)"));
    assertEquals(new Ast.TupleLit(List.of()), expression("()"));
    assertEquals(new Ast.DictLit(List.of(new Ast.StrLit("a")), List.of(new Ast.IntLit(1))), expression("{\"a\": 1, }"));
  }

  @Test
  void decodesStrings() {
    assertEquals(new Ast.StrLit("a\n\t\"q' \u0001 é %d {}"), expression("\"a\\n\\t\\\"q\\' \\001 \\303\\251 %d {}\""));
    assertEquals(new Ast.StrLit("é😀"), expression("'é😀'"));
    assertEquals(new Ast.StrLit("ab"), expression("\"a\" '\\x62'"));
  }

  @Test
  void operatorsBindAsInPython() {
    assertEquals("((- (a ** (- b))) + ((c * d) << 2))", show(expression("-a ** -b + (c * d << 2)")));
    assertEquals("((not (a < b)) and ((c is not None) or (d not in e)))", show(expression("not a < b and (c is not None or d not in e)")));
    assertEquals("(a if (b == c) else (d if e else f))", show(expression("a if b == c else d if e else f")));
    assertEquals("((a - b) - c)", show(expression("a - b - c")));
  }

  private static String show(Ast.Expr e) {
    if (e instanceof Ast.Binary b) {
      return "(" + show(b.left()) + " " + b.operator() + " " + show(b.right()) + ")";
    } else if (e instanceof Ast.Unary u) {
      return "(" + u.operator() + " " + show(u.operand()) + ")";
    } else if (e instanceof Ast.Ternary t) {
      return "(" + show(t.then()) + " if " + show(t.condition()) + " else " + show(t.otherwise()) + ")";
    } else if (e instanceof Ast.IntLit i) {
      return "" + i.value();
    }
    return e instanceof Ast.NoneLit ? "None" : Ast.dotted(e);
  }

  @Test
  void readsCallsSubscriptsAndTypes() {
    Ast.Call call = (Ast.Call) expression("(self.conv).forward(x, CONSTANTS.c0, dtype=ops.prim.dtype(x), )");
    assertEquals("self.conv.forward", Ast.dotted(call.callee()));
    assertEquals(2, call.args().size());
    assertEquals("dtype", call.keywords().get(0).name());
    Ast.Call annotate = (Ast.Call) expression("annotate(List[Optional[Tensor]], [None, idx])");
    assertEquals("List[Optional[Tensor]]", Ast.type(annotate.args().get(0)).toString());
    assertEquals("Tuple", Ast.type(expression("Tuple[()]")).name());
    assertEquals("Union[int, str]", Ast.type(expression("(int, str)")).toString());
    assertInstanceOf(Ast.Slice.class, ((Ast.Subscript) expression("x[1:]")).index());
    assertEquals(2, ((Ast.TupleLit) ((Ast.Subscript) expression("x[..., ::2]")).index()).elements().size());
    assertInstanceOf(Ast.Lambda.class, expression("lambda x, y: x"));
  }

  @Test
  void linesGoOnInsideBracketsAndCommentsAreSkipped() {
    Ast.Unit u = parse("# head\ndef f(x: Tensor,\n    y: int=3) -> Tensor:\n\n  # inside\n  return torch.add(x, # first\n      y)\n# end");
    assertEquals(2, u.functions().get("f").params().size());
  }

  @Test
  void errorsNameEntryAndLine() {
    assertEquals("m.pt: code/__torch__.py:2: found ')', expected an expression", error("def f(x: Tensor):\n  return torch.add(x +)\n"));
    assertEquals("m.pt: code/__torch__.py:3: found an indentation of 1, expected one of the blocks around it, 0 say",
        error("def f(x: Tensor):\n  a = 1\n b = 2\n"));
    assertEquals("m.pt: code/__torch__.py:3: found a second definition of 'f', expected one", error("def f():\n  pass\ndef f():\n  pass\n"));
    assertTrue(error("def f():\n  return 9223372036854775808\n").endsWith("expected an integer of 64 bits"));
    assertTrue(error("def f():\n  return \"a\n").contains("a string without its end"));
    assertTrue(error("x = 1\n").contains("expected a class, a function or an import"));
    assertTrue(error("class A(Exploit):\n  pass\n").contains("the base class 'Exploit'"));
  }

  @Test
  void depthIsBounded() {
    int n = 100_000;
    for (String deep : List.of("(".repeat(n) + "x" + ")".repeat(n), "x" + "[0]".repeat(n), "x" + " + x".repeat(n), "-".repeat(n) + "x",
        "not ".repeat(n) + "x", "x" + " ** x".repeat(n), "x" + " or x".repeat(n), "lambda: ".repeat(n) + "x", "x" + " if x else x".repeat(n))) {
      assertTrue(error("def f(x: Tensor):\n  return " + deep + "\n").contains("nested more than"), deep.substring(0, 20));
    }
    StringBuilder blocks = new StringBuilder("def f(x: Tensor):\n");
    for (int i = 1; i < 400; i++) {
      blocks.append(" ".repeat(i)).append("if x:\n");
    }
    assertTrue(error(blocks.toString()).contains("nested more than"));
  }
}
