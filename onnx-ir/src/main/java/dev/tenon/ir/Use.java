package dev.tenon.ir;

/** One place where a value is read: input {@code index} of {@code node}. */
public record Use(Node node, int index) {}
