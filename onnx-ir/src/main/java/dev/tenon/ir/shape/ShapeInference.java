package dev.tenon.ir.shape;

import dev.tenon.ir.Dim;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.diag.Diagnostics;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * Finds the type of every value of a model, with symbolic dimensions, and the elements of the small integer tensors that carry
 * shapes. Types that the model declares for the results of nodes are hints: what is inferred wins, a contradiction is a warning.
 *
 * <p>What is inferred holds for every valid run of the model: a dimension that is not certain is an unknown one. Dimensions of the
 * same name are the same, and a dimension is never negative.
 */
public final class ShapeInference {
  private ShapeInference() {}

  /** What was found out beyond the types, which are in the values. Valid until the graph is changed. */
  public static final class Result {
    private final Engine engine;

    Result(Engine engine) {
      this.engine = engine;
    }

    /**
     * The elements of an integer or bool tensor as dimensions, row-major, where they are known before the model runs; of constants
     * too, up to 64 elements. An element that is not known is an anonymous symbol ({@link Dim#isAnonymous}); if none is known,
     * empty.
     */
    public Optional<List<Dim>> knownData(Value v) {
      Data data = engine.data(v);
      List<Dim> elements = data == null ? null : data.integers();
      if (elements == null || v.dtype().isFloat() || !elements.isEmpty() && elements.stream().allMatch(Result::isOpaque)) {
        return Optional.empty();
      }
      return Optional.of(elements);
    }

    private static boolean isOpaque(Dim d) {
      return d.isAnonymous() && !d.isAtLeast(0);
    }
  }

  /** Infers with the rules for all standard operators. */
  public static Result infer(Model model, Diagnostics diagnostics) {
    return infer(model, diagnostics, Registry.standard());
  }

  /**
   * Sets the type of every value of the model's graph and its subgraphs that can be found out; others keep what they have. Operators
   * without a rule are followed into the model-local function of their name. Nodes that contradict their operator's definition give
   * warnings {@code invalid-node}, values that contradict their declared type {@code shape-mismatch}.
   */
  public static Result infer(Model model, Diagnostics diagnostics, Registry registry) {
    Engine engine = new Engine(model, registry);
    engine.run(diagnostics);
    return new Result(engine);
  }

  /**
   * Fixes the shape of a graph input, as {@code --input NAME:1,3,224,224} does. Where the input had a symbol the symbol is replaced
   * in the whole model, so fixing {@code batch} in one input fixes it in all. Where it had another number, the types declared for the
   * results of nodes are forgotten, for they follow from the old number. Call {@link #infer} afterwards.
   *
   * @throws BadInputException if there is no such input, or the shape cannot be one of it
   */
  public static void setInputShape(Model model, String inputName, Shape shape) {
    Value input = model.graph().inputs().stream().filter(v -> v.name().equals(inputName)).findFirst().orElse(null);
    String place = "input " + inputName;
    Object file = model.source() == null ? "model" : model.source();
    if (input == null) {
      throw BadInputException.of(file, place, "no such input",
          "one of " + String.join(", ", model.graph().inputs().stream().filter(v -> !v.isInitializer()).map(Value::name).toList()));
    }
    if (!(input.type() instanceof Type.TensorType || input.type() == null)) {
      throw BadInputException.of(file, place, "the shape " + shape, "no shape for " + input.type());
    }
    Shape old = input.shape();
    if (old.hasRank() && old.rank() != shape.rank()) {
      throw BadInputException.of(file, place, "the shape " + shape + " of rank " + shape.rank(), "rank " + old.rank() + " as in " + old);
    }
    Map<String, Dim> replaced = new HashMap<>();
    boolean stale = false;
    for (int i = 0; old.hasRank() && i < old.rank(); i++) {
      Dim from = old.dim(i);
      Dim to = shape.dim(i);
      if (from.isSymbol()) {
        Dim earlier = replaced.put(from.toString(), to);
        if (earlier != null && !earlier.equals(to)) {
          throw BadInputException.of(file, place, from + " = " + earlier + " and " + from + " = " + to, "one size for " + from);
        }
      } else {
        stale |= !from.equals(to);
      }
    }
    boolean forget = stale;
    model.graph().forEachNode(n -> retypeOutputs(n, t -> forget ? null : substitute(t, replaced)));
    for (Value v : model.graph().inputs()) {
      v.setType(substitute(v.type(), replaced));
    }
    model.graph().forEachNode(n -> n.subgraphs().forEach(g -> retypeInputs(g, t -> forget ? null : substitute(t, replaced))));
    input.setType(Type.tensor(input.dtype(), shape));
  }

  private static void retypeOutputs(Node n, UnaryOperator<Type> f) {
    for (Value v : n.outputs()) {
      if (v != null) {
        v.setType(f.apply(v.type()));
      }
    }
  }

  private static void retypeInputs(Graph g, UnaryOperator<Type> f) {
    for (Value v : g.inputs()) {
      v.setType(f.apply(v.type()));
    }
  }

  private static Type substitute(Type type, Map<String, Dim> replaced) {
    if (type instanceof Type.TensorType t) {
      return Type.tensor(t.dtype(), substitute(t.shape(), replaced));
    } else if (type instanceof Type.SequenceType s) {
      return new Type.SequenceType(substitute(s.element(), replaced));
    } else if (type instanceof Type.OptionalType o) {
      return new Type.OptionalType(substitute(o.element(), replaced));
    }
    return type;
  }

  private static Shape substitute(Shape shape, Map<String, Dim> replaced) {
    if (!shape.hasRank() || shape.isStatic()) {
      return shape;
    }
    List<Dim> dims = new ArrayList<>();
    for (Dim d : shape.dims()) {
      dims.add(d.substitute(replaced::get));
    }
    return Shape.of(dims);
  }
}
