package dev.tenon.weights.match;

/**
 * A pair that was found.
 *
 * @param confidence from 0 to 1
 * @param reason for the reader
 */
record LayerMatch(Layer variables, Layer tensors, LayerFit fit, double confidence, String reason) {}
