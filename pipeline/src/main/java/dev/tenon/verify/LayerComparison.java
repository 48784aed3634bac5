package dev.tenon.verify;

import dev.tenon.convert.ConversionRecord;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.ConversionException;
import dev.tenon.ir.ort.OrtModel;
import dev.tenon.tf.TensorMapping;
import dev.tenon.tf.export.InlinedGraph;
import dev.tenon.tf.export.SavedModelReader;
import dev.tenon.tf.runtime.TfTensors;
import dev.tenon.verify.LayerReport.Layer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.Graph;
import org.tensorflow.Result;
import org.tensorflow.Session;

/**
 * Compares what happens inside: every value of the source that {@code tenon.json} says a TensorFlow tensor holds.
 *
 * <p>Both models are run once for every few values, so that memory is bounded by those and not by all activations together.
 */
final class LayerComparison {
  private static final int VALUES_AT_A_TIME = 64;

  private final Model model;
  private final Path savedModel;
  private final ConversionRecord record;
  private final VerifyOptions options;

  LayerComparison(Model model, Path savedModel, ConversionRecord record, VerifyOptions options) {
    this.model = model;
    this.savedModel = savedModel;
    this.record = record;
    this.options = options;
  }

  /** The comparison on one set of inputs, by the source's names. */
  LayerReport run(Map<String, Tensor> inputs) {
    Map<String, TensorMapping> byValue = new HashMap<>();
    record.tensors().forEach(t -> byValue.putIfAbsent(t.value(), t));
    List<Value> values = new ArrayList<>();
    int all = 0;
    for (Node n : model.graph().nodes()) {
      for (Value v : n.outputs()) {
        if (v != null) {
          all++;
          if (byValue.containsKey(v.name())) {
            values.add(v);
          }
        }
      }
    }
    List<Layer> layers = new ArrayList<>();
    try (SavedModelReader reader = SavedModelReader.open(savedModel); Graph graph = new Graph()) {
      InlinedGraph inlined = reader.inlined();
      graph.importGraphDef(inlined.graph());
      try (Session session = new Session(graph)) {
        if (!inlined.restoreOp().isEmpty()) {
          session.runner().addTarget(inlined.restoreOp()).run().close();
        }
        Map<String, Tensor> feeds = new LinkedHashMap<>();
        record.inputs().forEach(p -> {
          if (inputs.containsKey(p.onnx())) {
            feeds.put(inlined.inputs().get(p.tensorFlow()), p.toTensorFlow(inputs.get(p.onnx())));
          }
        });
        for (int i = 0; i < values.size(); i += VALUES_AT_A_TIME) {
          layers.addAll(compare(values.subList(i, Math.min(values.size(), i + VALUES_AT_A_TIME)), byValue, graph, session, inputs, feeds));
        }
      }
    } catch (IOException e) {
      throw new ConversionException(savedModel + ": cannot read it for --layers: " + e.getMessage(), e);
    }
    return new LayerReport(layers, all);
  }

  private List<Layer> compare(List<Value> values, Map<String, TensorMapping> byValue, Graph graph, Session session,
      Map<String, Tensor> inputs, Map<String, Tensor> feeds) {
    List<String> extra = values.stream().filter(v -> !v.isGraphOutput()).map(Value::name).toList();
    Map<String, Tensor> reference;
    try (OrtModel ort = OrtModel.open(model, OrtModel.Options.reference().withThreads(options.threads()).withExtraOutputs(extra))) {
      reference = ort.run(inputs);
    }
    List<Value> present = values.stream()
        .filter(v -> reference.containsKey(v.name()) && graph.operation(node(byValue.get(v.name()).tensor())) != null).toList();
    List<Tensor> actual = fetch(session, feeds, present.stream().map(v -> byValue.get(v.name()).tensor()).toList());
    List<Layer> layers = new ArrayList<>();
    for (int i = 0; i < present.size(); i++) {
      Value v = present.get(i);
      TensorMapping t = byValue.get(v.name());
      Tensor expected = reference.get(v.name());
      Tensor seen = actual.get(i);
      if (!t.perm().isEmpty() && t.perm().size() == expected.rank()) {
        expected = expected.permute(t.perm().stream().mapToInt(Integer::intValue).toArray());
      }
      Node n = v.producer();
      layers.add(new Layer(v.name(), n.label(), n.qualifiedOp(), n.provenance().modulePath(), t.tensor(), TensorComparison.of(expected, seen),
          TensorComparison.toleranceOf(expected.dtype(), options.tolerance())));
    }
    return layers;
  }

  private static String node(String tensor) {
    return tensor.substring(0, tensor.lastIndexOf(':'));
  }

  private static List<Tensor> fetch(Session session, Map<String, Tensor> feeds, List<String> tensors) {
    if (tensors.isEmpty()) {
      return List.of();
    }
    List<org.tensorflow.Tensor> fed = new ArrayList<>();
    try {
      Session.Runner runner = session.runner();
      feeds.forEach((name, t) -> {
        org.tensorflow.Tensor f = TfTensors.toTensorFlow(t);
        fed.add(f);
        runner.feed(name, f);
      });
      tensors.forEach(runner::fetch);
      try (Result result = runner.run()) {
        List<Tensor> all = new ArrayList<>();
        result.forEach(e -> all.add(TfTensors.fromTensorFlow(e.getValue())));
        return all;
      }
    } finally {
      fed.forEach(org.tensorflow.Tensor::close);
    }
  }
}
