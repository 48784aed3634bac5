package dev.tenon.frontend.exported;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a node of a program is given or gives back, and what a graph has as inputs and outputs. In the file it is an object with one
 * member, whose name is the kind: {@code {"as_tensor": {"name": "relu"}}}. The many list kinds ({@code as_tensors}, {@code as_ints},
 * {@code as_sym_ints}, {@code as_optional_tensors}, {@code as_nested_tensors}, …) are one here, a {@link Sequence}.
 */
sealed interface Argument {

  /** Python's {@code None}. */
  enum None implements Argument {
    NONE
  }

  /** The name of a tensor: of a graph's input or a node's output. */
  record Tensor(String name) implements Argument {}

  record Int(long value) implements Argument {}

  record Float(double value) implements Argument {}

  record Bool(boolean value) implements Argument {}

  record Text(String value) implements Argument {}

  record Complex(double real, double imaginary) implements Argument {}

  /** The name of a number or truth value that is computed when the model runs. */
  record Symbolic(SymbolicKind kind, String name) implements Argument {}

  /** What a {@link Symbolic} argument is. */
  enum SymbolicKind {
    INT, FLOAT, BOOL
  }

  /** A {@code torch.dtype}, by its number in this format (see {@link dev.tenon.frontend.archive.ScalarType#exported}). */
  record ScalarType(int number) implements Argument {}

  /** A {@code torch.memory_format}: 1 contiguous, 2 channels last, 3 channels last in 3-D, 4 preserve. */
  record MemoryFormat(int number) implements Argument {}

  /** A {@code torch.layout}: 7 is strided, all others are sparse kinds. */
  record Layout(int number) implements Argument {}

  /** A {@code torch.device}, {@code cpu} or {@code cuda:0}. */
  record Device(String name) implements Argument {}

  /** A graph given to a higher-order operator: an arm of {@code cond}, the body of {@code while_loop}. */
  record Subgraph(String name, FxGraph graph) implements Argument {}

  /** An operator given to a higher-order operator, {@code torch.ops.aten.relu_.default}. */
  record Operator(String target) implements Argument {}

  /** An instance of a TorchBind class. */
  record CustomObject(String name, String className) implements Argument {}

  /** A list or tuple of any kind. */
  record Sequence(List<Argument> elements) implements Argument {
    public Sequence {
      elements = List.copyOf(elements);
    }
  }

  /** A dictionary with strings as keys, in order. */
  record Dictionary(Map<String, Argument> entries) implements Argument {
    public Dictionary {
      entries = new LinkedHashMap<>(entries);
    }
  }

  /** A kind that this reader does not know, so that a newer file is reported and not refused. */
  record Unknown(String kind) implements Argument {}
}
