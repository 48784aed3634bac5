/** Running models with ONNX Runtime, the reference that every step of a conversion is checked against. */
package dev.tenon.ir.ort;
