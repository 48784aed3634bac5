package dev.tenon.weights;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Recipe;
import dev.tenon.ir.Storage;
import dev.tenon.ir.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * Solves a recipe for the parameters in it: given a variable's value, goes from the result down to the parameters and undoes each step on
 * the way. The steps that move elements are undone by moving them back; of a slice, only some of the parameter's elements are known
 * then. An operation of two tensors can be undone if one of them is known already. Where neither is, the question is what
 * to take for one of them ({@link Given}), so that the other follows.
 */
final class RecipeSolver {

  /**
   * A part of what a parameter must be.
   *
   * @param values what elements of the parameter are
   * @param index which elements, an int32 tensor of the shape of {@code values} with numbers of elements in row-major order and -1 for none;
   *     null if {@code values} is the whole parameter
   */
  record Piece(String parameter, Tensor values, Tensor index) {}

  /** What to take for a parameter that cannot be told apart from another. */
  interface Given {
    /** The elements to take for it, or null if there are none. */
    Tensor value(Tensor parameter);

    /** Told of a parameter that is taken whole, {@link #value} that is, from here on. */
    void taken(String parameter);

    /** True if only sums may be split, zero being no neutral factor. */
    boolean sumsOnly();
  }

  private static final double IMPOSSIBLE = Double.POSITIVE_INFINITY;

  private final Predicate<String> known;
  private final Given given;
  private final List<Piece> pieces = new ArrayList<>();
  private final Set<Obstacle> obstacles = new LinkedHashSet<>();

  private RecipeSolver(Predicate<String> known, Given given) {
    this.known = known;
    this.given = given;
  }

  /**
   * A step that could not be undone.
   *
   * @param reason what is in the way
   * @param together the parameters that it combines; empty if that is not the reason
   */
  record Obstacle(String reason, Set<String> together) {
    /** What one of the parameters is told. */
    String about(String parameter, String variable) {
      if (together.isEmpty()) {
        return reason + " (variable " + variable + ")";
      }
      Set<String> others = new LinkedHashSet<>(together);
      others.remove(parameter);
      return "variable " + variable + " holds it combined with " + String.join(", ", others);
    }
  }

  /**
   * What a variable's value says.
   *
   * @param obstacles why it does not say more; empty if every parameter in the recipe that was unknown is among the pieces
   */
  record Solution(List<Piece> pieces, List<Obstacle> obstacles) {}

  /**
   * Solves.
   *
   * @param recipe over {@code Source}s whose storages hold what is known
   * @param value the variable's, of the recipe's type and shape
   * @param known which parameters' elements are there
   * @param given what to take for others; null to take nothing
   */
  static Solution solve(Tensor recipe, Tensor value, Predicate<String> known, Given given) {
    RecipeSolver solver = new RecipeSolver(known, given);
    if (solver.unknown(recipe)) {
      solver.walk(recipe, value);
    }
    return new Solution(solver.pieces, List.copyOf(solver.obstacles));
  }

  // ---- looking at recipes ----

  private boolean unknown(Tensor t) {
    return t.recipe().sources().stream().anyMatch(known.negate());
  }

  /** True if every element of the result is an element of a parameter or a constant, possibly of another floating-point type. */
  static boolean movesOnly(Tensor t) {
    Recipe r = t.recipe();
    boolean moves = r instanceof Recipe.Source || r instanceof Recipe.Constant || r instanceof Recipe.Permute || r instanceof Recipe.Reshape
        || r instanceof Recipe.Slice || r instanceof Recipe.Concat || r instanceof Recipe.Reverse || r instanceof Recipe.Cast;
    return moves && r.inputs().stream().allMatch(RecipeSolver::movesOnly);
  }

  /** How much precision, roughly, it costs to solve for a parameter in {@code t}: additions little, divisions more. */
  private double cost(Tensor t) {
    Recipe r = t.recipe();
    if (r instanceof Recipe.Source s) {
      return known.test(s.name()) ? IMPOSSIBLE : 0;
    } else if (r instanceof Recipe.Constant || r instanceof Recipe.Evaluated) {
      return IMPOSSIBLE;
    } else if (r instanceof Recipe.Slice) {
      return movesOnly(t) && unknown(t) ? 0.1 : IMPOSSIBLE;
    } else if (r instanceof Recipe.Concat c) {
      return 0.1 + c.inputs().stream().filter(this::unknown).mapToDouble(this::cost).max().orElse(IMPOSSIBLE);
    } else if (r instanceof Recipe.Unary u) {
      return cost(u.input()) + (u.op() == Recipe.UnaryOp.NEGATE ? 0.1 : 20);
    } else if (r instanceof Recipe.Binary b) {
      double step = isSum(b) ? 1 : 10;
      return step + Math.min(cost(b.left(), t), cost(b.right(), t));
    }
    return cost(r.inputs().get(0)) + 0.1;
  }

  /** One side of an operation, which must not be broadcast: else its elements are each in several of the result's. */
  private double cost(Tensor side, Tensor result) {
    return side.shape().equals(result.shape()) ? cost(side) : IMPOSSIBLE;
  }

  private static boolean isSum(Recipe.Binary b) {
    return b.op() == Recipe.BinaryOp.ADD || b.op() == Recipe.BinaryOp.SUBTRACT;
  }

  // ---- undoing steps ----

  private void obstacle(String reason) {
    obstacles.add(new Obstacle(reason, Set.of()));
  }

  private void walk(Tensor node, Tensor value) {
    if (!unknown(node)) {
      return;
    }
    Recipe r = node.recipe();
    if (r instanceof Recipe.Source s) {
      pieces.add(new Piece(s.name(), value, null));
    } else if (r instanceof Recipe.Permute p) {
      walk(p.input(), value.permute(inverse(p.perm())));
    } else if (r instanceof Recipe.Reshape p) {
      walk(p.input(), value.reshape(p.input().dims()));
    } else if (r instanceof Recipe.Reverse p) {
      walk(p.input(), value.reverse(p.axis()));
    } else if (r instanceof Recipe.Cast c) {
      cast(c, value);
    } else if (r instanceof Recipe.Concat c) {
      long at = 0;
      for (Tensor part : c.inputs()) {
        walk(part, value.slice(c.axis(), at, at + part.dim(c.axis())));
        at += part.dim(c.axis());
      }
    } else if (r instanceof Recipe.Slice) {
      slice(node, value);
    } else if (r instanceof Recipe.Unary u) {
      unary(u, value);
    } else if (r instanceof Recipe.Binary b) {
      binary(b, node, value);
    } else if (r instanceof Recipe.Evaluated e) {
      obstacle("it was computed by running " + e.operators() + " at conversion");
    }
  }

  private static int[] inverse(List<Integer> perm) {
    int[] inverse = new int[perm.size()];
    for (int i = 0; i < inverse.length; i++) {
      inverse[perm.get(i)] = i;
    }
    return inverse;
  }

  private void cast(Recipe.Cast c, Tensor value) {
    if (c.input().dtype().isFloat() && value.dtype().isFloat()) {
      walk(c.input(), value.cast(c.input().dtype()));
    } else {
      obstacle("it was converted from " + c.input().dtype() + " to " + value.dtype());
    }
  }

  private void unary(Recipe.Unary u, Tensor value) {
    if (u.op() != Recipe.UnaryOp.NEGATE && !value.dtype().isFloat()) {
      obstacle("it was rounded to whole numbers");
      return;
    }
    walk(u.input(), switch (u.op()) {
      case NEGATE -> value.negate();
      case RECIPROCAL -> value.reciprocal();
      case SQRT -> value.times(value);
    });
  }

  /** Some elements of the parameters below: which ones is found by replaying the steps with numbers in the elements' place. */
  private void slice(Tensor node, Tensor value) {
    if (!movesOnly(node)) {
      obstacle("only a part of what was computed from it was kept");
      return;
    }
    for (String name : node.recipe().sources()) {
      if (!known.test(name)) {
        Tensor source = find(node, name);
        pieces.add(new Piece(name, value.cast(source.dtype()), numbered(node, name, new HashMap<>())));
      }
    }
  }

  private static Tensor find(Tensor t, String name) {
    if (t.recipe() instanceof Recipe.Source s) {
      return s.name().equals(name) ? t : null;
    }
    return t.recipe().inputs().stream().map(i -> find(i, name)).filter(i -> i != null).findFirst().orElse(null);
  }

  /** The steps on element numbers instead of elements; numbers of other parameters and of constants are -1. */
  private static Tensor numbered(Tensor t, String name, Map<Tensor, Tensor> done) {
    Tensor result = done.get(t);
    if (result == null) {
      Recipe r = t.recipe();
      if (r instanceof Recipe.Source s) {
        result = numbers(t, s.name().equals(name));
      } else if (r instanceof Recipe.Constant) {
        result = numbers(t, false);
      } else if (r instanceof Recipe.Cast c) {
        result = numbered(c.input(), name, done);
      } else {
        result = rebuilt(t, i -> numbered(i, name, done));
      }
      done.put(t, result);
    }
    return result;
  }

  private static Tensor numbers(Tensor like, boolean counted) {
    int n = Math.toIntExact(like.numel());
    Storage storage = Storage.decoded(4L * n, () -> {
      ByteBuffer b = ByteBuffer.allocate(4 * n).order(ByteOrder.LITTLE_ENDIAN);
      for (int i = 0; i < n; i++) {
        b.putInt(counted ? i : -1);
      }
      return b.flip();
    });
    return Tensor.constant("numbers", DataType.INT32, like.dims(), storage);
  }

  /** The same step on other inputs. */
  private static Tensor rebuilt(Tensor t, Function<Tensor, Tensor> inputs) {
    Recipe r = t.recipe();
    List<Tensor> in = r.inputs().stream().map(inputs).toList();
    if (r instanceof Recipe.Permute p) {
      return in.get(0).permute(p.perm().stream().mapToInt(Integer::intValue).toArray());
    } else if (r instanceof Recipe.Reshape) {
      return in.get(0).reshape(t.dims());
    } else if (r instanceof Recipe.Cast c) {
      return in.get(0).cast(c.to());
    } else if (r instanceof Recipe.Slice s) {
      return in.get(0).slice(s.axis(), s.start(), s.end());
    } else if (r instanceof Recipe.Concat c) {
      return Tensor.concat(c.axis(), in);
    } else if (r instanceof Recipe.Reverse v) {
      return in.get(0).reverse(v.axis());
    } else if (r instanceof Recipe.Unary u) {
      return switch (u.op()) {
        case NEGATE -> in.get(0).negate();
        case SQRT -> in.get(0).sqrt();
        case RECIPROCAL -> in.get(0).reciprocal();
      };
    } else if (r instanceof Recipe.Binary b) {
      return combine(b.op(), in.get(0), in.get(1));
    }
    return t;
  }

  private static Tensor combine(Recipe.BinaryOp op, Tensor left, Tensor right) {
    return switch (op) {
      case ADD -> left.plus(right);
      case SUBTRACT -> left.minus(right);
      case MULTIPLY -> left.times(right);
      case DIVIDE -> left.dividedBy(right);
    };
  }

  // ---- operations of two tensors ----

  private void binary(Recipe.Binary b, Tensor node, Tensor value) {
    if (!node.dtype().isFloat()) {
      obstacle("it was computed in whole numbers");
      return;
    }
    boolean left = unknown(b.left());
    boolean right = unknown(b.right());
    if (left && right) {
      split(b, node, value);
    } else {
      solveSide(b, node, value, left, left ? b.right() : b.left());
    }
  }

  private void solveSide(Recipe.Binary b, Tensor node, Tensor value, boolean left, Tensor other) {
    Tensor side = left ? b.left() : b.right();
    if (!side.shape().equals(node.shape())) {
      obstacle("each of its elements is in several elements of " + value.recipe());
      return;
    }
    walk(side, switch (b.op()) {
      case ADD -> value.minus(other);
      case SUBTRACT -> left ? value.plus(other) : other.minus(value);
      case MULTIPLY -> value.dividedBy(other);
      case DIVIDE -> left ? value.times(other) : other.dividedBy(value);
    });
  }

  /** Neither side is known: one is taken as given. */
  private void split(Recipe.Binary b, Tensor node, Tensor value) {
    Set<String> combined = new LinkedHashSet<>(node.recipe().sources());
    combined.removeIf(known);
    Obstacle together = new Obstacle("it was combined with others", combined);
    if (given == null || given.sumsOnly() && !isSum(b)) {
      obstacles.add(together);
      return;
    }
    double costLeft = cost(b.left(), node);
    double costRight = cost(b.right(), node);
    boolean left = costLeft <= costRight;
    Tensor other = left ? b.right() : b.left();
    Tensor target = left ? b.left() : b.right();
    if (Math.min(costLeft, costRight) == IMPOSSIBLE || given.sumsOnly() && !movesOnly(other)) {
      obstacles.add(together);
      return;
    }
    Set<String> unknowns = new LinkedHashSet<>(other.recipe().sources());
    unknowns.removeIf(known);
    Map<String, Tensor> values = new HashMap<>();
    for (String name : unknowns) {
      Tensor v = given.value(find(other, name));
      if (v == null) {
        obstacles.add(together);
        return;
      }
      values.put(name, v);
    }
    Tensor taken = substitute(other, values);
    if (movesOnly(other)) {
      // Element by element: the same parameter may be on both sides, as the two biases of an LSTM in one tensor are.
      walk(other, taken);
    } else if (target.recipe().sources().stream().anyMatch(unknowns::contains)) {
      obstacles.add(together);
      return;
    } else {
      unknowns.forEach(given::taken);
    }
    solveSide(b, node, value, left, taken);
  }

  private static Tensor substitute(Tensor t, Map<String, Tensor> values) {
    if (t.recipe() instanceof Recipe.Source s) {
      return values.getOrDefault(s.name(), t);
    }
    return rebuilt(t, i -> substitute(i, values));
  }
}
