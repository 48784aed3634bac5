/** The lowerings of PyTorch's operators to ONNX, one class per family; see {@link dev.tenon.frontend.aten}. */
package dev.tenon.frontend.aten.ops;
