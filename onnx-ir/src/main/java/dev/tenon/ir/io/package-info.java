/**
 * Reading and writing {@code .onnx} files. {@link dev.tenon.ir.io.OnnxReader} maps the file and leaves every tensor where it is;
 * {@link dev.tenon.ir.io.OnnxWriter} streams tensors out one at a time, so that neither needs memory for a whole model;
 * {@link dev.tenon.ir.io.GraphText} prints a graph for people. Model files are untrusted: a reader believes no size, name or path
 * before it has checked it, and a bad file ends in one {@link dev.tenon.ir.diag.BadInputException}.
 */
package dev.tenon.ir.io;
