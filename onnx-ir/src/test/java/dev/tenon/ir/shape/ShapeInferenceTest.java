package dev.tenon.ir.shape;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Function;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.testing.Graphs;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Symbolic results of single operators and of the chains of operators that exporters write for shapes. */
class ShapeInferenceTest {
  private final Diagnostics diagnostics = new Diagnostics();

  private ShapeInference.Result infer(Graphs g) {
    return ShapeInference.infer(g.model(), diagnostics);
  }

  /** Infers, and gives the shape of a value as text. */
  private String shape(Graphs g, Value v) {
    infer(g);
    assertEquals(List.of(), diagnostics.all());
    return v.shape().toString();
  }

  private static Attribute ints(String name, long... values) {
    return Attribute.ofInts(name, values);
  }

  private static Value vector(Graphs g, long... values) {
    return g.constant(Tensor.vector(values));
  }

  @Test
  void convolutionOfSymbolicSizes() {
    Graphs g = Graphs.opset(18);
    Value x = g.input("x", "n", 3, "h", "w");
    Value y = g.op("Conv", x, g.weight("k", 8, 3, 3, 5), ints("strides", 2, 1), ints("pads", 1, 0, 1, 0), ints("dilations", 1, 2));
    assertEquals("[n,8,floor((h+1)/2),w-8]", shape(g, y));
  }

  @Test
  void samePaddingDividesUpwards() {
    Graphs g = Graphs.opset(18);
    Value x = g.input("x", "n", 3, "h", 17);
    Value y = g.op("Conv", x, g.weight("k", 8, 3, 3, 3), ints("strides", 3, 2), Attribute.ofString("auto_pad", "SAME_UPPER"));
    assertEquals("[n,8,floor((h+2)/3),9]", shape(g, y));
  }

  @Test
  void ceilModeCountsThePartialWindowUnlessItStartsInThePadding() {
    Graphs g = Graphs.opset(18);
    Value x = g.input("x", "n", 3, "h", 5);
    Value narrow = g.op("MaxPool", x, ints("kernel_shape", 3, 2), ints("strides", 2, 2), Attribute.ofInt("ceil_mode", 1));
    // Size 5, kernel 1, stride 3, padding 1 behind: a window at 6 would start outside.
    Value wide = g.op("MaxPool", x, ints("kernel_shape", 1, 1), ints("strides", 1, 3), ints("pads", 0, 0, 0, 1), Attribute.ofInt("ceil_mode", 1));
    assertEquals("[n,3,floor(h/2),3]", shape(g, narrow));
    assertEquals("[n,3,h,2]", wide.shape().toString());
  }

  @Test
  void transposedConvolutionUndoesTheStride() {
    Graphs g = Graphs.opset(18);
    Value x = g.input("x", "n", 8, "h", 7);
    Value y = g.op("ConvTranspose", x, g.weight("k", 8, 3, 4, 4), ints("strides", 2, 2), ints("pads", 1, 1, 1, 1),
        ints("output_padding", 1, 0), Attribute.ofInt("group", 2));
    assertEquals("[n,6,2*h+1,14]", shape(g, y));
  }

  @Test
  void broadcastingKeepsWhatIsCertain() {
    Graphs g = Graphs.opset(18);
    Value a = g.input("a", "n", 1, "h", "w", 4);
    Value b = g.input("b", "s", "h", 7, 1);
    assertEquals("[n,s,h,7,4]", shape(g, g.op("Add", a, b)));
    Graphs two = Graphs.opset(18);
    Value sum = two.op("Add", two.input("a", "n"), two.input("b", "m"));
    assertEquals("[broadcast(m,n)]", shape(two, sum));
  }

  @Test
  void contradictionsAreWarningsAndEndInNoType() {
    Graphs g = Graphs.opset(18);
    Value y = g.op("Add", g.input("a", 3), g.input("b", 4));
    Value z = g.op("Softmax", g.op("Transpose", g.input("c", 2, 3), ints("perm", 0, 5)));
    infer(g);
    assertNull(y.type());
    assertEquals(Shape.unknown(), z.shape());
    assertEquals(List.of("invalid-node", "invalid-node"), diagnostics.all().stream().map(d -> d.code()).toList());
    assertTrue(diagnostics.all().get(0).message().contains("[3] and [4] do not broadcast"), diagnostics.all().get(0).message());
  }

  @Test
  void reshapeFromShapeGatherAndConcat() {
    // x.view(x.shape[0], -1, 4, x.shape[2]) as TorchScript exports it.
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", "n", 12, "t", "d");
    Value shape = g.op("Shape", x);
    Value n = g.op("Unsqueeze", g.op("Gather", shape, g.constant(Tensor.scalar(0))), vector(g, 0));
    Value t = g.op("Unsqueeze", g.op("Gather", shape, g.constant(Tensor.scalar(2))), vector(g, 0));
    Value target = g.op("Concat", List.of(n, vector(g, -1), vector(g, 4), t), Attribute.ofInt("axis", 0));
    Value y = g.op("Reshape", x, target);
    assertEquals("[n,3*d,4,t]", shape(g, y));
    assertEquals(Optional.of(List.of(Dim.symbol("n"), Dim.of(-1), Dim.of(4), Dim.symbol("t"))), infer(g).knownData(target));
  }

  @Test
  void reshapeCopiesZerosUnlessAllowed() {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", "n", 6, "t");
    assertEquals("[n,2,3*t]", shape(g, g.op("Reshape", x, vector(g, 0, 2, -1))));
    Value empty = g.op("Reshape", g.input("e", 0, 5), vector(g, 7, 0), Attribute.ofInt("allowzero", 1));
    assertEquals("[7,0]", shape(g, empty));
  }

  @Test
  void reshapeOfASumOfPartsDividesAsAWhole() {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", "n", "h", 5);
    Value y = g.op("Concat", List.of(x, g.input("c", "n", 1, 5)), Attribute.ofInt("axis", 1));
    Value flat = g.op("Reshape", y, vector(g, -1, 5));
    Value back = g.op("Reshape", flat, g.op("Shape", y));
    assertEquals("[n,h+1,5]", shape(g, back));
    assertEquals("[h*n+n,5]", flat.shape().toString());
  }

  @Test
  void aTargetOfUnknownSignIsFoundFromTheNumberOfElements() {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", 6, 4);
    Value k = g.input(DataType.INT64, "k", 1);
    Value one = g.op("Reshape", x, g.op("Concat", List.of(k, vector(g, 8)), Attribute.ofInt("axis", 0)));
    Value two = g.op("Reshape", x, g.op("Concat", List.of(k, k), Attribute.ofInt("axis", 0)));
    assertEquals("[3,8]", shape(g, one));
    assertEquals(2, two.shape().rank());
    assertTrue(two.shape().dims().stream().allMatch(Dim::isAnonymous), two.toString());
  }

  @Test
  void expandWithMinusOneReplacedAsPyTorchExportsIt() {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", 1, 1, "d");
    Value wanted = g.op("Concat", List.of(g.op("Shape", g.input("y", "n", "t")), vector(g, -1)), Attribute.ofInt("axis", 0));
    Value isFree = g.op("Equal", wanted, vector(g, -1));
    Value ones = g.op("ConstantOfShape", vector(g, 3), Attribute.ofTensor("value", Tensor.vector(1)));
    Value y = g.op("Expand", x, g.op("Where", List.of(isFree, ones, wanted)));
    assertEquals("[n,t,d]", shape(g, y));
  }

  @Test
  void slicesOfSymbolicAxes() {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", "n", 10);
    assertEquals("[max(n-1,0),10]", shape(g, slice(g, x, 1, Long.MAX_VALUE, 0, 1)));
    assertEquals("[max(n-2,0),10]", shape(g, slice(g, x, 0, -2, 0, 1)));
    assertEquals("[n,10]", shape(g, slice(g, x, 0, Integer.MAX_VALUE, 0, 1)));
    assertEquals("[floor((n+2)/3),10]", shape(g, slice(g, x, 0, Long.MAX_VALUE, 0, 3)));
    assertEquals("[n,10]", shape(g, slice(g, x, -1, Long.MIN_VALUE, 0, -1)));
    assertEquals("[n,4]", shape(g, slice(g, x, 8, -9, -1, -2)));
    assertEquals("[n,0]", shape(g, slice(g, x, 7, 3, 1, 1)));
    assertEquals("[n,8]", shape(g, slice(g, x, Long.MIN_VALUE, -2, 1, 1)));
    assertEquals("[n,3]", shape(g, slice(g, x, -3, 100, 1, 1)));
  }

  private static Value slice(Graphs g, Value x, long start, long end, long axis, long step) {
    return g.op("Slice", List.of(x, vector(g, start), vector(g, end), vector(g, axis), vector(g, step)));
  }

  @Test
  void sliceToHalfAndTheRestMakeTheWhole() {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", "n", "c");
    Value half = g.op("Div", g.op("Gather", g.op("Shape", x), vector(g, 1)), vector(g, 2));
    Value front = g.op("Slice", List.of(x, vector(g, 0), half, vector(g, 1)));
    Value back = g.op("Slice", List.of(x, half, vector(g, Long.MAX_VALUE), vector(g, 1)));
    assertEquals("[n,c]", shape(g, g.op("Concat", List.of(back, front), Attribute.ofInt("axis", -1))));
    assertEquals("[n,floor(c/2)]", front.shape().toString());
  }

  @Test
  void attributesThatBecameInputsAreReadFromBoth() {
    Graphs old = Graphs.opset(9);
    Value x = old.input("x", "n", 10, 1);
    assertEquals("[n,4,1]", shape(old, old.op("Slice", x, ints("starts", 2), ints("ends", 6), ints("axes", 1))));
    assertEquals("[n,10]", shape(old, old.op("Squeeze", x, ints("axes", 2))));
    assertEquals("[n,3,1]", shape(old, old.node("TopK", List.of(x), 2, Attribute.ofInt("k", 3), Attribute.ofInt("axis", 1)).get(1)));
    assertEquals("[n+3,10,1]", shape(old, old.op("Pad", x, ints("pads", 1, 0, 0, 2, 0, 0))));
    Graphs recent = Graphs.opset(20);
    Value y = recent.input("y", "n", 10, 1);
    assertEquals("[n,10]", shape(recent, recent.op("Squeeze", y, vector(recent, -1))));
    assertEquals("[1,10,1]", shape(recent, recent.op("ReduceMean", y, vector(recent, 0))));
    assertEquals("[n+3,10,1]", shape(recent, recent.op("Pad", y, vector(recent, 1, 0, 0, 2, 0, 0))));
    assertEquals("[n,10,6]", shape(recent, recent.op("Pad", Arrays.asList(y, vector(recent, 2, 3), null, vector(recent, 2)))));
  }

  @Test
  void resizeToTheSizeOfAnotherImageAndByScales() {
    Graphs g = Graphs.opset(18);
    Value x = g.input("x", "n", 8, "h", "w");
    Value skip = g.input("skip", "n", 4, "H", "W");
    Value spatial = slice(g, g.op("Shape", skip), 2, Long.MAX_VALUE, 0, 1);
    Value sizes = g.op("Concat", List.of(slice(g, g.op("Shape", x), 0, 2, 0, 1), spatial), Attribute.ofInt("axis", 0));
    assertEquals("[n,8,H,W]", shape(g, g.op("Resize", Arrays.asList(x, null, null, sizes))));
    Value scales = g.constant(Tensor.of(new float[] {1, 1, 2, 1.5f}, 4));
    assertEquals("[n,8,2*h,floor(w/2)+w]", shape(g, g.op("Resize", Arrays.asList(x, null, scales))));
  }

  @Test
  void shapeArithmeticInFloatingPointStaysExact() {
    Graphs g = Graphs.opset(17);
    Value h = g.op("Gather", g.op("Shape", g.input("x", "n", 3, "h")), g.constant(Tensor.scalar(2)));
    Value scaled = g.op("Floor", g.op("Mul", cast(g, h, DataType.FLOAT), g.constant(Tensor.scalar(0.5f))));
    Value third = g.op("Ceil", g.op("Div", cast(g, h, DataType.FLOAT), g.constant(Tensor.scalar(3f))));
    Value inexact = g.op("Floor", g.op("Mul", cast(g, h, DataType.FLOAT), g.constant(Tensor.scalar(1.3f))));
    Value size = cast(g, scaled, DataType.INT64);
    Value thirds = cast(g, third, DataType.INT64);
    Value unsure = cast(g, inexact, DataType.INT64);
    ShapeInference.Result r = infer(g);
    assertEquals("[floor(h/2)]", r.knownData(size).orElseThrow().toString());
    assertEquals("[floor((h+2)/3)]", r.knownData(thirds).orElseThrow().toString());
    assertEquals(Optional.empty(), r.knownData(unsure));
  }

  private static Value cast(Graphs g, Value v, DataType to) {
    return g.op("Cast", v, Attribute.ofInt("to", to.number()));
  }

  @Test
  void rangesUpToASizeOrAnInput() {
    Graphs g = Graphs.opset(17);
    Value n = g.op("Size", g.input("x", "n", 3));
    Value zero = g.constant(Tensor.scalar(0));
    assertEquals("[3*n]", shape(g, g.op("Range", List.of(zero, n, g.constant(Tensor.scalar(1))))));
    assertEquals("[floor((n+1)/2)+n]", shape(g, g.op("Range", List.of(zero, n, g.constant(Tensor.scalar(2))))));
    Value count = g.input(DataType.INT64, "count");
    Value free = g.op("Range", List.of(zero, count, g.constant(Tensor.scalar(1))));
    Value same = g.op("Range", List.of(zero, count, g.constant(Tensor.scalar(1))));
    infer(g);
    assertEquals(free.shape(), same.shape());
  }

  @Test
  void dataDependentSizesAreUnknownAndDistinct() {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", "n", 4);
    Value a = g.op("NonZero", x);
    Value b = g.op("NonZero", x);
    Value picked = g.op("GatherND", x, g.op("Transpose", a));
    infer(g);
    assertEquals(Dim.of(2), a.shape().dim(0));
    assertTrue(a.shape().dim(1).isAnonymous());
    assertTrue(!a.shape().dim(1).equals(b.shape().dim(1)));
    assertEquals(Shape.of(a.shape().dim(1)), picked.shape());
  }

  @Test
  void einsumWithLettersEllipsisAndImplicitResult() {
    Graphs g = Graphs.opset(17);
    Value q = g.input("q", "n", 4, "t", 8);
    Value k = g.input("k", "n", 4, "s", 8);
    assertEquals("[n,4,t,s]", shape(g, g.op("Einsum", q, k, Attribute.ofString("equation", "bhid, bhjd -> bhij"))));
    assertEquals("[n,4,s,t]", shape(g, g.op("Einsum", k, q, Attribute.ofString("equation", "...id,...jd->...ij"))));
    Value m = g.input("m", 3, 5);
    Value v = g.input("v", 5, 7);
    assertEquals("[7,3]", shape(g, g.op("Einsum", m, v, Attribute.ofString("equation", "zb,ba"))), "letters in alphabetical order");
  }

  @Test
  void elementTypes() {
    Graphs g = Graphs.opset(21);
    Value x = g.input("x", 2, 3);
    Value i = g.input(DataType.INT8, "i", 2, 3);
    Value scale = g.constant(Tensor.scalar(0.5f));
    Map<Value, DataType> expected = Map.of(
        g.op("ArgMax", x), DataType.INT64,
        g.op("Less", x, x), DataType.BOOL,
        g.op("Shape", x), DataType.INT64,
        g.op("Cast", x, Attribute.ofInt("to", 10)), DataType.FLOAT16,
        g.op("CastLike", x, i), DataType.INT8,
        g.op("QuantizeLinear", x, scale), DataType.UINT8,
        g.op("DequantizeLinear", i, scale), DataType.FLOAT,
        g.op("MatMulInteger", i, g.op("Transpose", i)), DataType.INT32,
        g.op("ConstantOfShape", vector(g, 2)), DataType.FLOAT,
        g.op("Where", List.of(g.op("IsNaN", x), x, x)), DataType.FLOAT);
    infer(g);
    expected.forEach((v, t) -> assertEquals(t, v.dtype(), v.producer().toString()));
  }

  // ---- declared types ----

  @Test
  void declaredOutputNamesAreKeptForUnknownDimensionsOnly() {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", "n", 4);
    Value y = g.op("NonZero", x);
    y.setType(Type.tensor(DataType.INT64, Graphs.shape(2, "hits")));
    Value z = g.op("Relu", x);
    z.setType(Type.tensor(DataType.FLOAT, Graphs.shape("other", 4)));
    g.output("y", y).output("z", z);
    assertEquals("[2,hits]", shape(g, y));
    assertEquals("[n,4]", z.shape().toString());
  }

  @Test
  void inferredTypeWinsOverAContradictingDeclaration() {
    Graphs g = Graphs.opset(17);
    Value y = g.op("Relu", g.input("x", 3, 4));
    y.setType(Type.tensor(DataType.FLOAT, Shape.of(3, 5)));
    infer(g);
    assertEquals(Shape.of(3, 4), y.shape());
    assertEquals("shape-mismatch", diagnostics.all().get(0).code());
  }

  @Test
  void unknownOperatorsKeepTheirDeclaredTypes() {
    Graphs g = Graphs.opset(17);
    Node n = g.graph().newNode("Mystery").domain("com.acme").inputs(g.input("x", 2)).output("y").append();
    n.output().setType(Type.tensor(DataType.FLOAT, Shape.of(2, 9)));
    assertEquals("[9,2]", shape(g, g.op("Transpose", n.output())));
  }

  // ---- functions ----

  @Test
  void functionsAreInferredPerCallWithTheirAttributes() {
    Graph body = new Graph("body");
    Value in = body.addInput("in", null);
    Value t = body.newNode("Transpose").inputs(in).attribute(Attribute.reference("perm", Attribute.Kind.INTS, "order")).output("t").append()
        .output();
    body.addOutput(body.newNode("Relu").inputs(t).output("out").append().output());
    Graphs g = Graphs.opset(17);
    g.model().addFunction(new Function("dev.tenon", "Turn", "", List.of("order"), Map.of(), Map.of("", 17), body, ""));
    Value x = g.input("x", "n", 3, 5);
    Value a = call(g, x, 2, 0, 1);
    Value b = call(g, a, 0, 2, 1);
    assertEquals("[5,3,n]", shape(g, b));
    assertEquals("[5,n,3]", a.shape().toString());
    assertNull(t.type(), "a value in a body has no one type");
  }

  private static Value call(Graphs g, Value x, long... order) {
    return g.graph().newNode("Turn").domain("dev.tenon").inputs(x).attr("order", order).output("y").append().output();
  }

  @Test
  void theGraphIsLeftAsItWas() {
    Graphs g = Graphs.opset(17);
    Model m = g.output("y", g.op("Relu", g.input("x", "n"))).model();
    String before = m.graph().nodeList().toString();
    infer(g);
    infer(g);
    assertEquals(before.replace(":null", ""), m.graph().nodeList().toString());
  }
}
