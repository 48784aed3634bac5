package dev.tenon.ir.shape;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Shape;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/** Products of matrices: MatMul and its quantized forms, Gemm, Einsum, determinants. */
final class MatrixShapes {
  private MatrixShapes() {}

  static void register(Registry r) {
    r.op("MatMul", 1, c -> c.output(0, c.dtype(0) == DataType.UNDEFINED ? c.dtype(1) : c.dtype(0), matMul(c, c.shape(0), c.shape(1))));
    r.op("MatMulInteger", 1, c -> c.output(0, DataType.INT32, matMul(c, c.shape(0), c.shape(1))));
    r.op("QLinearMatMul", 1, c -> c.output(0, c.dtype(7), matMul(c, c.shape(0), c.shape(3))));
    r.op("Gemm", 1, MatrixShapes::gemm);
    r.op("Einsum", 1, MatrixShapes::einsum);
    r.op("Det", 1, MatrixShapes::det);
  }

  /** As numpy.matmul: a vector is a matrix of one row (left) or column (right), which the result does not have. */
  static Shape matMul(NodeContext c, Shape a, Shape b) {
    if (!a.hasRank() || !b.hasRank()) {
      return Shape.unknown();
    }
    if (a.rank() == 0 || b.rank() == 0) {
      throw c.invalid("a scalar operand: " + a + ", " + b);
    }
    c.same(a.dim(-1), b.dim(b.rank() == 1 ? 0 : -2));
    Shape batchOfA = Shape.of(a.subList(0, Math.max(0, a.rank() - 2)));
    Shape batchOfB = Shape.of(b.subList(0, Math.max(0, b.rank() - 2)));
    List<Dim> out = new ArrayList<>(c.broadcast(batchOfA, batchOfB).dims());
    if (a.rank() > 1) {
      out.add(a.dim(-2));
    }
    if (b.rank() > 1) {
      out.add(b.dim(-1));
    }
    return Shape.of(out);
  }

  private static void gemm(NodeContext c) {
    Shape a = c.shapeOfRank(0, 2);
    Shape b = c.shapeOfRank(1, 2);
    boolean transA = c.intAttr("transA", 0) != 0;
    boolean transB = c.intAttr("transB", 0) != 0;
    c.same(a.dim(transA ? 0 : 1), b.dim(transB ? 1 : 0));
    c.output(0, c.dtype(0), Shape.of(a.dim(transA ? 1 : 0), b.dim(transB ? 0 : 1)));
  }

  private static void det(NodeContext c) {
    Shape x = c.shape(0);
    c.output(0, c.dtype(0), x.hasRank() ? Shape.of(x.subList(0, Math.max(0, x.rank() - 2))) : x);
  }

  // ---- Einsum ----

  private static void einsum(NodeContext c) {
    String equation = c.stringAttr("equation", "").replace(" ", "");
    int arrow = equation.indexOf("->");
    String[] terms = (arrow < 0 ? equation : equation.substring(0, arrow)).split(",", -1);
    if (terms.length != c.inputCount()) {
      throw c.invalid("equation '" + equation + "' has " + terms.length + " operands, the node " + c.inputCount());
    }
    Map<Character, Dim> sizes = new HashMap<>();
    Shape ellipsis = Shape.SCALAR;
    for (int i = 0; i < terms.length; i++) {
      ellipsis = readOperand(c, terms[i], c.shape(i), sizes, ellipsis);
    }
    String result = arrow < 0 ? implicitResult(terms) : equation.substring(arrow + 2);
    c.output(0, c.dtype(0), result(c, result, sizes, ellipsis));
  }

  /** Takes in the sizes of an operand's letters; gives the shape of all ellipses so far. */
  private static Shape readOperand(NodeContext c, String term, Shape s, Map<Character, Dim> sizes, Shape ellipsis) {
    int dots = term.indexOf("...");
    String letters = term.replace("...", "");
    if (s.hasRank() && (dots < 0 ? s.rank() != letters.length() : s.rank() < letters.length())) {
      throw c.invalid("operand '" + term + "' has shape " + s);
    }
    int hidden = s.hasRank() ? s.rank() - letters.length() : 0;
    for (int i = 0; i < letters.length(); i++) {
      Dim d = !s.hasRank() ? Dim.unknown() : s.dim(dots >= 0 && i >= dots ? i + hidden : i);
      sizes.merge(letters.charAt(i), d, (x, y) -> x.is(1) || y.is(1) ? x.broadcast(y) : s.hasRank() ? c.same(x, y) : x);
    }
    if (dots < 0) {
      return ellipsis;
    }
    return s.hasRank() ? c.broadcast(ellipsis, Shape.of(s.subList(dots, dots + hidden))) : Shape.unknown();
  }

  /** Without an arrow: the ellipsis, then the letters that occur once, in alphabetical order. */
  private static String implicitResult(String[] terms) {
    Map<Character, Integer> counts = new HashMap<>();
    boolean dots = false;
    for (String t : terms) {
      dots |= t.contains("...");
      for (char letter : t.replace("...", "").toCharArray()) {
        counts.merge(letter, 1, Integer::sum);
      }
    }
    StringBuilder b = new StringBuilder(dots ? "..." : "");
    for (char letter : new TreeSet<>(counts.keySet())) {
      if (counts.get(letter) == 1) {
        b.append(letter);
      }
    }
    return b.toString();
  }

  private static Shape result(NodeContext c, String result, Map<Character, Dim> sizes, Shape ellipsis) {
    List<Dim> out = new ArrayList<>();
    for (int i = 0; i < result.length(); i++) {
      if (result.startsWith("...", i)) {
        if (!ellipsis.hasRank()) {
          return Shape.unknown();
        }
        out.addAll(ellipsis.dims());
        i += 2;
        continue;
      }
      Dim d = sizes.get(result.charAt(i));
      if (d == null) {
        throw c.invalid("the letter '" + result.charAt(i) + "' of the result is in no operand");
      }
      out.add(d);
    }
    return Shape.of(out);
  }
}
