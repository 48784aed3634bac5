package dev.tenon.frontend.torchscript;

import dev.tenon.frontend.ModelSource;
import dev.tenon.frontend.ReadOptions;
import dev.tenon.frontend.archive.TorchArchive;
import dev.tenon.frontend.aten.Aten;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.CustomOperators;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.diag.Diagnostic;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.diag.Severity;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Reads archives of TorchScript: traced, scripted and frozen models. */
public final class TorchScriptFrontend {
  /** Interpretation recurses with the depth of calls and expressions, both of which are bounded. */
  private static final long STACK_BYTES = 1L << 28;
  private static final int MAX_ATTEMPTS = 100;

  private TorchScriptFrontend() {
  }

  /**
   * Reads a model. What cannot be converted is among the diagnostics.
   *
   * @param source the archive, a file ending in {@code .pt} mostly
   * @param inputShapes shapes of inputs by name, symbols allowed; an input without one has that of the example it was traced with, its first
   *     axis open, or what the first operator to read it takes
   * @throws BadInputException if the archive is malformed, or its code is not as PyTorch prints it
   */
  public static Model read(ModelSource source, Map<String, Shape> inputShapes, Diagnostics diagnostics) {
    return read(source, new ReadOptions(inputShapes), diagnostics);
  }

  /** Reads a model, with what the user says of the types of unknown operators. */
  public static Model read(ModelSource source, ReadOptions options, Diagnostics diagnostics) {
    Model[] model = new Model[1];
    Throwable[] failure = new Throwable[1];
    Thread thread = new Thread(null, () -> {
      try (TorchArchive archive = TorchArchive.open(source.file())) {
        model[0] = read(archive, options, diagnostics);
      } catch (RuntimeException | Error e) {
        failure[0] = e;
      }
    }, "torchscript", STACK_BYTES);
    thread.start();
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BadInputException(source.spec() + ": interrupted while reading", e);
    }
    if (failure[0] instanceof RuntimeException e) {
      throw e;
    } else if (failure[0] instanceof StackOverflowError e) {
      throw new BadInputException(source.spec() + ": code nested too deeply", e);
    } else if (failure[0] instanceof Error e) {
      throw e;
    }
    model[0].setSource(source.file());
    return model[0];
  }

  private static Model read(TorchArchive archive, ReadOptions options, Diagnostics diagnostics) {
    if (archive.names().stream().noneMatch(n -> n.startsWith("code/"))) {
      throw BadInputException.of(archive.label(), "", "no code", "an archive of torch.jit.save");
    }
    CodeBase code = new CodeBase(archive);
    Map<String, Type.TensorType> learned = new HashMap<>();
    for (int attempt = 0;; attempt++) {
      Diagnostics found = new Diagnostics();
      try {
        Model model = new Attempt(archive, code, options, learned, found).run();
        List<Diagnostic> unshaped = found.hasErrors() ? unshaped(model) : List.of();
        (unshaped.isEmpty() ? found.all() : unshaped).forEach(diagnostics::add);
        return model;
      } catch (InputDemands.Learned e) {
        if (attempt >= MAX_ATTEMPTS) {
          throw BadInputException.of(archive.label(), "", "no end to what is learned of inputs", "types of inputs, --input NAME:1,3,224,224");
        }
        learned.put(e.input(), e.type());
      }
    }
  }

  /** An error for each input whose shape nothing tells whole: what follows from not knowing it is not worth saying as well. */
  private static List<Diagnostic> unshaped(Model model) {
    return model.graph().inputs().stream().filter(v -> !v.shape().hasRank() || v.shape().dims().stream().anyMatch(Dim::isAnonymous)).map(v -> new Diagnostic(Severity.ERROR, "input-shape-unknown",
        "", "", "the archive does not say which shape the input '" + v.name() + "' has: scripted models keep no example inputs",
        "give it with --input " + v.name() + ":batch,3,224,224")).toList();
  }

  /** One interpretation of the model, with what is known of its inputs by now. */
  private static final class Attempt {
    private final TorchArchive archive;
    private final CodeBase code;
    private final Diagnostics diagnostics;
    private final Model model = new Model(new Graph("torchscript"));
    private final Onnx onnx = new Onnx(model);
    private final Inputs inputs;
    private final ReadOptions options;

    Attempt(TorchArchive archive, CodeBase code, ReadOptions options, Map<String, Type.TensorType> learned, Diagnostics diagnostics) {
      this.archive = archive;
      this.code = code;
      this.diagnostics = diagnostics;
      this.inputs = new Inputs(archive, onnx, options.inputShapes(), learned);
      this.options = options;
    }

    Model run() {
      model.setProducer("tenon", "");
      ModuleTree modules = new ModuleTree(archive, code, onnx);
      CodeClass type = modules.rootType();
      Ast.FunctionDef forward = type.def().methods().get("forward");
      if (forward == null) {
        throw BadInputException.of(archive.label(), type.unit().entry(), "no method forward of " + type.name(), "one");
      }
      Map<String, TorchValue> arguments = inputs.arguments(forward);
      Instance root = modules.root();
      Aten aten = new Aten(onnx, AtenOps.standard(), diagnostics).withCustomTypes(options.customTypes());
      Operators operators = new Operators(new SourceLines(archive), new OldVersions(version()));
      Interpreter in = new Interpreter(aten, diagnostics, code, modules, new InputDemands(inputs.guessed()), operators);
      try {
        TorchValue result = in.call(new Values.Callable(type.unit(), forward, root), List.of(), arguments, forward.at());
        new Outputs(onnx, diagnostics).add(result);
      } catch (RaiseSignal e) {
        diagnostics.add(new Diagnostic(Severity.ERROR, "model-raises", "", "", "for inputs of these shapes the model's own code raises: "
            + e.getMessage(), "give the shapes that it takes with --input NAME:batch,3,224,224"));
      }
      aten.recordCalls();
      for (Value v : List.copyOf(model.graph().initializers())) {
        if (v.isUnused() && !v.isGraphInput()) {
          model.graph().removeInitializer(v);
        }
      }
      CustomOperators.report(model, diagnostics);
      return model;
    }

    private long version() {
      String entry = archive.has(".data/version") ? ".data/version" : "version";
      String text = archive.has(entry) ? archive.text(entry).strip() : "";
      if (!text.matches("[0-9]{1,6}")) {
        throw BadInputException.of(archive.label(), entry, text.isEmpty() ? "nothing" : "another text", "the version of the archive's format");
      }
      return Long.parseLong(text);
    }
  }
}
