package dev.tenon.tf.export;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.TensorFlow;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.OpDef;

/** Definitions of the operators and library functions that nodes may call. */
final class OpDefs {

  /**
   * A named output of an operator and how many tensors it has.
   *
   * @param name the output argument's name
   * @param count 1, the value of its {@code number_attr}, or the length of its {@code type_list_attr}
   */
  record Output(String name, int count) {}

  private final Map<String, OpDef> byName = new HashMap<>();

  /** The operators this JVM has registered (those of loaded libraries too) and these functions. */
  OpDefs(Collection<FunctionDef> functions) {
    TensorFlow.registeredOpList().getOpList().forEach(op -> byName.put(op.getName(), op));
    functions.forEach(f -> byName.put(f.getSignature().getName(), f.getSignature()));
  }

  /** The definition of what a node calls. */
  OpDef of(NodeDef node) throws SavedModelException {
    OpDef op = byName.get(node.getOp());
    if (op == null) {
      throw new SavedModelException("Node " + node.getName() + ": found operator " + node.getOp()
          + ", expected one registered with TensorFlow or a function of the graph's library"
          + " (a custom operator's library must be loaded first)");
    }
    return op;
  }

  /** A node's outputs by name, in order; their counts add up to the node's number of outputs. */
  List<Output> outputs(NodeDef node) throws SavedModelException {
    OpDef op = of(node);
    List<Output> outputs = new ArrayList<>(op.getOutputArgCount());
    for (OpDef.ArgDef arg : op.getOutputArgList()) {
      int count = 1;
      if (!arg.getNumberAttr().isEmpty()) {
        count = (int) Math.max(0, Math.min(Integer.MAX_VALUE, attr(node, op, arg.getNumberAttr()).getI()));
      } else if (!arg.getTypeListAttr().isEmpty()) {
        count = attr(node, op, arg.getTypeListAttr()).getList().getTypeCount();
      }
      outputs.add(new Output(arg.getName(), count));
    }
    return outputs;
  }

  private static AttrValue attr(NodeDef node, OpDef op, String name) throws SavedModelException {
    AttrValue value = node.getAttrMap().get(name);
    if (value != null) {
      return value;
    }
    for (OpDef.AttrDef attr : op.getAttrList()) {
      if (attr.getName().equals(name) && attr.hasDefaultValue()) {
        return attr.getDefaultValue();
      }
    }
    throw new SavedModelException("Node " + node.getName() + " (" + node.getOp() + "): found no attribute " + name
        + ", expected one, which its number of outputs depends on");
  }
}
