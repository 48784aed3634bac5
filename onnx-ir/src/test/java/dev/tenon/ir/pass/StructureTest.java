package dev.tenon.ir.pass;

import static dev.tenon.ir.testing.RuleTester.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.Storage;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.ConversionException;
import dev.tenon.ir.testing.Graphs;
import dev.tenon.ir.testing.RandomInputs;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Dead code, common subexpressions, inlined branches, constant reshape targets, padding, the checker and the manager. */
class StructureTest {

  // ---- dead code ----

  @Test
  void unreadNodesConstantsAndOptionalOutputsGo() {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", 1, 2, 6, 6);
    g.input("unused", 3);
    g.op("Neg", g.op("Exp", g.op("Add", x, g.weight("dead", 6))));
    List<Value> pool = g.node("MaxPool", List.of(x), 2, Attribute.ofInts("kernel_shape", 2, 2));
    g.output("y", pool.get(0));
    Model m = assertThat(new DeadCode()).on(g).fires("MaxPool");
    assertEquals(2, m.graph().inputs().size());
    assertEquals(0, m.graph().initializers().size());
    assertEquals(1, m.graph().firstNode().outputs().size());
  }

  @Test
  void whatOnlyADeadSubgraphReadsIsDead() {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", 3);
    Value outer = g.op("Exp", x);
    Graphs yes = g.subgraph("yes");
    yes.op("Neg", outer);
    yes.output("yes_out", yes.op("Relu", x));
    Graphs no = g.subgraph("no");
    no.output("no_out", no.op("Neg", x));
    g.output("y", g.op("If", g.input(DataType.BOOL, "c"), Attribute.ofGraph("then_branch", yes.graph()), Attribute.ofGraph("else_branch", no.graph())));
    assertThat(new DeadCode()).on(g).fires("If");
  }

  // ---- sequences ----

  @Test
  void aSplitThatIsOnlyIndexedBecomesAPlainSplit() {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", "n", 7);
    Value s = g.op("SplitToSequence", x, g.constant(Tensor.scalar(3L)), Attribute.ofInt("axis", 1));
    Value first = g.op("SequenceAt", s, g.constant(Tensor.scalar(0L)));
    Value last = g.op("SequenceAt", s, g.constant(Tensor.scalar(-1L)));
    g.output("y", g.op("Concat", List.of(last, first), Attribute.ofInt("axis", 1)));
    assertThat(new UnpackSequences()).on(g).fires("Split", "Concat");
  }

  @Test
  void piecesOfLengthOneLoseTheirAxisWhereAsked() {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", 3, "n");
    Value s = g.op("SplitToSequence", x, Attribute.ofInt("axis", 0), Attribute.ofInt("keepdims", 0));
    g.output("y", g.op("Sub", g.op("SequenceAt", s, g.constant(Tensor.scalar(2L))), g.op("SequenceAt", s, g.constant(Tensor.scalar(0L)))));
    assertThat(new UnpackSequences()).on(g).fires("Split", "Squeeze", "Squeeze", "Sub");
  }

  @Test
  void aSequenceThatIsIndexedAtRunTimeStays() {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", 3, 4);
    Value s = g.op("SplitToSequence", x, Attribute.ofInt("axis", 0));
    g.output("y", g.op("SequenceAt", s, g.input(DataType.INT64, "i")));
    assertThat(new UnpackSequences()).on(g).doesNotFire("");
  }

  // ---- common subexpressions ----

  @Test
  void equalNodesBecomeOne() {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", "n", 4);
    Value a = g.op("Add", x, g.constant(Tensor.of(new float[] {1, 2, 3, 4}, 4)));
    Value b = g.op("Add", g.constant(Tensor.of(new float[] {1, 2, 3, 4}, 4)), x);
    g.output("y", g.op("Mul", g.op("Softmax", a, Attribute.ofInt("axis", 1)), g.op("Softmax", b, Attribute.ofInt("axis", 1))));
    assertThat(new CommonSubexpressions()).on(g).fires("Add", "Softmax", "Mul");
  }

  @Test
  void otherAttributesOrdersAndRandomnessKeepNodesApart() {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", 4, 4);
    Value a = g.op("Sub", g.op("Softmax", x, Attribute.ofInt("axis", 0)), x);
    Value b = g.op("Sub", x, g.op("Softmax", x, Attribute.ofInt("axis", 1)));
    Value r = g.op("Sub", g.op("RandomNormalLike", x), g.op("RandomNormalLike", x));
    g.output("y", g.op("Sum", List.of(a, b, r)));
    assertThat(new CommonSubexpressions()).on(g).doesNotFire("");
  }

  @Test
  void equalParametersOfDifferentLayersStayTwoVariables() {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", "n", 2);
    Storage ones = Storage.of(ByteBuffer.wrap(new byte[] {0, 0, (byte) 0x80, 0x3f, 0, 0, (byte) 0x80, 0x3f}));
    Value a = g.initializer("bn1.weight", Tensor.source("bn1.weight", DataType.FLOAT, new long[] {2}, ones));
    Value b = g.initializer("bn2.weight", Tensor.source("bn2.weight", DataType.FLOAT, new long[] {2}, ones));
    g.output("y", g.op("Mul", g.op("Mul", x, a), b));
    assertThat(new CommonSubexpressions()).on(g).doesNotFire("");
  }

  @Test
  void twoOutputsOfTheSameExpressionStay() {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", "n", 2);
    g.output("y", g.op("Exp", x));
    g.output("z", g.op("Exp", x));
    assertThat(new CommonSubexpressions()).on(g).doesNotFire("");
  }

  // ---- branches ----

  @Test
  void theBranchThatIsTakenReplacesAnIf() {
    for (byte taken = 0; taken <= 1; taken++) {
      Graphs g = Graphs.opset(17);
      Value x = g.input("x", 3);
      Value c = g.constant(Tensor.constant("c", DataType.BOOL, new long[0], Storage.of(ByteBuffer.wrap(new byte[] {taken}))));
      Graphs yes = g.subgraph("yes");
      Value inner = yes.constant(Tensor.scalar(2f));
      yes.output("yes_out", yes.op("Mul", x, inner));
      Graphs no = g.subgraph("no");
      no.output("no_out", no.op("Neg", x));
      g.output("y", g.op("If", c, Attribute.ofGraph("then_branch", yes.graph()), Attribute.ofGraph("else_branch", no.graph())));
      assertThat(new InlineBranches()).on(g).fires(taken == 1 ? "Mul" : "Neg");
    }
  }

  @Test
  void nestedConstantBranchesAreInlinedFromTheInside() {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", 3);
    Value c = g.constant(Tensor.constant("c", DataType.BOOL, new long[0], Storage.of(ByteBuffer.wrap(new byte[] {1}))));
    Graphs yes = g.subgraph("yes");
    Graphs inner = yes.subgraph("inner");
    inner.output("inner_out", inner.op("Exp", x));
    Graphs other = yes.subgraph("other");
    other.output("other_out", other.op("Neg", x));
    yes.output("yes_out", yes.op("If", c, Attribute.ofGraph("then_branch", inner.graph()), Attribute.ofGraph("else_branch", other.graph())));
    Graphs no = g.subgraph("no");
    no.output("no_out", no.op("Neg", x));
    g.output("y", g.op("If", c, Attribute.ofGraph("then_branch", yes.graph()), Attribute.ofGraph("else_branch", no.graph())));
    assertThat(new InlineBranches()).on(g).fires("Exp");
  }

  // ---- reshape targets ----

  @Test
  void computedReshapeTargetsBecomeConstant() {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", "n", "seq", 12);
    Value shape = g.op("Shape", x);
    Value n = g.op("Gather", shape, g.constant(Tensor.vector(0)));
    Value s = g.op("Gather", shape, g.constant(Tensor.vector(1)));
    Value target = g.op("Concat", List.of(n, s, g.constant(Tensor.vector(3, 4))), Attribute.ofInt("axis", 0));
    g.output("y", g.op("Reshape", x, target));
    Model m = assertThat(new ReshapeTargets()).shapes(new InferredShapes()).on(g)
        .inputs(RandomInputs.seeded(1).size("n", 2).size("seq", 5), RandomInputs.seeded(1).size("n", 1).size("seq", 1),
            RandomInputs.seeded(1).size("n", 0).size("seq", 5)).fires("Reshape");
    assertEquals(List.of(0L, 0L, 3L, 4L), java.util.Arrays.stream(m.graph().firstNode().input(1).constant().toLongs()).boxed().toList());
  }

  @Test
  void targetsThatSwapEqualNamesStayComputed() {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", "a", "b");
    Value shape = g.op("Shape", x);
    Value target = g.op("Concat", List.of(g.op("Gather", shape, g.constant(Tensor.vector(1))), g.op("Gather", shape, g.constant(Tensor.vector(0)))),
        Attribute.ofInt("axis", 0));
    g.output("y", g.op("Reshape", x, target));
    assertThat(new ReshapeTargets()).shapes(new InferredShapes()).on(g).doesNotFire("");
  }

  // ---- padding and bias ----

  @Test
  void zeroPaddingGoesIntoTheConvolution() {
    for (int opset : new int[] {10, 13, 18}) {
      Graphs g = Graphs.opset(opset);
      Value x = g.input("x", "n", 2, "h", 7);
      Value padded = opset < 11 ? g.op("Pad", x, Attribute.ofInts("pads", 0, 0, 1, 2, 0, 0, 3, 0))
          : opset < 18 ? g.op("Pad", x, g.constant(Tensor.vector(0, 0, 1, 2, 0, 0, 3, 0)))
          : g.op("Pad", java.util.Arrays.asList(x, g.constant(Tensor.vector(1, 2, 3, 0)), null, g.constant(Tensor.vector(-2, 3))));
      g.output("y", g.op("Conv", List.of(padded, g.weight("w", 3, 2, 3, 3), g.weight("b", 3)), Attribute.ofInts("pads", 1, 0, 0, 1)));
      assertThat(new ConvolutionFusion()).on(g).fires("Conv");
    }
  }

  @Test
  void otherPaddingStays() {
    Graphs g = Graphs.opset(13);
    Value x = g.input("x", "n", 2, 7, 7);
    Value w = g.weight("w", 3, 2, 3, 3);
    Value pads = g.constant(Tensor.vector(0, 0, 1, 1, 0, 0, 1, 1));
    g.output("one", g.op("Conv", g.op("Pad", List.of(x, pads, g.constant(Tensor.scalar(1f)))), w));
    g.output("reflect", g.op("Conv", g.op("Pad", List.of(x, pads), Attribute.ofString("mode", "reflect")), w));
    g.output("crop", g.op("Conv", g.op("Pad", x, g.constant(Tensor.vector(0, 0, -1, 1, 0, 0, 1, 1))), w));
    g.output("same", g.op("Conv", g.op("Pad", x, pads), w, Attribute.ofString("auto_pad", "SAME_LOWER")));
    assertThat(ConvolutionFusion.PAD_CONV).on(g).doesNotFire("non-negative");
  }

  @Test
  void consecutivePadsAndABiasAreTakenIn() {
    Graphs g = Graphs.opset(13);
    Value x = g.input("x", "n", 2, 7, 7);
    Value y = g.op("Pad", g.op("Pad", x, g.constant(Tensor.vector(0, 0, 1, 0, 0, 0, 0, 2))), g.constant(Tensor.vector(0, 0, 0, 1, 0, 0, 1, 0)));
    y = g.op("Conv", y, g.weight("w", 3, 2, 3, 3));
    g.output("y", g.op("Add", g.weight("bias", 1, 3, 1, 1), y));
    assertThat(new ConvolutionFusion()).on(g).fires("Conv");
  }

  // ---- the checker and the manager ----

  private static Graphs small() {
    Graphs g = Graphs.opset(17);
    return g.output("y", g.op("Relu", g.op("Neg", g.input("x", 3))));
  }

  @Test
  void aPassThatBreaksTheGraphIsNamed() {
    Pass wrong = new Pass() {
      @Override
      public String name() {
        return "wrong";
      }

      @Override
      public String description() {
        return "breaks the order";
      }

      @Override
      public PassResult run(PassContext context) {
        Node last = context.graph().lastNode();
        context.graph().moveBefore(last, context.graph().firstNode());
        return PassResult.of("moved", 1);
      }
    };
    ConversionException e = assertThrows(ConversionException.class,
        () -> new PassManager(List.of(wrong)).run(PassContext.of(small().model())));
    assertTrue(e.getMessage().contains("pass wrong") && e.getMessage().contains("not defined before it"), e.getMessage());
  }

  @Test
  void theCheckerFindsUnimportedDomainsAndMissingFunctions() {
    Graphs g = small();
    g.graph().newNode("Gelu").domain("dev.tenon").inputs(g.graph().inputs().get(0)).append();
    List<String> problems = new GraphChecker(g.model()).problems();
    assertEquals(2, problems.size(), problems.toString());
  }

  @Test
  void selectionsAddAndRemovePasses() {
    List<Pass> all = Passes.all();
    assertEquals(all.size(), PassSelection.parse("").apply(all).size());
    assertEquals(all.size() - 1, PassSelection.parse("-fold-batch-norm").apply(all).size());
    assertEquals(List.of("no-ops", "dead-code"), PassSelection.parse("dead-code, no-ops").apply(all).stream().map(Pass::name).toList());
    assertEquals(List.of("dead-code"), PassSelection.parse("none,+dead-code").apply(all).stream().map(Pass::name).toList());
    assertEquals(all.size(), PassSelection.parse("no-ops,default").apply(all).size());
    IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> PassSelection.parse("-nothing").apply(all));
    assertTrue(e.getMessage().contains("found 'nothing', expected one of expand-functions"), e.getMessage());
  }

  @Test
  void listenersHearOfEveryRunOfEveryPass() {
    List<String> heard = new ArrayList<>();
    new PassManager(List.of(new NoOps(), new DeadCode())).listener((index, pass, result, model, time) -> heard.add(index + " " + pass.name()))
        .run(PassContext.of(small().model()));
    assertEquals(List.of("0 no-ops", "1 dead-code"), heard);
  }
}
