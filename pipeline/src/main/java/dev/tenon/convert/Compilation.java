package dev.tenon.convert;

import dev.tenon.custom.Resolution;
import dev.tenon.frontend.Frontends;
import dev.tenon.frontend.ModelSource;
import dev.tenon.frontend.ReadOptions;
import dev.tenon.frontend.SourceFormat;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.layout.ChannelsLast;
import dev.tenon.ir.layout.LayoutOptions;
import dev.tenon.ir.pass.InferredShapes;
import dev.tenon.ir.pass.PassContext;
import dev.tenon.ir.pass.PassDumps;
import dev.tenon.ir.pass.PassManager;
import dev.tenon.ir.pass.PassResult;
import dev.tenon.tf.BackendOptions;
import dev.tenon.tf.Conversion;
import dev.tenon.tf.TensorFlowBackend;
import dev.tenon.tf.custom.CustomNodes;
import dev.tenon.tf.custom.OperatorLibrary;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A model taken from its file to a TensorFlow graph in memory: everything of a conversion but the writing. Reading weights is left
 * to the writing, so this takes little time and memory whatever the model's size.
 *
 * @param format what the model was read from
 * @param model after passes and layout
 * @param sourceNodes nodes as read, subgraphs included
 * @param parameters the source's parameters
 * @param conversion the TensorFlow graph; of no use if there are errors among the diagnostics
 * @param passes pass to what it changed
 * @param layout how many nodes work channels-last, and what transposes that left
 * @param custom what became of custom operators
 * @param libraries the libraries of TensorFlow operators that were given, loaded
 */
record Compilation(SourceFormat format, Model model, int sourceNodes, SourceParameters parameters, Conversion conversion,
    Map<String, PassResult> passes, ChannelsLast.Result layout, Resolution custom, List<OperatorLibrary> libraries, Diagnostics diagnostics) {

  private static final String NORMALIZATION = "fuse-normalization";

  /** Compiles a source. Unsupported parts are errors among the diagnostics, all of them. */
  static Compilation of(ModelSource source, ConvertOptions options, Phases phases) {
    Diagnostics reading = new Diagnostics();
    phases.begin("read");
    ReadOptions how = new ReadOptions(options.inputShapes()).withCustomTypes(Resolution.typer(options.custom().ops()));
    Model model = Frontends.read(source, how, reading);
    int[] nodes = {0};
    model.graph().forEachNode(n -> nodes[0]++);
    SourceParameters parameters = SourceParameters.of(model.graph(), source);
    List<OperatorLibrary> libraries = OperatorLibrary.loadAll(options.custom().libraries());
    Resolution custom = Resolution.of(model, options.custom().ops(), libraries);
    Diagnostics diagnostics = withoutResolved(reading, model, custom);
    PassDumps dump = options.dumpPasses() == null ? null : new PassDumps(options.dumpPasses());
    phases.begin("passes");
    if (dump != null) {
      dump.write("read", model);
    }
    InferredShapes shapes = new InferredShapes();
    shapes.infer(model, diagnostics);
    warnOfUnknownRanks(model, custom, diagnostics);
    PassManager manager = PassManager.of(options.passes());
    if (dump != null) {
      manager.listener(dump);
    }
    Map<String, PassResult> passes = manager.run(new PassContext(model, diagnostics, shapes));
    phases.begin("layout");
    shapes.infer(model, new Diagnostics());
    requireNames(model, options.layout());
    ChannelsLast.Result layout = layout(model, options.layout().withElementwise(custom.elementwise()), diagnostics);
    shapes.infer(model, new Diagnostics());
    if (passes.containsKey(NORMALIZATION)) {
      // Over channels that were in the middle, written out, and are last now.
      PassManager.of(NORMALIZATION + ",dead-code").run(new PassContext(model, diagnostics, shapes));
    }
    if (dump != null) {
      dump.write("layout", model);
    }
    phases.begin("emit");
    BackendOptions backend = BackendOptions.defaults().withFreeze(options.freeze()).withSourceNames(options.sourceNames())
        .withKnownData(shapes::knownData);
    Conversion conversion = new TensorFlowBackend(custom.registry()).convert(model, backend, diagnostics);
    return new Compilation(SourceFormat.of(source), model, nodes[0], parameters, conversion, passes, layout, custom, libraries,
        diagnostics);
  }

  /** What follows an output of unknown rank may be given another layout than it has. */
  private static void warnOfUnknownRanks(Model model, Resolution custom, Diagnostics diagnostics) {
    CustomNodes.byOperator(model).forEach((operator, uses) -> {
      for (Node n : uses) {
        if (custom.ways().containsKey(operator) && !CustomNodes.hasBody(n, model)
            && n.outputs().stream().anyMatch(v -> v != null && !v.shape().hasRank())) {
          diagnostics.warning("custom-operator-rank", n, "the number of dimensions that " + operator + " gives is not known",
              "say it with 'outputs:' in ops.yaml, or in the kernel's shape function");
        }
      }
    });
  }

  /** A node that is not valid may name axes that there are not; what such a model means is left to the emitters to say. */
  private static ChannelsLast.Result layout(Model model, LayoutOptions options, Diagnostics diagnostics) {
    if (diagnostics.all().stream().noneMatch(d -> d.code().equals("invalid-node"))) {
      return ChannelsLast.run(model, options);
    }
    diagnostics.warning("no-layout", null, "layouts stay as in the source, since not all nodes are valid", "");
    return ChannelsLast.Result.UNCHANGED;
  }

  /** What reading said, but for the warnings that an operator is unknown which is known now. */
  private static Diagnostics withoutResolved(Diagnostics reading, Model model, Resolution custom) {
    Set<String> resolved = new HashSet<>();
    CustomNodes.byOperator(model).forEach((operator, uses) -> {
      if (custom.ways().containsKey(operator)) {
        uses.forEach(n -> resolved.add(n.label()));
      }
    });
    Diagnostics left = new Diagnostics();
    reading.all().stream().filter(d -> !(d.code().equals("custom-operator") && resolved.contains(d.node()))).forEach(left::add);
    return left;
  }

  private static void requireNames(Model model, LayoutOptions layout) {
    List<Value> ports = new ArrayList<>(model.graph().inputs());
    ports.addAll(model.graph().outputs());
    layout.named().forEach((name, io) -> {
      Value v = ports.stream().filter(p -> p.name().equals(name)).findFirst().orElse(null);
      if (v == null) {
        throw BadInputException.of("--io-layout", "", name, "an input or output of the model: " + ports.stream().map(Value::name).toList());
      }
      if (io == LayoutOptions.Io.NHWC && (v.rank() < 3 || v.rank() > 5)) {
        throw BadInputException.of("--io-layout", name, v.type() == null ? "an unknown type" : v.type().toString(), "three to five dimensions");
      }
    });
  }
}
