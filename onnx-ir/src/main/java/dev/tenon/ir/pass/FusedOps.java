package dev.tenon.ir.pass;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Function;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.NodeBuilder;
import dev.tenon.ir.Value;
import dev.tenon.ir.function.FusedFunctions;
import dev.tenon.ir.rewrite.Patch;
import dev.tenon.ir.rewrite.Rule;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Makes nodes of standard operators that the model's opset may be too old for. Where it is, the node is of domain {@code dev.tenon},
 * with the inputs and attributes of the standard's operator of that name, and the model gets a local function that says the same in
 * the operators of its own opset: the model stays valid and runs anywhere.
 *
 * <p>A function's body cannot ask for types, so there is one function for each combination of element type and attributes; the
 * function's {@code overload} tells them apart ({@code float32,approximate=tanh}) and means nothing else.
 */
final class FusedOps {
  /** The opset that brought each operator. */
  private static final Map<String, Integer> SINCE = Map.of("HardSwish", 14, "LayerNormalization", 17, "Mish", 18, "Gelu", 20,
      "RMSNormalization", 23, "Swish", 24);
  /** Overloads are part of the format from IR version 10 on. */
  private static final long OVERLOAD_IR_VERSION = 10;

  private FusedOps() {}

  /** A node of the operator with one output of the type and name of {@code like}. */
  static Node add(Patch p, String opType, List<Value> inputs, List<Attribute> attributes, Value like) {
    NodeBuilder b = p.newNode(opType).inputs(inputs).attributes(attributes).output(like.name(), like.type());
    Model model = p.model();
    if (model.opset() < SINCE.get(opType)) {
      DataType type = like.dtype();
      String overload = overload(type, attributes);
      b.domain(Rule.TENON_DOMAIN).overload(overload);
      p.onApply(() -> define(model, opType, overload, type, inputs.size(), attributes));
    }
    return p.add(b);
  }

  private static String overload(DataType type, List<Attribute> attributes) {
    return type + attributes.stream().map(a -> "," + a.name() + "=" + a.value()).collect(Collectors.joining());
  }

  private static void define(Model model, String opType, String overload, DataType type, int inputs, List<Attribute> attributes) {
    Function.Id id = new Function.Id(Rule.TENON_DOMAIN, opType, overload);
    if (!model.functions().containsKey(id)) {
      model.addFunction(FusedFunctions.of(opType, overload, type, inputs, attributes, model.opset()));
      model.opsetImports().putIfAbsent(Rule.TENON_DOMAIN, 1);
      model.setIrVersion(Math.max(model.irVersion(), OVERLOAD_IR_VERSION));
    }
  }
}
