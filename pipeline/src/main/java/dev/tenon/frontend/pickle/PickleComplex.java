package dev.tenon.frontend.pickle;

/** A Python complex number. */
public record PickleComplex(double real, double imaginary) {}
