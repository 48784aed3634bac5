package dev.tenon.frontend.exported;

import java.util.List;

/**
 * What each input and output of a program's graph is.
 *
 * @param inputs one for each of the graph's inputs
 * @param outputs one for each of the graph's outputs
 */
record GraphSignature(List<Input> inputs, List<Output> outputs) {
  GraphSignature {
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
  }

  /** An input of the graph. */
  sealed interface Input {
    /** A parameter of the model: the graph's name for it, and the dotted name in the {@code state_dict}. */
    record Parameter(String graphName, String name) implements Input {}

    /** A buffer. Those that are not persistent are stored among the constants. */
    record Buffer(String graphName, String name, boolean persistent) implements Input {}

    /** A tensor that is neither parameter nor buffer. */
    record TensorConstant(String graphName, String name) implements Input {}

    /** What the caller gives. */
    record User(Argument argument) implements Input {}

    /** An argument that the program was specialized on. */
    record Constant(String graphName, Argument value) implements Input {}

    /** TorchBind objects, effect tokens and kinds to come. */
    record Other(String kind, String graphName) implements Input {}
  }

  /** An output of the graph. */
  sealed interface Output {
    /** What the caller gets. */
    record User(Argument argument) implements Output {}

    /** The new elements of a buffer or parameter. */
    record StateMutation(String graphName, String name) implements Output {}

    /** The new elements of a user's input, given by the graph's name for it. */
    record InputMutation(String graphName, String input) implements Output {}

    /** Gradients, effect tokens and kinds to come. */
    record Other(String kind) implements Output {}
  }
}
