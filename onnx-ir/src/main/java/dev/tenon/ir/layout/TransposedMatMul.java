package dev.tenon.ir.layout;

import dev.tenon.ir.Function;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Node;
import dev.tenon.ir.Use;
import dev.tenon.ir.Value;
import java.util.List;
import java.util.Map;

/**
 * Products of batches of matrices of which one or both are stored transposed: TensorFlow's product transposes them as it reads.
 * {@code dev.tenon::MatMulNT4D} is {@code MatMul(a, transpose(b))} on tensors of rank 4, the letters being those of BLAS.
 */
public final class TransposedMatMul {
  private static final String PREFIX = "MatMul";

  private TransposedMatMul() {}

  /** The operator's name. */
  static String name(boolean left, boolean right, int rank) {
    return PREFIX + (left ? "T" : "N") + (right ? "T" : "N") + rank + "D";
  }

  /** The names of all these operators, for ranks 3 to 6. */
  public static List<String> names() {
    return java.util.stream.IntStream.rangeClosed(3, 6).boxed()
        .flatMap(rank -> java.util.stream.Stream.of("NT", "TN", "TT").map(t -> PREFIX + t + rank + "D")).toList();
  }

  /** True if the left (0) or right (1) operand of an operator of this name is stored transposed. */
  public static boolean isTransposed(String name, int operand) {
    return name.charAt(PREFIX.length() + operand) == 'T';
  }

  static boolean isOne(String opType) {
    return opType.matches(PREFIX + "[NT][NT]\\dD");
  }

  /** True if a read is that of an operand which may come transposed. */
  static boolean reads(Use u) {
    Node n = u.node();
    if (!n.isOp("MatMul") || u.index() > 1 || n.input(0) == null || n.input(1) == null) {
      return false;
    }
    int rank = n.input(0).rank();
    return rank >= 3 && rank <= 6 && n.input(1).rank() == rank && n.input(u.index()).constant() == null;
  }

  /** The order of the axes of a transposed operand. */
  static int[] swapped(int rank) {
    int[] p = Permutations.identity(rank);
    p[rank - 1] = rank - 2;
    p[rank - 2] = rank - 1;
    return p;
  }

  static Function function(String name, int opset) {
    int rank = name.charAt(name.length() - 2) - '0';
    Graph body = new Graph(name);
    Value[] in = {body.addInput("a", null), body.addInput("b", null)};
    for (int i = 0; i < 2; i++) {
      if (isTransposed(name, i)) {
        in[i] = body.newNode("Transpose").inputs(in[i]).attr("perm", Permutations.toLongs(swapped(rank))).output("transposed").append()
            .output();
      }
    }
    body.addOutput(body.newNode("MatMul").inputs(in).output("y").append().output());
    return new Function(ChannelsLastOps.DOMAIN, name, "", List.of(), Map.of(), Map.of("", opset), body,
        "MatMul of operands that are stored transposed");
  }
}
