package dev.tenon.frontend.aten;

/**
 * A value of a PyTorch program while it is being lowered: what is known at conversion time is a constant, the rest refers to values
 * of the ONNX graph.
 */
public sealed interface TorchValue
    permits TorchTensor, TorchScalar, TorchString, TorchNone, TorchList, TorchTuple, TorchDict, TorchDtype, TorchObject {}
