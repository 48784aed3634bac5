package dev.tenon.frontend.torchscript;

import dev.tenon.frontend.aten.TorchTensor;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Node;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What operators and checks in the code say about inputs of which the archive says nothing: what {@code if torch.ne(torch.dim(x), 4): raise …}
 * lets pass has rank 4, and the indices of an embedding are integers. An element type cannot be changed once nodes have been made with
 * another, so that interpretation begins again.
 */
final class InputDemands {
  /** The parameters, by position, that are indices, or that are made Python's integers. */
  private static final Map<String, Integer> INDICES = Map.of("aten::embedding", 1, "aten::embedding_bag", 1, "aten::index_select", 2,
      "aten::gather", 2, "aten::one_hot", 0, "aten::scatter", 2, "aten::take_along_dim", 1, "builtin::int", 0, "aten::IntImplicit", 0);
  /** The parameters, by position, that are masks. */
  private static final Map<String, Integer> MASKS = Map.of("aten::masked_fill", 1, "aten::masked_fill_", 1, "aten::where", 0, "aten::masked_select", 1,
      "aten::masked_scatter", 1);
  /** Operators whose result has the elements of their first input. */
  private static final Set<String> MOVES = Set.of("Reshape", "Unsqueeze", "Squeeze", "Transpose", "Slice", "Identity", "Expand", "Flatten", "Gather");

  /** An input is of another type than was supposed. */
  static final class Learned extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final String input;
    private final transient Type.TensorType type;

    Learned(String input, Type.TensorType type) {
      super(input, null, false, false);
      this.input = input;
      this.type = type;
    }

    String input() {
      return input;
    }

    Type.TensorType type() {
      return type;
    }
  }

  private final Set<Value> guessed;

  /** For inputs whose element types were guessed. */
  InputDemands(Set<Value> guessed) {
    this.guessed = guessed;
  }

  /** Looks at the arguments of an operator that is about to be called. */
  void look(String operator, List<TorchValue> positional) {
    boolean mask = MASKS.containsKey(operator);
    Integer index = guessed.isEmpty() ? null : mask ? MASKS.get(operator) : INDICES.get(operator);
    if (index == null || index >= positional.size() || !(positional.get(index) instanceof TorchTensor t)) {
      return;
    }
    Value v = t.value();
    for (Node n = v.producer(); n != null && n.domain().isEmpty() && MOVES.contains(n.opType()); n = v.producer()) {
      v = n.inputs().get(0);
    }
    if (guessed.contains(v) && v.dtype() == DataType.FLOAT) {
      throw new Learned(v.name(), Type.tensor(mask ? DataType.BOOL : DataType.INT64, v.shape()));
    }
  }

  /**
   * Looks at the condition of a decision one arm of which raises.
   *
   * @param mustHold whether the condition holds on the way that does not raise
   */
  void look(Ast.Expr condition, boolean mustHold, Frame frame, Interpreter in) {
    if (!(condition instanceof Ast.Call c) || c.args().size() != 2 || !(c.args().get(1) instanceof Ast.IntLit rank)
        || !(c.args().get(0) instanceof Ast.Call dim) || dim.args().size() != 1 || !"torch.dim".equals(Ast.dotted(dim.callee()))) {
      return;
    }
    boolean equality = (mustHold ? "torch.eq" : "torch.ne").equals(Ast.dotted(c.callee()));
    if (equality && rank.value() >= 0 && rank.value() < 16 && dim.args().get(0) instanceof Ast.Name n
        && frame.find(n.id()) instanceof TorchTensor t && guessed.contains(t.value()) && !t.shape().hasRank()) {
      t.value().setType(Type.tensor(t.dtype(), Shape.unknownOfRank((int) rank.value())));
      in.onnx().inference().visitInput(t.value());
    }
  }
}
