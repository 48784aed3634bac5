/**
 * Reads TorchScript archives, traced, scripted or frozen, into the IR without PyTorch. The code under {@code code/} is Python of a
 * small kind, as PyTorch's serializer prints it: {@link dev.tenon.frontend.torchscript.Lexer} and
 * {@link dev.tenon.frontend.torchscript.Parser} make an {@link dev.tenon.frontend.torchscript.Ast} of each file, and it is then run
 * abstractly: what is known at conversion time (attributes, ranks, constant sizes) is computed, and what is not becomes nodes.
 */
package dev.tenon.frontend.torchscript;
