/**
 * The ONNX graph IR.
 *
 * <p>A {@link dev.tenon.ir.Model} holds a {@link dev.tenon.ir.Graph}; a graph holds {@link dev.tenon.ir.Node}s connected by
 * {@link dev.tenon.ir.Value}s. Nodes and values have identity, and only the graph changes their connections. Types, shapes,
 * attributes and tensors are values. A {@link dev.tenon.ir.Dim} is a polynomial over symbols, so shapes stay exact when sizes are
 * not known; a {@link dev.tenon.ir.Tensor} is a {@link dev.tenon.ir.Recipe}, computed when it is written and not before.
 *
 * <p>Every state of a graph can be written as a valid ONNX model ({@code dev.tenon.ir.io}).
 */
package dev.tenon.ir;
