/**
 * Test support for all modules: small graphs, seeded random inputs, the fixtures of the repository, and the comparison of models by
 * running them in ONNX Runtime.
 */
package dev.tenon.ir.testing;
