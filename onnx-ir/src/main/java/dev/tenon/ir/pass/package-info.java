/**
 * The passes that make a model simpler without changing what it computes, and their manager. {@link dev.tenon.ir.pass.Passes} is
 * the one list of them. After every pass the model is a valid ONNX model ({@link dev.tenon.ir.pass.GraphChecker}), and each pass can
 * be run alone.
 */
package dev.tenon.ir.pass;
