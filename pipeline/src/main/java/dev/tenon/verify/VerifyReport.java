package dev.tenon.verify;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tenon.json.Json;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What verification found.
 *
 * @param tolerance the one asked for
 * @param reference what the numbers were compared with
 * @param subject what was compared: {@code TensorFlow}, or the runtime of an exported model
 * @param trials in the order they were run; some may be skipped
 * @param layers the comparison of intermediate tensors; null if not asked for
 * @param note a finding about the whole; empty if there is none
 */
public record VerifyReport(double tolerance, Runtime reference, String subject, List<Trial> trials, LayerReport layers, String note) {

  /**
   * A runtime that took part.
   *
   * @param name {@code ONNX Runtime} or {@code libtorch}
   * @param version empty if it could not be loaded
   * @param remark why it is this one and not another; empty if that is as usual
   */
  public record Runtime(String name, String version, String remark) {}

  /**
   * The model run on inputs of one size.
   *
   * @param sizes input to its dimensions
   * @param skipped why the reference itself cannot run this size; empty if it was run
   * @param outputs in the model's order
   * @param referenceMillis median of several runs; NaN if not measured
   * @param subjectMillis median of several runs, warm; NaN if not measured
   * @param recorded whether the inputs are those that the source carries, and not random
   */
  public record Trial(Map<String, long[]> sizes, String skipped, List<OutputResult> outputs, double referenceMillis,
      double subjectMillis, boolean recorded) {
    public Trial(Map<String, long[]> sizes, String skipped, List<OutputResult> outputs, double referenceMillis, double subjectMillis) {
      this(sizes, skipped, outputs, referenceMillis, subjectMillis, false);
    }

    Trial withRecordedInputs() {
      return new Trial(sizes, skipped, outputs, referenceMillis, subjectMillis, true);
    }

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
   * @param lowering how far the ONNX model that was made of the source is from the reference, in ONNX Runtime; null if that is not
   *     another thing than the reference
   */
  public record OutputResult(String name, TensorComparison error, double tolerance, double unoptimized, TensorComparison lowering) {
    public boolean ok() {
      return error.within(tolerance);
    }

    /** Where an output that differs goes wrong, if that is known: {@code lowering} to ONNX, or {@code TensorFlow}; else empty. */
    public String blame() {
      return ok() || lowering == null ? "" : lowering.within(tolerance) ? "TensorFlow" : "lowering";
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

  private static String key(String runtime) {
    return runtime.toLowerCase(Locale.ROOT).replace(" ", "") + "_ms";
  }

  /** For {@code --json}. */
  public ObjectNode toJson() {
    ObjectNode o = Json.object();
    o.put("ok", ok()).put("tolerance", tolerance);
    Json.putRounded(o, "worst_scaled_error", worst());
    ObjectNode with = o.putObject("reference").put("name", reference.name).put("version", reference.version);
    if (!reference.remark.isEmpty()) {
      with.put("remark", reference.remark);
    }
    if (!note.isEmpty()) {
      o.put("note", note);
    }
    ArrayNode a = o.putArray("trials");
    for (Trial t : trials) {
      ObjectNode n = a.addObject();
      ObjectNode sizes = n.putObject("sizes");
      t.sizes.forEach((name, dims) -> sizes.set(name, Json.numbers(dims)));
      if (t.recorded) {
        n.put("recorded_inputs", true);
      }
      if (!t.skipped.isEmpty()) {
        n.put("skipped", t.skipped);
        continue;
      }
      Json.putRounded(n, key(reference.name), t.referenceMillis);
      Json.putRounded(n, key(subject), t.subjectMillis);
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
        if (r.lowering != null) {
          Json.putRounded(e, "lowering_scaled_error", r.lowering.scaled());
        }
        if (!r.blame().isEmpty()) {
          e.put("blame", r.blame());
        }
      }
    }
    if (layers != null) {
      o.set("layers", layers.toJson());
    }
    return o;
  }
}
