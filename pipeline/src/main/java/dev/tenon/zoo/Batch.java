package dev.tenon.zoo;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.json.Json;
import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * Converts models side by side, each in a process of its own, so that one that crashes, hangs or eats all memory costs nobody
 * else anything.
 */
public final class Batch {
  /** What is written about each model, beside its SavedModel. */
  public static final String RECORD = "tenon-batch.json";
  /** All records of a batch, one a line, in the order the models were done. */
  public static final String SUMMARY = "summary.jsonl";
  private static final ObjectMapper MAPPER = new ObjectMapper();

  /**
   * A model to convert.
   *
   * @param spec path or Maven coordinates
   * @param name of its folder
   */
  public record Job(String spec, String name) {}

  /**
   * What became of a model.
   *
   * @param status {@code ok}, {@code mismatch}, {@code unsupported}, {@code bad-input}, {@code failed}, {@code crashed}, {@code timeout}
   * @param error why; empty if it is ok
   * @param conversion what {@code tenon convert --json} said; null if it said nothing
   * @param skipped true if an earlier batch had done it
   */
  public record Outcome(Job job, String status, int exitCode, long millis, String error, ObjectNode conversion, boolean skipped) {
    public boolean ok() {
      return status.equals("ok");
    }

    /** The greatest scaled error that verification found; NaN if there is none. */
    public double worstError() {
      return conversion == null ? Double.NaN : conversion.path("verification").path("worst_scaled_error").asDouble(Double.NaN);
    }

    ObjectNode toJson() {
      ObjectNode o = Json.object();
      o.put("model", job.spec).put("name", job.name).put("status", status).put("exit_code", exitCode).put("milliseconds", millis);
      if (!error.isEmpty()) {
        o.put("error", error);
      }
      if (conversion != null) {
        o.set("conversion", conversion);
      }
      return o;
    }
  }

  /**
   * How a batch is run.
   *
   * @param parallel processes at a time
   * @param timeoutSeconds after which a conversion is given up
   * @param resume what an earlier batch converted from the same files is not converted again
   * @param arguments further arguments of {@code tenon convert}
   */
  public record Options(int parallel, long timeoutSeconds, boolean resume, List<String> arguments) {}

  private final Path output;
  private final Options options;
  private final Function<List<String>, ProcessBuilder> launcher;
  private final Set<Process> running = ConcurrentHashMap.newKeySet();

  /**
   * A batch.
   *
   * @param output the folder that gets a folder for each model
   * @param launcher makes the process that runs {@code tenon} with these arguments
   */
  public Batch(Path output, Options options, Function<List<String>, ProcessBuilder> launcher) {
    this.output = output;
    this.options = options;
    this.launcher = launcher;
  }

  /** Runs {@code tenon} as this process was started: the same Java, class path and flags. */
  public static ProcessBuilder sameJava(List<String> arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    for (String flag : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
      if (!flag.startsWith("-Dtenon.") && !flag.startsWith("-agentlib") && !flag.startsWith("-javaagent")) {
        command.add(flag);
      }
    }
    command.add("dev.tenon.cli.Tenon");
    command.addAll(arguments);
    ProcessBuilder process = new ProcessBuilder(command);
    // Not on the command line: ONNX Runtime's native library crashes in processes where that is longer than 4096 bytes.
    process.environment().put("CLASSPATH", System.getProperty("java.class.path"));
    return process;
  }

  /**
   * Converts all; a failed one does not stop the others.
   *
   * @param done is told of each as it is done, from this thread, in the order of the jobs
   * @return in the order of the jobs
   */
  public List<Outcome> run(List<Job> jobs, Consumer<Outcome> done) {
    Thread hook = new Thread(() -> running.forEach(Process::destroy), "end-batch");
    Runtime.getRuntime().addShutdownHook(hook);
    ExecutorService pool = Executors.newFixedThreadPool(options.parallel());
    try {
      Files.createDirectories(output);
      List<Future<Outcome>> futures = new ArrayList<>();
      jobs.forEach(job -> futures.add(pool.submit(() -> convert(job))));
      List<Outcome> outcomes = new ArrayList<>();
      for (Future<Outcome> f : futures) {
        Outcome outcome = f.get();
        outcomes.add(outcome);
        Files.writeString(output.resolve(SUMMARY), Json.line(outcome.toJson()) + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        done.accept(outcome);
      }
      return outcomes;
    } catch (IOException e) {
      throw BadInputException.of(output, "", "that it cannot be written (" + e.getMessage() + ")", "a folder for the results");
    } catch (ExecutionException e) {
      throw e.getCause() instanceof RuntimeException r ? r : new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    } finally {
      pool.shutdownNow();
      running.forEach(Process::destroy);
      removeHook(hook);
    }
  }

  private static void removeHook(Thread hook) {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The process is ending and the hook is running already.
    }
  }

  private Outcome convert(Job job) throws IOException, InterruptedException {
    Path folder = output.resolve(job.name);
    Path record = folder.resolve(RECORD);
    if (options.resume() && Files.isRegularFile(record) && Files.isRegularFile(folder.resolve("saved_model.pb"))) {
      ObjectNode earlier = Json.read(record);
      if (earlier.path("status").asText().equals("ok") && unchanged(job, earlier)) {
        return new Outcome(job, "ok", 0, earlier.path("milliseconds").asLong(), "", (ObjectNode) earlier.get("conversion"), true);
      }
    }
    List<String> arguments = new ArrayList<>(List.of("convert", job.spec, "-o", folder.toString(), "--json", "--quiet", "--force"));
    arguments.addAll(options.arguments());
    File log = File.createTempFile("tenon-batch", ".log");
    File json = File.createTempFile("tenon-batch", ".json");
    try {
      Outcome outcome = run(job, arguments, log, json);
      Files.createDirectories(folder);
      Files.writeString(record, Json.text(outcome.toJson()));
      return outcome;
    } finally {
      Files.deleteIfExists(log.toPath());
      Files.deleteIfExists(json.toPath());
    }
  }

  private Outcome run(Job job, List<String> arguments, File log, File json) throws IOException, InterruptedException {
    long start = System.nanoTime();
    Process process = launcher.apply(arguments).redirectOutput(json).redirectError(log).start();
    running.add(process);
    boolean ended;
    try {
      process.getOutputStream().close();
      ended = process.waitFor(options.timeoutSeconds(), TimeUnit.SECONDS);
    } finally {
      process.destroyForcibly();
      running.remove(process);
    }
    long millis = (System.nanoTime() - start) / 1_000_000;
    if (!ended) {
      return new Outcome(job, "timeout", -1, millis, "not done after " + options.timeoutSeconds() + " s", null, false);
    }
    int code = process.exitValue();
    return new Outcome(job, status(code), code, millis, code == 0 ? "" : error(log.toPath(), code), parse(json.toPath()), false);
  }

  private static String status(int code) {
    return switch (code) {
      case 0 -> "ok";
      case 3 -> "bad-input";
      case 4 -> "unsupported";
      case 1, 2, 5 -> "failed";
      case 6 -> "mismatch";
      default -> "crashed";
    };
  }

  private static String error(Path log, int code) throws IOException {
    List<String> lines = new String(Files.readAllBytes(log), StandardCharsets.UTF_8).lines().toList();
    List<String> errors = lines.stream().filter(l -> l.startsWith("tenon: error: ")).map(l -> l.substring("tenon: error: ".length())).toList();
    if (!errors.isEmpty()) {
      return errors.get(0) + (errors.size() > 1 ? " (and " + (errors.size() - 1) + " more)" : "");
    }
    return "exit code " + code + lines.stream().filter(l -> !l.isBlank()).findFirst().map(l -> ": " + l).orElse("");
  }

  private static ObjectNode parse(Path json) throws IOException {
    try {
      return MAPPER.readTree(Files.readAllBytes(json)) instanceof ObjectNode o ? o : null;
    } catch (JsonProcessingException e) {
      return null;
    }
  }

  /** True if the model's file has the size it had, and is not newer than the record. */
  private boolean unchanged(Job job, ObjectNode earlier) throws IOException {
    if (!earlier.path("model").asText().equals(job.spec)) {
      return false;
    }
    Path file = Path.of(job.spec);
    boolean artifact = job.spec.startsWith("maven:"); // released artifacts do not change
    return artifact || Files.isRegularFile(file) && Files.size(file) == earlier.path("conversion").path("source").path("bytes").asLong()
        && Files.getLastModifiedTime(file).compareTo(Files.getLastModifiedTime(output.resolve(job.name).resolve(RECORD))) <= 0;
  }
}
