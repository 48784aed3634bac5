package dev.tenon.ir.layout;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.Model;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.pass.InferredShapes;
import dev.tenon.ir.pass.PassContext;
import dev.tenon.ir.pass.PassManager;
import dev.tenon.ir.testing.Equivalence;
import dev.tenon.ir.testing.Graphs;
import dev.tenon.ir.testing.RandomInputs;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Random graphs of operators with and without a layout, with many equal dimensions. Whatever assignment of layouts is carried out, the
 * numbers stay and the transposes in the graph move what the problem says; and none of all assignments moves fewer bytes than the cut.
 */
class LayoutPropertyTest {
  /** All assignments are tried up to this many open choices. */
  private static final int ENUMERABLE = 14;
  private static final double TOLERANCE = 2e-5;

  static LongStream seeds() {
    return LongStream.range(0, 160);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void theCutIsRightAndTheCheapest(long seed) {
    Model before = model(seed);
    Model after = inferred(model(seed));
    LayoutProblem problem = LayoutProblem.of(after, LayoutOptions.defaults());
    BinaryProblem.Solution solution = problem.binary().solve();
    assertTrue(solution.cost() >= solution.bound() - 1e-6, "the bound is above the cost");
    int n = problem.binary().variables();
    if (n <= ENUMERABLE) {
      for (int code = 0; code < 1 << n; code++) {
        double cost = problem.binary().cost(bits(code, n));
        assertTrue(cost >= solution.cost() - 1e-6, () -> "an assignment costs " + cost + ", the cut " + solution.cost());
      }
      assertTrue(solution.isOptimal(), "optimal, but not known to be");
    }
    check(before, after, problem, solution, seed);
  }

  /** Right whatever the choice, so that no error hides behind what the cut happens to choose. */
  @ParameterizedTest
  @MethodSource("seeds")
  void anyAssignmentComputesTheSame(long seed) {
    Model before = model(seed);
    Model after = inferred(model(seed));
    LayoutProblem problem = LayoutProblem.of(after, LayoutOptions.defaults());
    Random random = new Random(seed);
    boolean[] answers = new boolean[problem.binary().variables()];
    for (int i = 0; i < answers.length; i++) {
      answers[i] = random.nextBoolean();
    }
    check(before, after, problem, new BinaryProblem.Solution(answers, problem.binary().cost(answers), 0, 0), seed);
  }

  private static boolean[] bits(int code, int n) {
    boolean[] b = new boolean[n];
    for (int i = 0; i < n; i++) {
      b[i] = (code >> i & 1) == 1;
    }
    return b;
  }

  /** What nothing reads would be counted, but leaves the graph. */
  private static Model inferred(Model m) {
    InferredShapes shapes = new InferredShapes();
    shapes.infer(m, new Diagnostics());
    PassManager.of("dead-code").run(new PassContext(m, new Diagnostics(), shapes));
    return m;
  }

  private static void check(Model before, Model after, LayoutProblem problem, BinaryProblem.Solution solution, long seed) {
    ChannelsLast.Result result = ChannelsLast.apply(after, problem, solution);
    assertEquals((long) solution.cost(), result.remaining().stream().mapToLong(Remaining::bytes).sum(), () -> "bytes moved by " + result.remaining());
    Equivalence.assertSameOutputs(before, after, TOLERANCE, List.of(RandomInputs.seeded(seed).size("batch", 2), RandomInputs.seeded(seed + 1).size("batch", 1)));
  }

  // ---- random graphs ----

  private static Model model(long seed) {
    return new RandomGraph(seed).make();
  }

  private static final class RandomGraph {
    private final Random random;
    private final Graphs g = Graphs.opset(18);
    private final List<Value> pool = new ArrayList<>();
    private final List<int[]> sizes = new ArrayList<>();
    private int weights;

    RandomGraph(long seed) {
      random = new Random(seed);
    }

    /** C, H and W are equal most of the time. */
    private int size() {
      return random.nextInt(4) < 3 ? 4 : 6;
    }

    private void add(Value v, int... chw) {
      pool.add(v);
      sizes.add(chw);
    }

    private String fresh(String prefix) {
      return prefix + weights++;
    }

    Model make() {
      int c = size();
      int h = size();
      int w = size();
      add(g.input("x", "batch", c, h, w), c, h, w);
      add(g.op("Relu", g.input("z", "batch", c, h, w)), c, h, w);
      int steps = 3 + random.nextInt(10);
      for (int i = 0; i < steps; i++) {
        step();
      }
      g.output("y", pool.get(pool.size() - 1));
      g.output("mean", g.op("ReduceMean", List.of(pool.get(pool.size() - 2), longs(2, 3)), Attribute.ofInt("keepdims", 0)));
      return g.model();
    }

    private Value longs(long... v) {
      return g.constant(Tensor.vector(v));
    }

    private Value conv(Value x, int out, int in, int k, int group) {
      return g.op("Conv", List.of(x, g.weight(fresh("w"), out, in / group, k, k), g.weight(fresh("b"), out)), Attribute.ofInts("kernel_shape", k, k),
          Attribute.ofInts("pads", k / 2, k / 2, k / 2, k / 2), Attribute.ofInt("group", group));
    }

    /** Another value of the same sizes, or the value itself. */
    private Value partner(int of) {
      List<Value> same = new ArrayList<>();
      for (int i = 0; i < pool.size(); i++) {
        if (Arrays.equals(sizes.get(i), sizes.get(of))) {
          same.add(pool.get(i));
        }
      }
      return same.get(random.nextInt(same.size()));
    }

    private void step() {
      int at = random.nextInt(pool.size());
      Value a = pool.get(at);
      int[] s = sizes.get(at);
      int c = s[0];
      int h = s[1];
      int w = s[2];
      switch (random.nextInt(27)) {
        case 0, 1, 2, 3 -> add(conv(a, c, c, 3, random.nextInt(3) == 0 ? c : 1), s);
        case 4 -> add(g.op("MaxPool", a, Attribute.ofInts("kernel_shape", 3, 3), Attribute.ofInts("pads", 1, 1, 1, 1)), s);
        case 5, 6 -> add(g.op("Add", a, partner(at)), s);
        case 7 -> add(g.op("Mul", a, g.weight(fresh("s"), c, 1, 1)), s);
        case 8 -> add(g.op("Sub", g.weight(fresh("s"), w), a), s);
        case 9 -> add(g.op("Tanh", a), s);
        case 10 -> add(g.op("Mul", a, g.op("Sigmoid", conv(g.op("GlobalAveragePool", partner(at)), c, c, 1, 1))), s);
        case 11 -> add(conv(g.op("Concat", List.of(a, partner(at)), Attribute.ofInt("axis", 1)), c, 2 * c, 1, 1), s);
        case 12 -> add(g.op("Add", a, g.op("ReduceMean", partner(at), longs(1 + random.nextInt(3)))), s);
        case 13 -> {
          List<Value> parts = g.node("Split", List.of(a), 2, Attribute.ofInt("axis", 1), Attribute.ofInt("num_outputs", 2));
          add(g.op("Concat", List.of(parts.get(1), parts.get(0)), Attribute.ofInt("axis", 1)), s);
        }
        case 14, 15 -> {
          // A transpose of the model: what is behind has its own idea of channels.
          int[][] perms = {{0, 2, 3, 1}, {0, 3, 1, 2}, {0, 1, 3, 2}, {0, 2, 1, 3}};
          int[] p = perms[random.nextInt(perms.length)];
          add(g.op("Transpose", a, Attribute.ofInts("perm", Permutations.toLongs(p))), s[p[1] - 1], s[p[2] - 1], s[p[3] - 1]);
        }
        case 16 -> add(g.op("MatMul", a, g.weight(fresh("k"), w, w)), s);
        case 17 -> {
          Value r = g.op("Reshape", a, longs(0, 2, c / 2, h, w));
          Value t = g.op("Transpose", r, Attribute.ofInts("perm", 0, 2, 1, 3, 4));
          add(g.op("Reshape", t, longs(0, c, h, w)), s);
        }
        case 18 -> {
          Value t = g.op("Transpose", a, Attribute.ofInts("perm", 0, 2, 3, 1));
          Value n = g.op("LayerNormalization", List.of(t, g.weight(fresh("gamma"), c), g.weight(fresh("beta"), c)), Attribute.ofInt("axis", -1));
          add(g.op("Transpose", n, Attribute.ofInts("perm", 0, 3, 1, 2)), s);
        }
        case 19 -> {
          Value flat = g.op("Reshape", a, longs(0, c, -1));
          Value v = random.nextBoolean() ? g.op("Transpose", g.op("MatMul", g.op("Transpose", flat, Attribute.ofInts("perm", 0, 2, 1)),
              g.weight(fresh("k"), c, c)), Attribute.ofInts("perm", 0, 2, 1)) : g.op("Exp", flat);
          add(g.op("Reshape", v, longs(0, c, h, w)), s);
        }
        case 20 -> add(g.op("Slice", List.of(g.op("Pad", a, longs(0, 0, 1, 0, 0, 1, 0, 2)), longs(0, 1, 0), longs(c, 1 + h, w), longs(1, 2, 3))), s);
        case 21 -> add(g.op("Gather", List.of(a, longs(LongStream.range(0, s[1]).map(i -> s[1] - 1 - i).toArray())), Attribute.ofInt("axis", 2)), s);
        case 22 -> {
          Value row = g.op("Gather", List.of(a, g.constant(Tensor.scalar(1L))), Attribute.ofInt("axis", 1 + random.nextInt(3)));
          int axis = ((int) row.producer().intAttr("axis", 0));
          add(g.op("Add", partner(at), g.op("Unsqueeze", List.of(row, longs(axis)))), s);
        }
        case 23 -> add(g.op("Mul", a, g.op("Squeeze", List.of(g.op("ReduceMax", partner(at), longs(0)), longs(0)))), s);
        case 24 -> {
          Value shape = g.op("Shape", a, Attribute.ofInt("start", random.nextInt(2)));
          Value target = shape.producer().intAttr("start", 0) == 0 ? shape : g.op("Concat", List.of(longs(1), shape), Attribute.ofInt("axis", 0));
          add(g.op("Add", a, g.op("Expand", List.of(g.weight(fresh("e"), 1, c, 1, 1), target))), s);
        }
        case 25 -> add(g.op("MatMul", a, g.op("Mul", g.op("Transpose", partner(at), Attribute.ofInts("perm", 0, 1, 3, 2)),
            g.constant(Tensor.scalar(0.5f)))), c, h, h);
        default -> add(branch(a, partner(at), c), s);
      }
    }

    /** An If whose branches want different layouts. */
    private Value branch(Value a, Value b, int c) {
      Value condition = g.op("Less", g.op("ReduceMean", List.of(a), Attribute.ofInt("keepdims", 0)), g.constant(Tensor.scalar(0.1f)));
      Graphs yes = g.subgraph("yes");
      Value inYes = yes.op("Conv", List.of(a, g.weight(fresh("w"), c, c, 1, 1)));
      yes.output(fresh("yes"), inYes);
      Graphs no = g.subgraph("no");
      no.output(fresh("no"), no.op("Relu", no.op("Add", a, b)));
      return g.op("If", condition, Attribute.ofGraph("then_branch", yes.graph()), Attribute.ofGraph("else_branch", no.graph()));
    }
  }
}
