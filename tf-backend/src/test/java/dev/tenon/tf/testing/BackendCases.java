package dev.tenon.tf.testing;

import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.layout.ChannelsLast;
import dev.tenon.ir.function.OnnxFunctions;
import dev.tenon.ir.io.OnnxReader;
import dev.tenon.ir.proto.GraphProto;
import dev.tenon.ir.proto.ModelProto;
import dev.tenon.ir.proto.OperatorSetIdProto;
import dev.tenon.ir.proto.TensorProto;
import dev.tenon.ir.shape.ShapeInference;
import dev.tenon.tf.BackendOptions;
import dev.tenon.tf.Conversion;
import dev.tenon.tf.TensorFlowBackend;
import dev.tenon.tf.runtime.GraphRunner;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Converts and runs the ONNX backend cases: folders with {@code model.onnx}, {@code test_data_set_K/input_N.pb},
 * {@code output_N.pb} and {@code tolerance.json}.
 *
 * <p>By hand: {@code BackendCases FOLDER [REGEX of names or op=Name]} prints a line for each case that does not pass and totals by
 * operator.
 */
public final class BackendCases {
  private static final Set<String> RANDOM = Set.of("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Bernoulli",
      "Multinomial");
  private static final Pattern NUMBER = Pattern.compile("\"(rtol|atol)\"\\s*:\\s*([-+0-9.eE]+)");

  private BackendCases() {}

  /** How a case came out. */
  public enum Outcome {
    PASS, FAIL, UNSUPPORTED
  }

  /**
   * One case's result.
   *
   * @param operator the operator that the case is about: the first node's for single-node models, else from the case's name
   */
  public record Result(String name, String operator, Outcome outcome, String reason) {}

  public static List<Path> folders(Path root) {
    try (Stream<Path> all = Files.walk(root, 3)) {
      return all.filter(p -> Files.exists(p.resolve("model.onnx"))).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public static Result run(Path folder) {
    String name = folder.getFileName().toString();
    String operator = "?";
    try {
      Model m = OnnxReader.read(folder.resolve("model.onnx"));
      operator = operator(m, name);
      Diagnostics d = new Diagnostics();
      TensorFlowBackend backend = new TensorFlowBackend();
      ShapeInference.Result types = prepare(m, backend, d);
      Conversion c = backend.convert(m, BackendOptions.defaults().withKnownData(types::knownData), d);
      if (d.hasErrors()) {
        String reasons = String.join("; ", d.errors().stream().map(e -> e.message()).distinct().limit(3).toList());
        boolean broken = d.errors().stream().anyMatch(e -> e.code().equals("emission-failed"));
        return new Result(name, operator, broken ? Outcome.FAIL : Outcome.UNSUPPORTED, reasons);
      }
      String difference = compare(m, c, folder, tolerances(folder));
      return new Result(name, operator, difference == null ? Outcome.PASS : Outcome.FAIL, difference == null ? "" : difference);
    } catch (RuntimeException e) {
      String message = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
      return new Result(name, operator, Outcome.FAIL, e.getClass().getSimpleName() + ": " + message);
    }
  }

  private static String operator(Model m, String name) {
    Node first = m.graph().firstNode();
    return m.graph().nodeCount() == 1 ? first.qualifiedOp() : name.contains("_expanded") ? "(expanded)" : "(graph)";
  }

  /** Types of all values; functions without an emitter are replaced by their bodies, as the passes do. */
  private static ShapeInference.Result prepare(Model m, TensorFlowBackend backend, Diagnostics d) {
    ShapeInference.infer(m, new Diagnostics());
    for (Node n : m.graph().nodeList()) {
      if (backend.registry().find(n.domain(), n.opType(), m.opset(n.domain())).isEmpty()) {
        OnnxFunctions.expand(n, m.opset());
      }
    }
    if (!Boolean.getBoolean("tenon.onnxLayout")) {
      ShapeInference.infer(m, new Diagnostics());
      ChannelsLast.run(m);
    }
    return ShapeInference.infer(m, d);
  }

  private static String compare(Model m, Conversion c, Path folder, double[] tolerances) {
    boolean shapeOnly = m.graph().nodeList().stream().anyMatch(n -> RANDOM.contains(n.opType()))
        || folder.getFileName().toString().startsWith("test_training_dropout") && !folder.toString().contains("zero_ratio");
    try (GraphRunner runner = GraphRunner.open(c, new GraphRunner.Options(1, false))) {
      for (int set = 0; Files.isDirectory(folder.resolve("test_data_set_" + set)); set++) {
        Path data = folder.resolve("test_data_set_" + set);
        Map<String, Tensor> feeds = new LinkedHashMap<>();
        for (int i = 0; i < m.graph().inputs().size(); i++) {
          feeds.put(m.graph().inputs().get(i).name(), tensor(data.resolve("input_" + i + ".pb")));
        }
        Map<String, Tensor> actual = runner.run(feeds);
        for (int i = 0; i < m.graph().outputs().size(); i++) {
          String difference = difference(tensor(data.resolve("output_" + i + ".pb")), actual.get(m.graph().outputs().get(i).name()),
              tolerances, shapeOnly);
          if (difference != null) {
            return "output " + i + ": " + difference;
          }
        }
      }
    }
    return null;
  }

  private static String difference(Tensor expected, Tensor actual, double[] tolerances, boolean shapeOnly) {
    if (shapeOnly || expected.dtype() != actual.dtype() || !java.util.Arrays.equals(expected.dims(), actual.dims())) {
      boolean same = expected.dtype() == actual.dtype() && java.util.Arrays.equals(expected.dims(), actual.dims());
      return same ? null : actual + ", expected " + expected;
    }
    if (!expected.dtype().isFloat()) {
      return Tensors.difference(expected, actual, 0);
    }
    double[] e = expected.toDoubles();
    double[] a = actual.toDoubles();
    for (int i = 0; i < e.length; i++) {
      boolean close = Double.compare(e[i], a[i]) == 0 || e[i] == a[i] || Math.abs(e[i] - a[i]) <= tolerances[1] + tolerances[0] * Math.abs(e[i]);
      if (!close) {
        return "element " + i + " of " + e.length + " is " + a[i] + ", expected " + e[i];
      }
    }
    return null;
  }

  private static double[] tolerances(Path folder) {
    double rtol = 1e-3;
    double atol = 1e-7;
    try {
      Matcher m = NUMBER.matcher(Files.readString(folder.resolve("tolerance.json")));
      while (m.find()) {
        double v = Double.parseDouble(m.group(2));
        rtol = m.group(1).equals("rtol") ? v : rtol;
        atol = m.group(1).equals("atol") ? v : atol;
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new double[] {rtol, atol};
  }

  /** Reads a TensorProto by way of a model that has it as an initializer. */
  static Tensor tensor(Path file) {
    try {
      TensorProto proto = TensorProto.parseFrom(Files.readAllBytes(file)).toBuilder().setName("t").build();
      ModelProto model = ModelProto.newBuilder().setIrVersion(10).addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(18))
          .setGraph(GraphProto.newBuilder().setName("g").addInitializer(proto)).build();
      Graph g = OnnxReader.read(ByteBuffer.wrap(model.toByteArray()), file.toString()).graph();
      return g.initializers().iterator().next().initializer();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Prints what does not pass, and totals by operator. */
  public static void main(String[] args) {
    Predicate<Result> operator = r -> true;
    Predicate<String> name = n -> true;
    for (int i = 1; i < args.length; i++) {
      if (args[i].startsWith("op=")) {
        Pattern p = Pattern.compile(args[i].substring(3));
        operator = r -> p.matcher(r.operator()).matches();
      } else {
        name = Pattern.compile(args[i]).asPredicate();
      }
    }
    TreeMap<String, int[]> totals = new TreeMap<>();
    List<String> passing = new ArrayList<>();
    int[] sum = new int[3];
    for (Path folder : folders(Path.of(args[0]))) {
      if (!name.test(folder.getFileName().toString())) {
        continue;
      }
      if (Boolean.getBoolean("tenon.trace")) {
        System.out.println("… " + folder.getFileName());
      }
      Result r = run(folder);
      if (!operator.test(r)) {
        continue;
      }
      totals.computeIfAbsent(r.operator(), k -> new int[3])[r.outcome().ordinal()]++;
      sum[r.outcome().ordinal()]++;
      if (r.outcome() == Outcome.PASS) {
        passing.add(r.name());
      } else {
        System.out.println(r.outcome() + " " + r.name() + ": " + r.reason());
      }
    }
    totals.forEach((op, t) -> System.out.printf("%-28s pass %4d  fail %4d  unsupported %4d%n", op, t[0], t[1], t[2]));
    System.out.printf("%-28s pass %4d  fail %4d  unsupported %4d%n", "total", sum[0], sum[1], sum[2]);
    String list = System.getProperty("tenon.passing");
    if (list != null) {
      try {
        Files.write(Path.of(list), passing);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
