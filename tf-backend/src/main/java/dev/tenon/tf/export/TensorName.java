package dev.tenon.tf.export;

/**
 * An input of a node, or a tensor, in the notation of a GraphDef: {@code node}, {@code node:1} or {@code ^node}.
 *
 * @param node the producing node
 * @param index which of its outputs; -1 for a control input
 */
record TensorName(String node, int index) {

  static TensorName parse(String text) throws SavedModelException {
    if (text.startsWith("^")) {
      return new TensorName(text.substring(1), -1);
    }
    int colon = text.lastIndexOf(':');
    if (colon < 0) {
      return new TensorName(text, 0);
    }
    try {
      int index = Integer.parseInt(text.substring(colon + 1));
      if (index >= 0) {
        return new TensorName(text.substring(0, colon), index);
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw new SavedModelException("Found tensor name " + text + ", expected node, node:index or ^node");
  }

  boolean isControl() {
    return index < 0;
  }
}
