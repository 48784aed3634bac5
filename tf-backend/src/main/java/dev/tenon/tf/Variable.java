package dev.tenon.tf;

import dev.tenon.ir.Tensor;

/**
 * A TensorFlow variable that a parameter became.
 *
 * @param name path and last part, {@code layer1/0/conv1/kernel}
 * @param tensor its elements, with the recipe that says which source parameters they come from
 * @param trainable false for running statistics
 */
public record Variable(String name, Tensor tensor, ParameterRole role, boolean trainable) {}
