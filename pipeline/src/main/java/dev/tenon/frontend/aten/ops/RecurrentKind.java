package dev.tenon.frontend.aten.ops;

/** The kinds of recurrent networks, and how ONNX orders the gates that PyTorch has in another order. */
enum RecurrentKind {
  /** PyTorch: input, forget, cell, output; ONNX: input, output, forget, cell. */
  LSTM("LSTM", "", 0, 3, 1, 2),
  /** PyTorch: reset, update, new; ONNX: update, reset, new. */
  GRU("GRU", "", 1, 0, 2), TANH("RNN", "Tanh", 0), RELU("RNN", "Relu", 0);

  private final String opType;
  private final String activation;
  private final int[] gates;

  RecurrentKind(String opType, String activation, int... gates) {
    this.opType = opType;
    this.activation = activation;
    this.gates = gates;
  }

  String opType() {
    return opType;
  }

  /** The activation function to name; empty for ONNX's default. */
  String activation() {
    return activation;
  }

  /** ONNX's i-th gate is PyTorch's {@code gate(i)}-th. */
  int gate(int i) {
    return gates[i];
  }

  int gates() {
    return gates.length;
  }
}
