/**
 * Symbolic shape and type inference: what {@link dev.tenon.ir.shape.ShapeInference} finds out about every value of a model before
 * it runs. There is one class per family of operators, each with a {@code register} method at the top;
 * {@link dev.tenon.ir.shape.Registry} lists them.
 */
package dev.tenon.ir.shape;
