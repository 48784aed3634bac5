package dev.tenon.verify;

import dev.tenon.custom.CustomOptions;
import java.util.List;
import java.util.Map;

/**
 * How to verify.
 *
 * @param tolerance greatest scaled error of an output
 * @param sizes trials, each an input's name to its dimensions; empty to choose them
 * @param low least random number of real inputs, with {@code high}; both NaN for pictures and normally distributed numbers
 * @param seed of the random inputs
 * @param threads threads for each runtime; 0 for as many as they like
 * @param layers whether intermediate tensors are compared too
 * @param latency whether the time of a run is measured
 * @param custom libraries of the SavedModel's and the reference's operators
 */
public record VerifyOptions(double tolerance, List<Map<String, long[]>> sizes, double low, double high, long seed, int threads,
    boolean layers, boolean latency, CustomOptions custom) {

  public static final double DEFAULT_TOLERANCE = 1e-4;

  public static VerifyOptions defaults() {
    return new VerifyOptions(DEFAULT_TOLERANCE, List.of(), Double.NaN, Double.NaN, 20261, 0, false, true, CustomOptions.NONE);
  }

  public VerifyOptions withTolerance(double value) {
    return new VerifyOptions(value, sizes, low, high, seed, threads, layers, latency, custom);
  }

  public VerifyOptions withSizes(List<Map<String, long[]>> value) {
    return new VerifyOptions(tolerance, value, low, high, seed, threads, layers, latency, custom);
  }

  public VerifyOptions withRange(double newLow, double newHigh) {
    return new VerifyOptions(tolerance, sizes, newLow, newHigh, seed, threads, layers, latency, custom);
  }

  public VerifyOptions withSeed(long value) {
    return new VerifyOptions(tolerance, sizes, low, high, value, threads, layers, latency, custom);
  }

  public VerifyOptions withThreads(int value) {
    return new VerifyOptions(tolerance, sizes, low, high, seed, value, layers, latency, custom);
  }

  public VerifyOptions withLayers(boolean value) {
    return new VerifyOptions(tolerance, sizes, low, high, seed, threads, value, latency, custom);
  }

  public VerifyOptions withLatency(boolean value) {
    return new VerifyOptions(tolerance, sizes, low, high, seed, threads, layers, value, custom);
  }

  public VerifyOptions withCustom(CustomOptions value) {
    return new VerifyOptions(tolerance, sizes, low, high, seed, threads, layers, latency, value);
  }
}
