package dev.tenon.weights.match;

/**
 * A parameter of a layer: a variable, a tensor of the checkpoint, or what is made of several.
 *
 * @param leaf the last part of its name
 * @param recipe of a tensor, how it is written in a mapping file; of a variable its name
 * @param shape its dimensions
 * @param arranged true if {@code recipe} gives what TensorFlow wants already (an LSTM's kernel), and nothing is to be rearranged
 */
record Part(Role role, String leaf, String recipe, long[] shape, boolean arranged) {

  long numel() {
    long n = 1;
    for (long d : shape) {
      n *= d;
    }
    return n;
  }
}
