package dev.tenon.frontend.aten;

/** A value that only one of the readers knows: a module instance of TorchScript, say. Operators take none. */
public non-sealed interface TorchObject extends TorchValue {}
