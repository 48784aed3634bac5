package dev.tenon.ir;

import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * How the elements of a {@link Tensor} come about: read from the source file, made by the conversion, or computed from other
 * tensors. Nothing is computed until it is asked for, and the recipe remains as the record of which source parameters a
 * TensorFlow variable came from.
 *
 * <p>The set is closed and small on purpose: each recipe can be written down, read back, replayed with other weights, and where
 * the mathematics allows inverted. Make recipes through the methods of {@link Tensor}, which check shapes and simplify.
 */
public sealed interface Recipe {

  /** The tensors this is computed from; none for {@link Source} and {@link Constant}. */
  List<Tensor> inputs();

  /** A parameter of the source file, by its name there. */
  record Source(String name, Storage storage) implements Recipe {
    @Override
    public List<Tensor> inputs() {
      return List.of();
    }

    @Override
    public String toString() {
      return name;
    }
  }

  /**
   * Elements that the conversion itself made, an epsilon or an axis list.
   *
   * @param note what it is, for the reader of a report
   */
  record Constant(String note, Storage storage) implements Recipe {
    @Override
    public List<Tensor> inputs() {
      return List.of();
    }

    @Override
    public String toString() {
      return note;
    }
  }

  /** What constant folding computed by running operators: its inputs are known, its formula is not invertible. */
  record Evaluated(String operators, List<Tensor> inputs, Storage storage) implements Recipe {
    public Evaluated {
      inputs = List.copyOf(inputs);
    }

    @Override
    public String toString() {
      return "evaluated(" + operators + (inputs.isEmpty() ? "" : "; " + join(inputs)) + ")";
    }
  }

  /** Dimension i of the result is dimension {@code perm[i]} of the input. */
  record Permute(Tensor input, List<Integer> perm) implements Recipe {
    @Override
    public List<Tensor> inputs() {
      return List.of(input);
    }

    @Override
    public String toString() {
      return "permute(" + input.recipe() + ", " + perm.stream().map(String::valueOf).collect(Collectors.joining(" ")) + ")";
    }
  }

  /** The same elements in row-major order under other dimensions. */
  record Reshape(Tensor input, List<Long> dims) implements Recipe {
    @Override
    public List<Tensor> inputs() {
      return List.of(input);
    }

    @Override
    public String toString() {
      return "reshape(" + input.recipe() + ", " + dims.stream().map(String::valueOf).collect(Collectors.joining(" ")) + ")";
    }
  }

  /** The elements converted to another type, by the rules of ONNX Cast. */
  record Cast(Tensor input, DataType to) implements Recipe {
    @Override
    public List<Tensor> inputs() {
      return List.of(input);
    }

    @Override
    public String toString() {
      return "cast(" + input.recipe() + ", " + to + ")";
    }
  }

  /** Elements {@code start} (inclusive) to {@code end} (exclusive) along one axis. */
  record Slice(Tensor input, int axis, long start, long end) implements Recipe {
    @Override
    public List<Tensor> inputs() {
      return List.of(input);
    }

    @Override
    public String toString() {
      return "slice(" + input.recipe() + ", axis " + axis + ", " + start + ":" + end + ")";
    }
  }

  record Concat(List<Tensor> inputs, int axis) implements Recipe {
    public Concat {
      inputs = List.copyOf(inputs);
    }

    @Override
    public String toString() {
      return "concat(" + join(inputs) + ", axis " + axis + ")";
    }
  }

  /** The elements in reverse order along one axis. */
  record Reverse(Tensor input, int axis) implements Recipe {
    @Override
    public List<Tensor> inputs() {
      return List.of(input);
    }

    @Override
    public String toString() {
      return "reverse(" + input.recipe() + ", axis " + axis + ")";
    }
  }

  /** The elementwise functions of one argument; computed in double precision, rounded once at the end. */
  enum UnaryOp {
    NEGATE, SQRT, RECIPROCAL
  }

  record Unary(UnaryOp op, Tensor input) implements Recipe {
    @Override
    public List<Tensor> inputs() {
      return List.of(input);
    }

    @Override
    public String toString() {
      return op == UnaryOp.NEGATE ? "-" + input.recipe() : op.name().toLowerCase(java.util.Locale.ROOT) + "(" + input.recipe() + ")";
    }
  }

  /** The elementwise functions of two arguments, with NumPy broadcasting. */
  enum BinaryOp {
    ADD("+"), SUBTRACT("-"), MULTIPLY("*"), DIVIDE("/");

    private final String sign;

    BinaryOp(String sign) {
      this.sign = sign;
    }

    /** The operator's sign, {@code *} say. */
    public String sign() {
      return sign;
    }
  }

  record Binary(BinaryOp op, Tensor left, Tensor right) implements Recipe {
    @Override
    public List<Tensor> inputs() {
      return List.of(left, right);
    }

    @Override
    public String toString() {
      return "(" + left.recipe() + " " + op.sign + " " + right.recipe() + ")";
    }
  }

  /**
   * True if a part of this was computed by running operators. Its text does not say all of them, so that different tensors may have
   * recipes that read the same.
   */
  default boolean isEvaluated() {
    return this instanceof Evaluated || inputs().stream().anyMatch(t -> t.recipe().isEvaluated());
  }

  /** The names of the source parameters that this is computed from, in the order they are met. */
  default Set<String> sources() {
    Set<String> names = new LinkedHashSet<>();
    collectSources(this, names);
    return names;
  }

  private static void collectSources(Recipe recipe, Set<String> names) {
    if (recipe instanceof Source s) {
      names.add(s.name);
    }
    for (Tensor t : recipe.inputs()) {
      collectSources(t.recipe(), names);
    }
  }

  private static String join(List<Tensor> tensors) {
    return tensors.stream().map(t -> t.recipe().toString()).collect(Collectors.joining(", "));
  }

  static List<Integer> boxed(int[] values) {
    return Arrays.stream(values).boxed().toList();
  }
}
