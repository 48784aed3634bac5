/**
 * PyTorch's operators in ONNX: what the readers of {@code torch.export} archives and of TorchScript share.
 *
 * <p>A reader walks its program and calls each operator through {@link dev.tenon.frontend.aten.Aten#call Aten.call}, with
 * {@link dev.tenon.frontend.aten.TorchValue values} as arguments:
 *
 * <pre>{@code
 * Onnx onnx = new Onnx(model);
 * Aten aten = new Aten(onnx, AtenOps.standard(), diagnostics);
 * onnx.at(Provenance.of("conv2d_3"), "conv2d_3");             // what comes next is made of this node
 * TorchValue y = aten.call("aten::conv2d", List.of(x, weight, TorchNone.NONE, TorchList.ofInts(2, 2)));
 * }</pre>
 *
 * <p>The call finds the operator's {@link dev.tenon.frontend.aten.Schema schema} (a resource with all of PyTorch's), which overload is
 * meant, and the defaults; the {@link dev.tenon.frontend.aten.Lowering lowering} registered for it in
 * {@link dev.tenon.frontend.aten.AtenOps} adds ONNX nodes through {@link dev.tenon.frontend.aten.Onnx}, whose results have their types
 * inferred at once. Numbers that are known are constants, sizes that are not are {@link dev.tenon.frontend.aten.TorchScalar scalars} with
 * a symbolic {@link dev.tenon.ir.Dim}; shape arguments take both.
 *
 * <p>Writing: a {@link dev.tenon.frontend.aten.TorchTensor} is a handle whose value changes when it, its base or another view is written
 * to. Operators with an underscore need no lowering of their own.
 *
 * <p>To add an operator: a function in its family in {@code ops}, reading arguments by the names in the schema
 * ({@code grep '::roll(' schemas.txt}), one line in the family's {@code register}, and a test.
 */
package dev.tenon.frontend.aten;
