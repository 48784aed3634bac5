package dev.tenon.tf;

import java.util.List;

/**
 * Which TensorFlow tensor holds which value of the source file: the map that debugging reads.
 *
 * @param value the value's name in the source file
 * @param tensor the tensor in the graph, {@code node:0}
 * @param perm dimension i of the tensor is dimension {@code perm[i]} of the value; empty if the layout is the same
 */
public record TensorMapping(String value, String tensor, List<Integer> perm) {}
