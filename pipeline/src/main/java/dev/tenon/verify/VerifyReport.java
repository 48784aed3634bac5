package dev.tenon.verify;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tenon.json.Json;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What verification found.
 *
 * @param tolerance the one asked for
 * @param trials in the order they were run; some may be skipped
 * @param layers the comparison of intermediate tensors; null if not asked for
 * @param note a finding about the whole; empty if there is none
 */
public record VerifyReport(double tolerance, List<Trial> trials, LayerReport layers, String note) {

  /**
   * The model run on inputs of one size.
   *
   * @param sizes input to its dimensions
   * @param skipped why ONNX Runtime itself cannot run this size; empty if it was run
   * @param outputs in the model's order
   * @param onnxRuntimeMillis median of several runs; NaN if not measured
   * @param tensorFlowMillis median of several runs, warm; NaN if not measured
   */
  public record Trial(Map<String, long[]> sizes, String skipped, List<OutputResult> outputs, double onnxRuntimeMillis,
      double tensorFlowMillis) {
    static Trial skipped(Map<String, long[]> sizes, String why) {
      return new Trial(sizes, why, List.of(), Double.NaN, Double.NaN);
    }

    public boolean ok() {
      return outputs.stream().allMatch(OutputResult::ok);
    }

    /** {@code 2x3x64x96}, or with names where there are several inputs. */
    public String sizeText() {
      StringBuilder b = new StringBuilder();
      Map<String, Integer> seen = new LinkedHashMap<>();
      sizes.forEach((name, dims) -> seen.merge(text(dims), 1, Integer::sum));
      if (seen.size() == 1) {
        return seen.keySet().iterator().next();
      }
      sizes.forEach((name, dims) -> b.append(b.length() == 0 ? "" : ", ").append(name).append(' ').append(text(dims)));
      return b.toString();
    }

    private static String text(long[] dims) {
      return dims.length == 0 ? "scalar" : String.join("x", Arrays.stream(dims).mapToObj(String::valueOf).toList());
    }
  }

  /**
   * One output at one size.
   *
   * @param tolerance what was allowed, which half-precision types raise
   * @param unoptimized the scaled error against ONNX Runtime without optimizations; NaN unless the output failed
   */
  public record OutputResult(String name, TensorComparison error, double tolerance, double unoptimized) {
    public boolean ok() {
      return error.within(tolerance);
    }
  }

  /** True if at least one size was run, and every output of every size is within its tolerance. */
  public boolean ok() {
    return ranTrials() > 0 && trials.stream().allMatch(Trial::ok);
  }

  public long ranTrials() {
    return trials.stream().filter(t -> t.skipped.isEmpty()).count();
  }

  /** The greatest scaled error of all outputs at all sizes; NaN if one could not be compared. */
  public double worst() {
    double worst = 0;
    for (Trial t : trials) {
      for (OutputResult o : t.outputs) {
        worst = o.error.problem().isEmpty() ? Math.max(worst, o.error.scaled()) : Double.NaN;
        if (Double.isNaN(worst)) {
          return worst;
        }
      }
    }
    return worst;
  }

  /** For {@code --json}. */
  public ObjectNode toJson() {
    ObjectNode o = Json.object();
    o.put("ok", ok()).put("tolerance", tolerance);
    Json.putRounded(o, "worst_scaled_error", worst());
    if (!note.isEmpty()) {
      o.put("note", note);
    }
    ArrayNode a = o.putArray("trials");
    for (Trial t : trials) {
      ObjectNode n = a.addObject();
      ObjectNode sizes = n.putObject("sizes");
      t.sizes.forEach((name, dims) -> sizes.set(name, Json.numbers(dims)));
      if (!t.skipped.isEmpty()) {
        n.put("skipped", t.skipped);
        continue;
      }
      Json.putRounded(n, "onnxruntime_ms", t.onnxRuntimeMillis);
      Json.putRounded(n, "tensorflow_ms", t.tensorFlowMillis);
      ArrayNode outputs = n.putArray("outputs");
      for (OutputResult r : t.outputs) {
        ObjectNode e = outputs.addObject().put("name", r.name).put("ok", r.ok());
        if (!r.error.problem().isEmpty()) {
          e.put("problem", r.error.problem());
        }
        Json.putRounded(e, "max_abs_error", r.error.maxAbsolute());
        Json.putRounded(e, "scaled_error", r.error.scaled());
        Json.putRounded(e, "cosine_error", r.error.cosine());
        e.put("tolerance", r.tolerance);
        if (!Double.isNaN(r.unoptimized)) {
          Json.putRounded(e, "scaled_error_unoptimized", r.unoptimized);
        }
      }
    }
    if (layers != null) {
      o.set("layers", layers.toJson());
    }
    return o;
  }
}
