package dev.tenon.frontend.exported;

import dev.tenon.frontend.archive.StoredTensor;
import dev.tenon.frontend.aten.Aten;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.CustomOperators;
import dev.tenon.frontend.aten.LoweringException;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchTensor;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.frontend.exported.GraphSignature.Input;
import dev.tenon.frontend.exported.GraphSignature.Output;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Provenance;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.diag.Diagnostic;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.diag.Severity;
import dev.tenon.ir.pass.DeadCode;
import dev.tenon.ir.pass.PassContext;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Makes a model of a program: its inputs and weights, then its nodes, then its outputs. */
final class ProgramLowering {
  /** How PyTorch counts the batches that batch normalization has seen, for nothing but training. */
  private static final String BATCH_COUNTER = "num_batches_tracked";

  private final ExportedArchive archive;
  private final ExportedProgram program;
  private final Diagnostics diagnostics;
  private final Model model = new Model(new Graph("main_graph"));
  private final Onnx onnx = new Onnx(model);
  private final FxScope scope;
  private final LoweringContext context;

  /** What the graph was given that it may write to: description to handle and the value that it had. */
  private final Map<String, Given> given = new LinkedHashMap<>();

  private record Given(TorchTensor tensor, Value original, boolean isInput) {}

  private ProgramLowering(ExportedArchive archive, ExportedProgram program, Diagnostics diagnostics) {
    this.archive = archive;
    this.program = program;
    this.diagnostics = diagnostics;
    this.scope = new FxScope(archive.file(), archive.programEntry());
    this.context = new LoweringContext(new Aten(onnx, AtenOps.standard(), diagnostics), SymbolNames.of(program), new TypeHints(diagnostics),
        program.ranges());
  }

  static Model lower(ExportedArchive archive, Diagnostics diagnostics) {
    return new ProgramLowering(archive, archive.program(), diagnostics).model();
  }

  private Model model() {
    model.setSource(archive.file());
    model.setProducer("pytorch", program.torchVersion());
    userInputs();
    weights();
    GraphLowering lowering = new GraphLowering(context, program.graph(), scope, Provenance.NONE, Autocast.NONE);
    lowering.run();
    context.aten().recordCalls();
    outputs();
    reportMutations();
    onnx.inference().report(diagnostics);
    new DeadCode().run(PassContext.of(model));
    CustomOperators.report(model, diagnostics);
    return model;
  }

  // ---- inputs ----

  private void userInputs() {
    for (Input input : program.signature().inputs()) {
      if (!(input instanceof Input.User user)) {
        continue;
      }
      if (user.argument() instanceof Argument.Tensor t) {
        TensorMeta meta = program.graph().tensorValues().get(t.name());
        if (meta == null || meta.dtype() == DataType.UNDEFINED) {
          throw scope.bad("input " + t.name(), meta == null ? "no entry in tensor_values" : "an element type that ONNX has not", "type and sizes");
        }
        Value v = input(t.name(), Type.tensor(meta.dtype(), context.symbols().shape(meta)));
        TorchTensor tensor = TorchTensor.of(v);
        given.put(t.name(), new Given(tensor, v, true));
        scope.define(t.name(), tensor);
      } else if (user.argument() instanceof Argument.Symbolic s) {
        DataType dtype = s.kind() == Argument.SymbolicKind.INT ? DataType.INT64 : s.kind() == Argument.SymbolicKind.FLOAT ? DataType.FLOAT : DataType.BOOL;
        Value v = input(s.name(), Type.tensor(dtype, Shape.SCALAR));
        Dim known = program.graph().symInts().get(s.name());
        scope.define(s.name(), s.kind() == Argument.SymbolicKind.INT && known != null ? onnx.integer(v, context.symbols().rename(known))
            : onnx.number(GraphLowering.kind(s.kind()), v));
      }
    }
  }

  private Value input(String name, Type type) {
    if (!model.graph().freshName(name).equals(name)) {
      throw scope.bad("input " + name, "a second input of this name", "names that differ");
    }
    Value v = model.graph().addInput(name, type);
    onnx.inference().visitInput(v);
    return v;
  }

  /** Parameters, buffers and constants become initializers, those that share their elements the same one. */
  private void weights() {
    Map<String, StoredTensor> weights = archive.weights();
    Map<String, StoredTensor> constants = archive.constants();
    Set<String> used = new HashSet<>();
    program.graph().nodes().forEach(n -> n.inputs().forEach(i -> addNames(i.argument(), used)));
    program.graph().outputs().forEach(o -> addNames(o, used));
    Map<StoredTensor, TorchTensor> made = new LinkedHashMap<>();
    // A tied weight has the name under which the state_dict has it first.
    Map<StoredTensor, String> names = new LinkedHashMap<>();
    weights.forEach((name, t) -> names.putIfAbsent(identity(t), name));
    constants.forEach((name, t) -> names.putIfAbsent(identity(t), name));
    for (Input input : program.signature().inputs()) {
      if (input instanceof Input.Parameter p && used.contains(p.graphName())) {
        define(p.graphName(), p.name(), find(p.name(), weights, constants), made, names);
      } else if (input instanceof Input.Buffer b && used.contains(b.graphName())) {
        define(b.graphName(), b.name(), b.persistent() ? find(b.name(), weights, constants) : find(b.name(), constants, weights), made, names);
      } else if (input instanceof Input.TensorConstant c && used.contains(c.graphName())) {
        define(c.graphName(), c.name(), find(c.name(), constants, weights), made, names);
      } else if (input instanceof Input.Other o) {
        scope.define(o.graphName(), new FxScope.Absent("an input of the kind " + o.kind() + " cannot be converted"));
      }
    }
  }

  private static void addNames(Argument argument, Set<String> names) {
    if (argument instanceof Argument.Tensor t) {
      names.add(t.name());
    } else if (argument instanceof Argument.Sequence s) {
      s.elements().forEach(e -> addNames(e, names));
    } else if (argument instanceof Argument.Dictionary d) {
      d.entries().values().forEach(e -> addNames(e, names));
    }
  }

  private StoredTensor find(String name, Map<String, StoredTensor> first, Map<String, StoredTensor> second) {
    StoredTensor t = first.containsKey(name) ? first.get(name) : second.get(name);
    if (t == null) {
      throw BadInputException.of(archive.file(), archive.programEntry(), "the parameter or buffer '" + Texts.shortened(name)
          + "', which is not among the stored tensors", "weights for all that the program names");
    }
    return t;
  }

  /** What makes two stored tensors the same elements; storages themselves have no equality. */
  private static StoredTensor identity(StoredTensor t) {
    return new StoredTensor(t.dtype(), t.sizes(), t.strides(), t.offset(), null, t.storageKey(), t.quantization());
  }

  private void define(String graphName, String name, StoredTensor stored, Map<StoredTensor, TorchTensor> made, Map<StoredTensor, String> names) {
    if (stored.quantization().isPresent()) {
      scope.define(graphName, new FxScope.Absent(name + " is a quantized tensor of the kind that only PyTorch's own operators take"));
      return;
    }
    TorchTensor tensor = made.computeIfAbsent(identity(stored), k -> {
      String shown = names.getOrDefault(k, name);
      return TorchTensor.of(model.graph().newInitializer(shown, stored.toTensor(shown)));
    });
    scope.define(graphName, tensor);
    given.putIfAbsent(name, new Given(tensor, tensor.value(), false));
  }

  // ---- outputs ----

  private void outputs() {
    List<Output> specs = program.signature().outputs();
    List<Argument> arguments = specs.stream().filter(o -> o instanceof Output.User).map(o -> ((Output.User) o).argument()).toList();
    List<String> names = program.outputTree() == null ? List.of() : OutputNames.of(program.outputTree(), program.namedTuples());
    // Names that something inside has give way to those of outputs.
    Map<String, Value> taken = new LinkedHashMap<>();
    model.graph().forEachNode(n -> n.outputs().forEach(v -> taken.put(v.name(), v)));
    Set<String> claimed = new HashSet<>();
    model.graph().inputs().forEach(v -> claimed.add(v.name()));
    model.graph().initializers().forEach(v -> claimed.add(v.name()));
    for (int i = 0; i < arguments.size(); i++) {
      String name = names.size() == arguments.size() ? names.get(i) : "output";
      onnx.at(Provenance.of(name), name);
      try {
        TorchValue v = scope.value(arguments.get(i), "output " + i);
        if (v instanceof TorchTensor || v instanceof TorchScalar) {
          output(v, unique(name, claimed), taken);
        }
      } catch (LoweringException e) {
        context.aten().report(e);
      }
    }
    if (model.graph().outputs().isEmpty() && !diagnostics.hasErrors()) {
      throw scope.bad("the outputs", "no tensor and no number", "at least one");
    }
  }

  private static String unique(String wish, Set<String> claimed) {
    String name = wish;
    for (int i = 1; !claimed.add(name); i++) {
      name = wish + "_" + i;
    }
    return name;
  }

  private void output(TorchValue result, String name, Map<String, Value> taken) {
    Graph graph = model.graph();
    Value v = result instanceof TorchTensor t ? t.value() : ((TorchScalar) result).scalar(onnx, ((TorchScalar) result).defaultDtype());
    if (v.producer() == null || v.graph() != graph || v.isGraphOutput()) {
      v = onnx.op("Identity", v);
    }
    Value holder = taken.get(name);
    if (holder != null && holder != v && holder.name().equals(name)) {
      graph.rename(holder, graph.freshName(name + "_inner"));
    }
    if (!v.name().equals(name)) {
      graph.rename(v, name);
    }
    graph.addOutput(v);
  }

  // ---- state ----

  /** TensorFlow and ONNX functions keep no state: what the program writes to buffers and inputs is lost, which the user must know. */
  private void reportMutations() {
    Set<String> buffers = new HashSet<>();
    Set<String> inputs = new HashSet<>();
    given.forEach((name, g) -> {
      if (g.tensor().value() != g.original()) {
        (g.isInput() ? inputs : buffers).add(name);
      }
    });
    for (Output o : program.signature().outputs()) {
      if (o instanceof Output.StateMutation s) {
        buffers.add(s.name());
      } else if (o instanceof Output.InputMutation i) {
        inputs.add(i.input());
      }
    }
    buffers.stream().filter(b -> !b.endsWith(BATCH_COUNTER)).sorted().forEach(b -> warn("state-not-kept",
        "the model writes to its buffer " + b + "; the converted model does not keep what is written from one call to the next"));
    inputs.stream().sorted().forEach(i -> warn("input-not-written",
        "the model writes to its input " + i + "; the converted model leaves the caller's tensor as it is"));
  }

  private void warn(String code, String message) {
    diagnostics.add(new Diagnostic(Severity.WARNING, code, "", "", message, ""));
  }
}
