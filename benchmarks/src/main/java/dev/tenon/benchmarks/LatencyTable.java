package dev.tenon.benchmarks;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tenon.ir.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import org.tensorflow.TensorFlow;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * Latency of converted models in TensorFlow-Java beside ONNX Runtime on the source file, call by call in turn: what
 * {@code benchmarks/latency/latency.py} does in Python, with the same JSON. {@code benchmarks/latency/run.py} converts the models,
 * writes the plan and starts this.
 */
@Command(name = "LatencyTable", mixinStandardHelpOptions = true, description = "Measures the latency of converted models.")
public final class LatencyTable implements Callable<Integer> {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int WARM_CALLS = 100;
  private static final double MOST_ERROR = 1e-3;

  @Parameters(paramLabel = "PLAN", description = "JSON: for each model the source, its SavedModels and its inputs.")
  Path plan;

  @Option(names = {"-o", "--output"}, required = true, description = "The JSON to be written.")
  Path output;

  @Option(names = "--repeat", description = "Least number of rounds.")
  int repeat = 30;

  @Option(names = "--seconds", description = "Quick models get more rounds, up to ten times as many, in this time.")
  double seconds = 5;

  @Option(names = "--patience", description = "Seconds a model to wait for rounds that other processes do not disturb.")
  double patience = 30;

  @Option(names = "--warm-seconds", description = "Of each subject before the first round, or a hundred calls if they take less.")
  double warmSeconds = 4;

  @Option(names = "--threads", description = "For one operation, in either runtime.")
  int threads = 2;

  @Option(names = "--inter-op", description = "TensorFlow's threads for operations side by side.")
  int interOp = 1;

  @Option(names = "--resume", description = "Keep the models that the output has already.")
  boolean resume;

  @Option(names = "--retry", description = "Keep those only that nothing disturbed.")
  boolean retry;

  public static void main(String[] args) {
    System.exit(new CommandLine(new LatencyTable()).execute(args));
  }

  @Override
  public Integer call() throws IOException {
    boolean goOn = (resume || retry) && Files.exists(output);
    ObjectNode document = goOn ? (ObjectNode) JSON.readTree(output.toFile()) : JSON.createObjectNode();
    document.set("environment", environment());
    ObjectNode models = document.withObject("/models");
    if (retry) {
      List<String> disturbed = new ArrayList<>();
      models.fields().forEachRemaining(e -> {
        if (e.getValue().path("disturbed").asDouble() > 0) {
          disturbed.add(e.getKey());
        }
      });
      models.remove(disturbed);
    }
    for (JsonNode model : JSON.readTree(plan.toFile())) {
      String name = model.get("name").asText();
      if (models.has(name)) {
        if (models.get(name).has("running")) {
          models.putObject(name).putObject("failed").put("all", "the process ended while this model was measured");
          write(document);
        }
        continue;
      }
      ObjectNode result = models.putObject(name).put("running", true);
      write(document);
      try {
        measure(model, result);
      } catch (OrtException | RuntimeException | LinkageError e) {
        result.withObject("/failed").put("all", e.toString());
      }
      result.remove("running");
      write(document);
      System.out.println(line(name, result));
    }
    return 0;
  }

  private void measure(JsonNode model, ObjectNode result) throws OrtException {
    ObjectNode subjectsOut = result.putObject("subjects");
    ObjectNode failed = result.putObject("failed");
    Map<String, Tensor> inputs = inputs(model.get("inputs"));
    Map<String, Subject> subjects = new LinkedHashMap<>();
    Map<String, Double> errors = new LinkedHashMap<>();
    try {
      Subject reference = Subject.onnxRuntime(Path.of(model.get("onnx").asText()), inputs, threads);
      subjects.put("onnxruntime", reference);
      Map<String, float[]> expected = reference.outputs();
      model.get("savedModels").fields().forEachRemaining(e -> {
        try {
          Subject subject = Subject.tensorFlow(Path.of(e.getValue().asText()), inputs, threads, interOp);
          subjects.put(e.getKey(), subject);
          errors.put(e.getKey(), error(expected, subject.outputs()));
          if (!(errors.get(e.getKey()) <= MOST_ERROR)) {
            failed.put(e.getKey() + ": outputs",
                String.format(Locale.ROOT, "scaled error %.1e against ONNX Runtime", errors.get(e.getKey())));
          }
        } catch (OrtException | RuntimeException x) {
          failed.put(e.getKey(), x.toString());
          subjects.remove(e.getKey());
        }
      });
      for (Subject subject : subjects.values()) {
        warm(subject);
      }
      Rounds.Times times = new Rounds(repeat, seconds, patience).measure(subjects);
      result.put("disturbed", round(times.disturbed()));
      // The median counts; of disturbed rounds the fastest, which is nearer to what an idle machine takes.
      double counts = times.disturbed() > 0 ? 0 : 0.5;
      double base = Rounds.quantile(times.milliseconds().get("onnxruntime"), counts);
      times.milliseconds().forEach((name, ms) -> {
        ObjectNode figures = subjectsOut.putObject(name).put("ms", round(Rounds.quantile(ms, counts)))
            .put("median", round(Rounds.quantile(ms, 0.5))).put("q1", round(Rounds.quantile(ms, 0.25)))
            .put("q3", round(Rounds.quantile(ms, 0.75))).put("min", round(Rounds.quantile(ms, 0))).put("calls", ms.length)
            .put("of_onnxruntime", round(Rounds.quantile(ms, counts) / base));
        if (errors.containsKey(name)) {
          figures.put("error", errors.get(name));
        }
      });
    } finally {
      for (Subject subject : subjects.values()) {
        subject.close();
      }
    }
  }

  /** TensorFlow's executor takes every operation for expensive at first, and knows which are cheap after some ninety calls. */
  private void warm(Subject subject) throws OrtException {
    long start = System.nanoTime();
    for (int n = 0; n < 3 || n < WARM_CALLS && (System.nanoTime() - start) / 1e9 < warmSeconds; n++) {
      subject.call();
    }
  }

  /** Normally distributed images, random tokens, constant masks. */
  private static Map<String, Tensor> inputs(JsonNode specs) {
    Map<String, Tensor> inputs = new LinkedHashMap<>();
    specs.fields().forEachRemaining(e -> {
      JsonNode spec = e.getValue();
      List<Long> shape = new ArrayList<>();
      spec.get("shape").forEach(d -> shape.add(d.asLong()));
      long[] dims = shape.stream().mapToLong(Long::longValue).toArray();
      int n = (int) Arrays.stream(dims).reduce(1, (a, b) -> a * b);
      Random random = new Random(e.getKey().hashCode());
      if (spec.path("dtype").asText("float32").equals("int64")) {
        long[] values = new long[n];
        for (int i = 0; i < n; i++) {
          values[i] = spec.has("value") ? spec.get("value").asLong() : random.nextInt(spec.get("below").asInt());
        }
        inputs.put(e.getKey(), Tensor.of(values, dims));
      } else {
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
          values[i] = (float) random.nextGaussian();
        }
        inputs.put(e.getKey(), Tensor.of(values, dims));
      }
    });
    return inputs;
  }

  /** The greatest scaled error of an output: max|a-b| / max(0.001, max|ref|). */
  private static double error(Map<String, float[]> expected, Map<String, float[]> got) {
    double worst = 0;
    for (Map.Entry<String, float[]> e : expected.entrySet()) {
      float[] actual = got.get(e.getKey());
      double difference = 0;
      double scale = 1e-3;
      for (int i = 0; i < actual.length; i++) {
        difference = Math.max(difference, Math.abs((double) actual[i] - e.getValue()[i]));
        scale = Math.max(scale, Math.abs(e.getValue()[i]));
      }
      worst = Math.max(worst, difference / scale);
    }
    return worst;
  }

  private ObjectNode environment() {
    return JSON.createObjectNode().put("runtime", "java").put("tensorflow", TensorFlow.version())
        .put("onnxruntime", OrtEnvironment.getEnvironment().getVersion()).put("java", System.getProperty("java.version"))
        .put("cores", Runtime.getRuntime().availableProcessors()).put("intra_op", threads).put("inter_op", interOp)
        .put("began", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
  }

  private void write(ObjectNode document) throws IOException {
    Path part = output.resolveSibling(output.getFileName() + ".part");
    JSON.writerWithDefaultPrettyPrinter().writeValue(part.toFile(), document);
    Files.move(part, output, StandardCopyOption.REPLACE_EXISTING);
  }

  private static String line(String name, ObjectNode result) {
    StringBuilder line = new StringBuilder(String.format(Locale.ROOT, "%-20s", name));
    result.path("subjects").fields().forEachRemaining(e -> line.append(String.format(Locale.ROOT, " %s %.2f = %.2fx  ", e.getKey(),
        e.getValue().get("ms").asDouble(), e.getValue().get("of_onnxruntime").asDouble())));
    if (result.path("disturbed").asDouble() > 0) {
      line.append(String.format(Locale.ROOT, " [fastest rounds: other processes took %.0f %% of the machine]",
          100 * result.get("disturbed").asDouble()));
    }
    result.path("failed").fieldNames().forEachRemaining(f -> line.append(' ').append(f).append(" FAILED"));
    return line.toString();
  }

  private static double round(double ms) {
    return Math.round(ms * 1e4) / 1e4;
  }
}
