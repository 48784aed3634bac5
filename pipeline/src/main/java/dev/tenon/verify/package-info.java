/**
 * Whether a SavedModel computes what its source computes: the same inputs through ONNX Runtime and TensorFlow, at several sizes,
 * and layer by layer where asked. {@code docs/verification.md} describes the choices.
 */
package dev.tenon.verify;
