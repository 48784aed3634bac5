package dev.tenon.frontend.aten;

import dev.tenon.ir.DataType;

/** {@code torch.float32} and its kin as a value. In TorchScript dtypes are plain numbers; {@link AtenCall#dtype} takes both. */
public record TorchDtype(DataType dtype) implements TorchValue {}
