package dev.tenon.verify;

import dev.tenon.ir.ArgumentNames;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.NodeBuilder;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.io.OnnxReader;
import dev.tenon.ir.io.OnnxWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A test case of one operator, kept as an ONNX model of one node that Netron shows: the inputs' defaults are what goes in, and
 * initializers {@code expected_0}, … what shall come out.
 *
 * @param model the model of one node, without the expectations
 * @param inputs input to what goes in
 * @param expected what shall come out, in order; empty if nothing is known
 */
record OperatorCase(Model model, Map<String, Tensor> inputs, List<Tensor> expected) {
  private static final String EXPECTED = "expected_";
  private static final long IR_VERSION = 10;

  /**
   * A case of a node of some model.
   *
   * @param values an element for each of the node's inputs; null for those left out
   */
  static OperatorCase of(Node use, Model from, List<Tensor> values) {
    Graph g = new Graph("case");
    Model model = new Model(g);
    model.setIrVersion(IR_VERSION);
    model.opsetImports().put(Node.ONNX_DOMAIN, from.opset());
    model.opsetImports().put(use.domain(), from.opset(use.domain()));
    Map<String, Tensor> inputs = new LinkedHashMap<>();
    List<Value> arguments = new ArrayList<>();
    for (int i = 0; i < values.size(); i++) {
      Tensor t = values.get(i);
      if (t == null) {
        arguments.add(null);
        continue;
      }
      arguments.add(g.addInput("input_" + i, Type.tensor(t.dtype(), t.shape())));
      inputs.put("input_" + i, t);
    }
    NodeBuilder b = g.newNode(use.opType()).domain(use.domain()).overload(use.overload()).name(use.opType())
        .inputs(arguments).attributes(use.attributes());
    for (int i = 0; i < use.outputs().size(); i++) {
      Value v = use.output(i);
      // Sizes are the case's own; the rank and the type are the model's.
      Shape shape = v == null || !v.shape().hasRank() ? Shape.unknown() : Shape.unknownOfRank(v.rank());
      b.outputNamed("output_" + i, Type.tensor(v == null ? DataType.UNDEFINED : v.dtype(), shape));
    }
    Node node = b.append();
    ArgumentNames.set(node, ArgumentNames.of(use));
    node.outputs().forEach(g::addOutput);
    return new OperatorCase(model, inputs, List.of());
  }

  Node node() {
    return model.graph().firstNode();
  }

  /** The same with what shall come out; it also tells the types of the outputs. */
  OperatorCase expecting(List<Tensor> outputs) {
    for (int i = 0; i < outputs.size() && i < node().outputs().size(); i++) {
      node().output(i).setType(Type.tensor(outputs.get(i).dtype(), Shape.unknownOfRank(outputs.get(i).rank())));
    }
    return new OperatorCase(model, inputs, List.copyOf(outputs));
  }

  void write(Path file) {
    Model copy = of(node(), model, values()).model;
    for (int i = 0; i < node().outputs().size(); i++) {
      copy.graph().firstNode().output(i).setType(node().output(i).type());
    }
    copy.graph().inputs().forEach(v -> copy.graph().setInitializer(v, inputs.get(v.name())));
    for (int i = 0; i < expected.size(); i++) {
      copy.graph().addInitializer(EXPECTED + i, expected.get(i));
    }
    OnnxWriter.write(copy, file);
  }

  private List<Tensor> values() {
    List<Tensor> values = new ArrayList<>();
    node().inputs().forEach(v -> values.add(v == null ? null : inputs.get(v.name())));
    return values;
  }

  static OperatorCase read(Path file) {
    Model model = OnnxReader.read(file);
    Map<String, Tensor> given = new LinkedHashMap<>();
    model.graph().initializers().forEach(v -> given.put(v.name(), v.initializer()));
    if (model.graph().nodeCount() != 1) {
      throw BadInputException.of(file, "", model.graph().nodeCount() + " nodes", "one, as 'tenon stubs' writes it");
    }
    Node node = model.graph().firstNode();
    List<Tensor> values = new ArrayList<>();
    for (Value v : node.inputs()) {
      if (v != null && !given.containsKey(v.name())) {
        throw BadInputException.of(file, "", "no value for input " + v.name(), "an initializer of that name");
      }
      values.add(v == null ? null : given.get(v.name()));
    }
    List<Tensor> expected = new ArrayList<>();
    for (int i = 0; given.containsKey(EXPECTED + i); i++) {
      expected.add(given.get(EXPECTED + i));
    }
    OperatorCase c = of(node, model, values);
    return expected.isEmpty() ? c : c.expecting(expected);
  }
}
