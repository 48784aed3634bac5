/**
 * Operators that neither ONNX nor TensorFlow has: what a model tells of them, stubs in C and C++ for them on TensorFlow's stable C
 * interface, the libraries that are built of these, and the emission of their nodes.
 */
package dev.tenon.tf.custom;
