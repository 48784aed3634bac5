/**
 * Bodies of functions: of the operators that ONNX itself defines by functions ({@link dev.tenon.ir.function.OnnxFunctions}), and of
 * the fused operators that older opsets lack ({@link dev.tenon.ir.function.FusedFunctions}); and how a body is put in place of a call
 * ({@link dev.tenon.ir.function.Inliner}).
 */
package dev.tenon.ir.function;
