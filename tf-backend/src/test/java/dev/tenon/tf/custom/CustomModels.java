package dev.tenon.tf.custom;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.NodeBuilder;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.ir.testing.Graphs;
import dev.tenon.tf.custom.Declaration.Slot;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Models with custom operators, for tests. */
final class CustomModels {
  final Graphs graphs = Graphs.opset(18);

  CustomModels() {
    graphs.model().opsetImports().put("test", 1);
  }

  /** Adds a node of domain {@code test}; nulls among the inputs are left out. */
  List<Value> node(String op, List<Value> inputs, List<Type> outputs, Attribute... attributes) {
    NodeBuilder b = graphs.graph().newNode(op).domain("test").name(op + "_"
        + graphs.graph().nodeCount()).inputs(inputs).attributes(List.of(attributes));
    outputs.forEach(t -> b.output("out", t));
    return b.append().outputs();
  }

  static Type tensor(DataType t, Object... dims) {
    return Type.tensor(t, Graphs.shape(dims));
  }

  static Type unknown() {
    return Type.tensor(DataType.UNDEFINED, Shape.unknown());
  }

  Model model() {
    return graphs.model();
  }

  List<Node> uses(String op) {
    return CustomNodes.byOperator(model()).get("test::" + op);
  }

  static Declaration inputs(String... slots) {
    return declared("", List.of(slots), List.of());
  }

  static Declaration declared(String name, List<String> inputs, List<String> outputs) {
    return new Declaration(name, slots(inputs), slots(outputs), Map.of());
  }

  private static List<Slot> slots(List<String> texts) {
    List<Slot> slots = new ArrayList<>();
    texts.forEach(t -> slots.add(Slot.parse(t)));
    return slots;
  }
}
