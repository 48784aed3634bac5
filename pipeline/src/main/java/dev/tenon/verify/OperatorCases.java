package dev.tenon.verify;

import dev.tenon.custom.CustomOptions;
import dev.tenon.custom.Definitions;
import dev.tenon.custom.OperatorRule;
import dev.tenon.custom.OpsFile;
import dev.tenon.custom.Resolution;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.diag.Diagnostic;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.ort.OrtModel;
import dev.tenon.tf.BackendOptions;
import dev.tenon.tf.Conversion;
import dev.tenon.tf.TensorFlowBackend;
import dev.tenon.tf.custom.CustomNodes;
import dev.tenon.tf.custom.OperatorLibrary;
import dev.tenon.tf.runtime.GraphRunner;
import dev.tenon.verify.reference.OnnxRuntimeReference;
import dev.tenon.verify.reference.Reference;
import dev.tenon.verify.reference.ReferenceFailure;
import dev.tenon.verify.reference.TorchOperatorReference;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * The test cases of custom operators: inputs made up for their uses in a model, with the outputs that the source's framework gives for
 * them, and the comparison of a kernel with these.
 */
public final class OperatorCases {
  private static final int USES = 4;
  private static final int[] FIRST_SIZES = {2, 3};
  private static final long SEED = 7;

  private OperatorCases() {}

  /**
   * What was recorded of an operator.
   *
   * @param files names of the cases' files
   * @param problem why there are no expected outputs; empty if there are
   */
  public record Recorded(String operator, List<String> files, String problem) {}

  /**
   * How a case went.
   *
   * @param problem why it could not be run, or what is wrong with it; empty if all is well
   * @param comparisons of each output with what was expected; empty if nothing was
   */
  public record Result(String name, String operator, String problem, List<TensorComparison> comparisons, double tolerance) {
    public boolean ok() {
      return problem.isEmpty() && comparisons.stream().allMatch(c -> c.within(tolerance));
    }
  }

  // ---- recording ----

  /**
   * Writes cases for an operator: two sizes for each of its first uses, with the elements of constant inputs and random others.
   *
   * @param folder gets a file for each case
   * @param prefix what the files' names begin with
   * @param custom the libraries and the meanings to record from
   */
  public static Recorded record(Model model, String operator, Path folder, String prefix, CustomOptions custom, Consumer<String> log) {
    List<Node> uses = CustomNodes.byOperator(model).get(operator);
    List<String> files = new ArrayList<>();
    String problem = "";
    try {
      Files.createDirectories(folder);
      int n = 0;
      for (Node use : uses.subList(0, Math.min(USES, uses.size()))) {
        for (int first : FIRST_SIZES) {
          List<Tensor> values = values(use, first, n);
          if (values == null) {
            return new Recorded(operator, files, "the rank of an input is not known at " + use.label());
          }
          OperatorCase c = OperatorCase.of(use, model, values);
          try {
            c = c.expecting(expected(c, operator, custom, log));
          } catch (ReferenceFailure e) {
            problem = e.getMessage();
          }
          String name = prefix + "." + n++ + ".onnx";
          c.write(folder.resolve(name));
          files.add(name);
        }
      }
    } catch (IOException e) {
      throw BadInputException.of(folder, "", "that it cannot be written (" + e.getMessage() + ")", "a folder for the cases");
    }
    return new Recorded(operator, files, problem);
  }

  /** An element for each input, or null if a rank is not known. Each symbol gets a size of its own. */
  private static List<Tensor> values(Node use, int first, int n) {
    Map<String, Long> sizes = new LinkedHashMap<>();
    InputGenerator generator = new InputGenerator(SEED + n, Double.NaN, Double.NaN);
    List<Tensor> values = new ArrayList<>();
    for (Value v : use.inputs()) {
      if (v == null) {
        values.add(null);
      } else if (v.constant() != null) {
        values.add(v.constant().evaluated());
      } else if (!v.shape().hasRank()) {
        return null;
      } else {
        long[] dims = new long[v.rank()];
        for (int i = 0; i < dims.length; i++) {
          Dim d = v.shape().dim(i);
          d.symbols().forEach(s -> sizes.putIfAbsent(s, (long) first + sizes.size() * 2));
          dims[i] = Math.max(1, d.evaluate(sizes).orElse(first));
        }
        DataType dtype = v.dtype() == DataType.UNDEFINED ? DataType.FLOAT : v.dtype();
        InputKind kind = new InputKind(dtype == DataType.STRING ? InputKind.Meaning.STRINGS : dtype == DataType.BOOL
            ? InputKind.Meaning.BOOLEANS
            : dtype.isFloat() ? InputKind.Meaning.NUMBERS : InputKind.Meaning.INTEGERS, 4);
        values.add(generator.generate(kind, dtype, dims));
      }
    }
    return values;
  }

  private static List<Tensor> expected(OperatorCase c, String operator, CustomOptions custom, Consumer<String> log) {
    OperatorRule rule = custom.ops().rule(operator);
    if (!custom.torchLibraries().isEmpty()) {
      List<Tensor> given = c.node().inputs().stream().map(v -> c.inputs().get(v.name())).toList();
      try (TorchOperatorReference torch = TorchOperatorReference.open(c.node(), rule.schema(), custom.torchLibraries(), log)) {
        return torch.run(given);
      }
    }
    Model model = c.model();
    boolean defined = Definitions.addReferences(model, custom.ops());
    try (Reference ort = OnnxRuntimeReference.open(model, OrtModel.Options.reference().withCustomOps(custom.ortLibraries()))) {
      // Also without a library: ONNX Runtime has operators of its own, those of com.microsoft.
      return List.copyOf(ort.run(c.inputs()).values());
    } catch (ReferenceFailure e) {
      throw defined || !custom.ortLibraries().isEmpty() ? e
          : ReferenceFailure.unusable("nothing to record outputs from; --torch-library or --ort-library gives the source's own, "
              + "and 'reference:' in ops.yaml its meaning in ONNX", e);
    } finally {
      model.functions().clear();
    }
  }

  // ---- running ----

  /**
   * Runs all cases in a folder through TensorFlow, with the operators of libraries.
   *
   * @param tolerance greatest scaled error of an output
   */
  public static List<Result> run(Path folder, CustomOptions custom, double tolerance) {
    List<OperatorLibrary> libraries = OperatorLibrary.loadAll(custom.libraries());
    Map<String, Path> files = new TreeMap<>();
    if (Files.isDirectory(folder)) {
      try (Stream<Path> all = Files.list(folder)) {
        all.filter(f -> f.toString().endsWith(".onnx")).forEach(f -> files.put(f.getFileName().toString(), f));
      } catch (IOException e) {
        throw BadInputException.of(folder, "", "that it cannot be read (" + e.getMessage() + ")", "the cases that 'tenon stubs' wrote");
      }
    }
    List<Result> results = new ArrayList<>();
    files.forEach((name, file) -> results.add(run(name, OperatorCase.read(file), custom, libraries, tolerance)));
    return results;
  }

  private static Result run(String name, OperatorCase c, CustomOptions custom, List<OperatorLibrary> libraries, double tolerance) {
    String operator = CustomNodes.operator(c.node());
    Diagnostics diagnostics = new Diagnostics();
    Map<String, OperatorRule> rule = new LinkedHashMap<>();
    if (custom.ops().rules().containsKey(operator)) {
      rule.put(operator, custom.ops().rule(operator));
    }
    Resolution resolution = Resolution.of(c.model(), new OpsFile(custom.ops().file(), rule), libraries);
    Conversion conversion = new TensorFlowBackend(resolution.registry()).convert(c.model(), BackendOptions.defaults(), diagnostics);
    if (diagnostics.hasErrors()) {
      Diagnostic d = diagnostics.errors().get(0);
      return new Result(name, operator, d.message() + (d.hint().isEmpty() ? "" : "; " + d.hint()), List.of(), tolerance);
    }
    List<TensorComparison> comparisons = new ArrayList<>();
    try (GraphRunner runner = GraphRunner.open(conversion)) {
      List<Tensor> outputs = List.copyOf(runner.run(c.inputs()).values());
      double allowed = tolerance;
      for (int i = 0; i < c.expected().size(); i++) {
        comparisons.add(TensorComparison.of(c.expected().get(i), outputs.get(i)));
        allowed = Math.max(allowed, TensorComparison.toleranceOf(c.expected().get(i).dtype(), tolerance));
      }
      return new Result(name, operator, "", comparisons, allowed);
    } catch (IllegalStateException | IllegalArgumentException e) {
      return new Result(name, operator, TensorFlowModel.firstLine(e), List.of(), tolerance);
    }
  }
}
