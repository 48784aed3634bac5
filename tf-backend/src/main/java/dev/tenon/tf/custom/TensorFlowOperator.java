package dev.tenon.tf.custom;

import com.google.protobuf.ByteString;
import dev.tenon.ir.ArgumentNames;
import dev.tenon.ir.Attribute;
import dev.tenon.ir.Node;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.tf.ElementTypes;
import dev.tenon.tf.EmitContext;
import dev.tenon.tf.Emitter;
import dev.tenon.tf.Tf;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.tensorflow.Output;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.OpDef;
import org.tensorflow.proto.TensorProto;
import org.tensorflow.proto.TensorShapeProto;

/**
 * Emits a custom operator as an operator that TensorFlow has registered, its own or a loaded library's, checked against the definition that
 * it is registered with: what does not fit is reported with both sides.
 */
public final class TensorFlowOperator implements Emitter {
  private final OperatorBinding binding;
  private final OpDef op;

  /** An emitter for an operator with this definition. */
  public TensorFlowOperator(OperatorBinding binding, OpDef op) {
    this.binding = binding;
    this.op = op;
  }

  /** Ends the emission of a node with the reason. */
  private static final class Misfit extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final String hint;

    Misfit(String message, String hint) {
      super(message);
      this.hint = hint;
    }
  }

  @Override
  public void emit(EmitContext c) {
    try {
      build(c);
    } catch (Misfit e) {
      c.unsupported("TensorFlow's operator " + op.getName() + " has another signature: " + e.getMessage(), e.hint);
    }
  }

  private void build(EmitContext c) {
    Tf.OpBuilder b = c.tf().op(op.getName());
    List<List<Output<?>>> inputs = inputs(c);
    Set<String> typeAttributes = new HashSet<>();
    for (int i = 0; i < op.getInputArgCount(); i++) {
      OpDef.ArgDef arg = op.getInputArg(i);
      List<Output<?>> given = inputs.get(i);
      if (isList(arg)) {
        b.inList(given);
        setTypes(b, arg, given.stream().map(Output::dataType).toList(), typeAttributes);
      } else {
        checkType(arg, given.get(0).dataType());
        b.in(given.get(0));
      }
    }
    outputTypes(c, b, typeAttributes);
    attributes(c.node(), b);
    List<Output<?>> outs = b.outs();
    Node n = c.node();
    if (outs.size() < n.outputs().size()) {
      throw new Misfit("found " + outs.size() + " outputs, expected the node's " + n.outputs().size(), "");
    }
    for (int i = 0; i < n.outputs().size(); i++) {
      if (n.output(i) != null) {
        c.bind(i, outs.get(i));
      }
    }
  }

  // ---- inputs ----

  private static boolean isList(OpDef.ArgDef arg) {
    return !arg.getNumberAttr().isEmpty() || !arg.getTypeListAttr().isEmpty();
  }

  /** The tensors of each of the operator's inputs: by the user's mapping, by the source's names, or in order. */
  private List<List<Output<?>>> inputs(EmitContext c) {
    List<List<Integer>> positions = new ArrayList<>();
    for (int i = 0; i < op.getInputArgCount(); i++) {
      positions.add(new ArrayList<>());
    }
    Node n = c.node();
    List<String> names = ArgumentNames.of(n);
    if (!binding.inputs().isEmpty()) {
      binding.inputs().forEach((name, at) -> positions.get(argument(name)).add(at));
    } else if (!names.isEmpty() && names.stream().allMatch(name -> indexOf(port(name)) >= 0)) {
      for (int k = 0; k < names.size(); k++) {
        positions.get(indexOf(port(names.get(k)))).add(k);
      }
    } else {
      inOrder(n, positions);
    }
    List<List<Output<?>>> tensors = new ArrayList<>();
    for (int i = 0; i < positions.size(); i++) {
      List<Output<?>> given = new ArrayList<>();
      for (int k : positions.get(i)) {
        if (c.has(k)) {
          given.add(c.in(k));
        }
      }
      if (!isList(op.getInputArg(i)) && given.size() != 1) {
        throw new Misfit("found " + given.size() + " tensors for its input " + op.getInputArg(i).getName() + ", expected one",
            inputsHint());
      }
      tensors.add(given);
    }
    return tensors;
  }

  private static String port(String argument) {
    return Identifiers.port(argument.endsWith("[]") ? argument.substring(0, argument.length() - 2) : argument, new HashSet<>());
  }

  private int indexOf(String input) {
    for (int i = 0; i < op.getInputArgCount(); i++) {
      if (op.getInputArg(i).getName().equals(input)) {
        return i;
      }
    }
    return -1;
  }

  private int argument(String input) {
    int i = indexOf(input);
    if (i < 0) {
      throw new Misfit("it has no input " + input, inputsHint());
    }
    return i;
  }

  private String inputsHint() {
    return "its inputs are " + op.getInputArgList().stream().map(OpDef.ArgDef::getName).toList()
        + ", and 'inputs:' in ops.yaml says which is which";
  }

  /** One for each single input, at most one for each list but the last, and the rest for that. */
  private void inOrder(Node n, List<List<Integer>> positions) {
    int last = -1;
    for (int i = 0; i < op.getInputArgCount(); i++) {
      last = isList(op.getInputArg(i)) ? i : last;
    }
    int next = 0;
    int count = n.inputs().size();
    for (int i = 0; i < op.getInputArgCount(); i++) {
      int take = i == last ? Math.max(0, count - next - (op.getInputArgCount() - 1 - i)) : 1;
      for (int k = 0; k < take && next < count; k++) {
        positions.get(i).add(next++);
      }
    }
    if (next < count) {
      throw new Misfit("found " + op.getInputArgCount() + " inputs, expected the node's " + count, inputsHint());
    }
  }

  // ---- types ----

  private void checkType(OpDef.ArgDef arg, DataType found) {
    if (arg.getType() != DataType.DT_INVALID && arg.getType() != found) {
      throw new Misfit("input " + arg.getName() + " is " + text(arg.getType()) + ", the node's " + text(found), "");
    }
    if (!arg.getTypeAttr().isEmpty()) {
      checkAllowed(arg.getTypeAttr(), found, "input " + arg.getName());
    }
  }

  private void checkAllowed(String attr, DataType found, String what) {
    List<DataType> allowed = attr(attr).map(a -> a.getAllowedValues().getList().getTypeList()).orElse(List.of());
    if (!allowed.isEmpty() && !allowed.contains(found)) {
      throw new Misfit(what + " is one of " + allowed.stream().map(TensorFlowOperator::text).toList() + ", the node's " + text(found), "");
    }
  }

  private static String text(DataType t) {
    dev.tenon.ir.DataType onnx = ElementTypes.toOnnx(t);
    return onnx == dev.tenon.ir.DataType.UNDEFINED ? t.name() : onnx.label();
  }

  private Optional<OpDef.AttrDef> attr(String name) {
    return op.getAttrList().stream().filter(a -> a.getName().equals(name)).findFirst();
  }

  /** A list without tensors tells TensorFlow no type. */
  private void setTypes(Tf.OpBuilder b, OpDef.ArgDef arg, List<DataType> types, Set<String> done) {
    types.forEach(t -> checkType(arg, t));
    if (types.isEmpty() && !arg.getTypeAttr().isEmpty() && !isTypeOfAnother(arg) && done.add(arg.getTypeAttr())) {
      List<DataType> allowed = attr(arg.getTypeAttr()).map(a -> a.getAllowedValues().getList().getTypeList()).orElse(List.of());
      b.attr(arg.getTypeAttr(), allowed.isEmpty() ? DataType.DT_FLOAT : allowed.get(0));
    }
  }

  private boolean isTypeOfAnother(OpDef.ArgDef arg) {
    return op.getInputArgList().stream().anyMatch(a -> !isList(a) && a.getTypeAttr().equals(arg.getTypeAttr()));
  }

  /** Types and numbers that only outputs have come from the node's outputs. */
  private void outputTypes(EmitContext c, Tf.OpBuilder b, Set<String> done) {
    op.getInputArgList().forEach(a -> done.add(a.getTypeAttr()));
    int next = 0;
    List<dev.tenon.ir.Value> outputs = c.node().outputs();
    for (int i = 0; i < op.getOutputArgCount(); i++) {
      OpDef.ArgDef arg = op.getOutputArg(i);
      int count = isList(arg) ? Math.max(0, outputs.size() - next - (op.getOutputArgCount() - 1 - i)) : 1;
      List<DataType> types = new ArrayList<>();
      for (int k = next; k < Math.min(outputs.size(), next + count); k++) {
        DataType t = outputs.get(k) == null ? DataType.DT_INVALID : ElementTypes.toTensorFlow(outputs.get(k).dtype());
        types.add(t);
        if (t != DataType.DT_INVALID && arg.getType() != DataType.DT_INVALID && arg.getType() != t) {
          throw new Misfit("output " + arg.getName() + " is " + text(arg.getType()) + ", the node's " + text(t), "");
        }
      }
      next += count;
      if (!arg.getNumberAttr().isEmpty() && op.getInputArgList().stream().noneMatch(a -> a.getNumberAttr().equals(arg.getNumberAttr()))) {
        b.attr(arg.getNumberAttr(), (long) count);
      }
      if (!arg.getTypeListAttr().isEmpty()) {
        b.attr(arg.getTypeListAttr(), types.toArray(new DataType[0]));
      }
      Optional<DataType> known = types.stream().filter(t -> t != DataType.DT_INVALID).findFirst();
      if (!arg.getTypeAttr().isEmpty() && known.isPresent() && done.add(arg.getTypeAttr())) {
        checkAllowed(arg.getTypeAttr(), known.get(), "output " + arg.getName());
        b.attr(arg.getTypeAttr(), known.get());
      }
    }
  }

  // ---- attributes ----

  private void attributes(Node n, Tf.OpBuilder b) {
    Set<String> structural = new HashSet<>();
    for (List<OpDef.ArgDef> side : List.of(op.getInputArgList(), op.getOutputArgList())) {
      side.forEach(a -> structural.addAll(List.of(a.getTypeAttr(), a.getNumberAttr(), a.getTypeListAttr())));
    }
    Set<String> used = new HashSet<>();
    for (OpDef.AttrDef a : op.getAttrList()) {
      if (structural.contains(a.getName())) {
        continue;
      }
      OperatorBinding.Source source = binding.attributes().get(a.getName());
      if (source != null && source.constant() != null) {
        b.attr(a.getName(), constant(a, source.constant()));
        continue;
      }
      Attribute given = given(n, a.getName(), source);
      if (given != null) {
        used.add(given.name());
        b.attr(a.getName(), value(a, given));
      } else if (!a.hasDefaultValue()) {
        throw new Misfit("it wants an attribute " + a.getName() + " (" + a.getType() + "), which the node does not have",
            "'attributes:' in ops.yaml says where it comes from");
      }
    }
    boolean mapped = !binding.attributes().isEmpty();
    for (Attribute a : n.attributes()) {
      if (!used.contains(a.name()) && !mapped) {
        throw new Misfit("the node's attribute " + a.name() + " = " + SignatureReader.text(a) + " is none of its: "
            + op.getAttrList().stream().map(OpDef.AttrDef::getName).filter(x -> !structural.contains(x)).toList(),
            "'attributes:' in ops.yaml says which is which");
      }
    }
  }

  private static Attribute given(Node n, String name, OperatorBinding.Source source) {
    if (source != null) {
      return n.attribute(source.attribute());
    }
    return n.attributes().stream().filter(a -> Identifiers.attribute(a.name()).equals(name)).findFirst().orElse(null);
  }

  private AttrValue constant(OpDef.AttrDef a, Object v) {
    if (a.getType().equals("type") && v instanceof String s) {
      Optional<dev.tenon.ir.DataType> t = dev.tenon.ir.DataType.ofLabel(s);
      if (t.isPresent()) {
        return AttrValue.newBuilder().setType(ElementTypes.toTensorFlow(t.get())).build();
      }
    }
    for (Attribute.Kind kind : Attribute.Kind.values()) {
      Object converted = AttributeValues.ofKind(kind, v);
      AttrValue value = converted == null ? null : convert(a, new Attribute(a.getName(), kind, converted, null));
      if (value != null) {
        return value;
      }
    }
    throw new Misfit("attribute " + a.getName() + " is " + a.getType() + ", the value in ops.yaml is " + v, "");
  }

  private AttrValue value(OpDef.AttrDef def, Attribute a) {
    AttrValue v = convert(def, a);
    if (v == null) {
      throw new Misfit("attribute " + def.getName() + " is " + def.getType() + ", the node's is " + a.kind() + " "
          + SignatureReader.text(a), "");
    }
    return v;
  }

  /** Null if the attribute cannot be of that type. */
  private static AttrValue convert(OpDef.AttrDef def, Attribute a) {
    AttrValue.Builder b = AttrValue.newBuilder();
    AttrValue.ListValue.Builder list = AttrValue.ListValue.newBuilder();
    switch (def.getType() + " " + a.kind()) {
      case "float FLOAT" -> b.setF((Float) a.value());
      case "float INT" -> b.setF((Long) a.value());
      case "int INT" -> b.setI((Long) a.value());
      case "bool INT" -> b.setB((Long) a.value() != 0);
      case "string STRING" -> b.setS(ByteString.copyFromUtf8((String) a.value()));
      case "tensor TENSOR" -> b.setTensor(proto((Tensor) a.value()));
      case "type INT" -> {
        int number = ((Long) a.value()).intValue();
        b.setType(dev.tenon.ir.DataType.ofNumber(number).map(ElementTypes::toTensorFlow).orElse(DataType.DT_INVALID));
      }
      case "type TYPE" -> {
        if (!(a.value() instanceof Type.TensorType t)) {
          return null;
        }
        b.setType(ElementTypes.toTensorFlow(t.dtype()));
      }
      case "shape INTS" -> b.setShape(shape((long[]) a.value()));
      case "list(float) FLOATS" -> {
        for (float f : (float[]) a.value()) {
          list.addF(f);
        }
        b.setList(list);
      }
      case "list(float) INTS" -> {
        for (long l : (long[]) a.value()) {
          list.addF(l);
        }
        b.setList(list);
      }
      case "list(int) INTS" -> {
        for (long l : (long[]) a.value()) {
          list.addI(l);
        }
        b.setList(list);
      }
      case "list(bool) INTS" -> {
        for (long l : (long[]) a.value()) {
          list.addB(l != 0);
        }
        b.setList(list);
      }
      case "list(string) STRINGS" -> b.setList(list.addAllS(((List<?>) a.value()).stream().map(s ->
          ByteString.copyFromUtf8((String) s)).toList()));
      case "list(tensor) TENSORS" -> b.setList(list.addAllTensor(((List<?>) a.value()).stream().map(t -> proto((Tensor) t)).toList()));
      default -> {
        // An empty list has no type of its own.
        boolean empty = a.value() instanceof long[] l && l.length == 0 || a.value() instanceof float[] f && f.length == 0
            || a.value() instanceof List<?> e && e.isEmpty();
        return empty && def.getType().startsWith("list(") ? b.setList(list).build() : null;
      }
    }
    return b.build();
  }

  private static TensorShapeProto shape(long[] dims) {
    TensorShapeProto.Builder s = TensorShapeProto.newBuilder();
    for (long d : dims) {
      s.addDim(TensorShapeProto.Dim.newBuilder().setSize(d));
    }
    return s.build();
  }

  private static TensorProto proto(Tensor t) {
    TensorProto.Builder p = TensorProto.newBuilder().setDtype(ElementTypes.toTensorFlow(t.dtype())).setTensorShape(shape(t.dims()));
    if (t.dtype() == dev.tenon.ir.DataType.STRING) {
      t.stringBytes().forEach(s -> p.addStringVal(ByteString.copyFrom(s)));
    } else {
      p.setTensorContent(ByteString.copyFrom(t.bytes()));
    }
    return p.build();
  }
}
