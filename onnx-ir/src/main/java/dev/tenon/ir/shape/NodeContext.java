package dev.tenon.ir.shape;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Node;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What a shape rule sees of its node: attributes with their defaults, the types and known elements of its inputs; and where it puts
 * the types and known elements of the outputs. Anything not known is {@link Shape#unknown()}, {@link DataType#UNDEFINED} or null.
 */
public final class NodeContext {
  private final Engine engine;
  private final Engine.Frame frame;
  private final Node node;

  NodeContext(Engine engine, Engine.Frame frame, Node node) {
    this.engine = engine;
    this.frame = frame;
    this.node = node;
  }

  public Node node() {
    return node;
  }

  Engine engine() {
    return engine;
  }

  Engine.Frame frame() {
    return frame;
  }

  /** The version of the operator set that the node is of. */
  public int opset() {
    return frame.opset(node.domain());
  }

  /** For a node that contradicts its operator's definition: the rule throws this, and it becomes a warning. */
  public RuntimeException invalid(String message) {
    return new InvalidNodeException(message);
  }

  // ---- inputs ----

  public int inputCount() {
    return node.inputs().size();
  }

  public int outputCount() {
    return node.outputs().size();
  }

  public boolean has(int i) {
    return node.hasInput(i);
  }

  /** Input i, null if it is left out. */
  Value input(int i) {
    return node.input(i);
  }

  /** The type of input i; null if it is left out or not known. */
  public Type type(int i) {
    Value v = node.input(i);
    return v == null ? null : frame.type(v);
  }

  public DataType dtype(int i) {
    return type(i) instanceof Type.TensorType t ? t.dtype() : DataType.UNDEFINED;
  }

  public Shape shape(int i) {
    return type(i) instanceof Type.TensorType t ? t.shape() : Shape.unknown();
  }

  /** The shape of an input that must have this rank if its rank is known; of unknown dimensions otherwise. */
  public Shape shapeOfRank(int i, int rank) {
    Shape s = shape(i);
    if (!s.hasRank()) {
      return Shape.unknownOfRank(rank);
    }
    if (s.rank() != rank) {
      throw invalid("input " + i + " has shape " + s + ", rank " + rank + " expected");
    }
    return s;
  }

  /** The known elements of input i, or null. */
  Data data(int i) {
    return engine.data(input(i));
  }

  /** The known elements of input i, or for a short integer vector or scalar unknown numbers that stand for its elements. */
  Data dataOrUnknowns(int i) {
    return engine.dataOrUnknowns(input(i), frame);
  }

  /** The elements of a short integer input as dimensions; null if not even their number is known. */
  public List<Dim> dims(int i) {
    Data d = dataOrUnknowns(i);
    return d == null ? null : d.integers();
  }

  /** The elements of a constant integer input, or null. */
  public long[] constants(int i) {
    Data d = data(i);
    return d == null ? null : d.constants();
  }

  /** The elements of a constant input, in double precision; null if it is not an initializer or the like, or very large. */
  public double[] doubles(int i) {
    Value v = input(i);
    Tensor t = v == null || v.isGraphInput() && v.isInitializer() ? null : v.initializer();
    if (v != null && v.isProducedBy("Constant")) {
      Attribute a = frame.resolve(v.producer().attribute("value"));
      t = a != null && a.value() instanceof Tensor constant ? constant : null;
    }
    if (t != null && (t.dtype().isFloat() || t.dtype().isInteger()) && t.numel() <= Data.MAX_ELEMENTS) {
      return t.toDoubles();
    }
    long[] known = constants(i);
    return known == null ? null : Arrays.stream(known).asDoubleStream().toArray();
  }

  /** The number of elements of a vector input, -1 if not known. */
  public long length(int i) {
    Shape s = shape(i);
    return s.rank() == 1 ? s.dim(0).orMinusOne() : -1;
  }

  // ---- attributes ----

  private Object attribute(String name, Attribute.Kind kind) {
    Attribute a = frame.resolve(node.attribute(name));
    if (a == null || a.value() == null) {
      return null;
    }
    if (a.kind() != kind) {
      throw invalid("attribute " + name + " is of kind " + a.kind() + ", " + kind + " expected");
    }
    return a.value();
  }

  public boolean hasAttr(String name) {
    Attribute a = frame.resolve(node.attribute(name));
    return a != null && a.value() != null;
  }

  /** The attribute whatever its kind; null if it has no value. */
  Attribute attr(String name) {
    Attribute a = frame.resolve(node.attribute(name));
    return a == null || a.value() == null ? null : a;
  }

  public long intAttr(String name, long byDefault) {
    Object v = attribute(name, Attribute.Kind.INT);
    return v == null ? byDefault : (Long) v;
  }

  public long requiredInt(String name) {
    Object v = attribute(name, Attribute.Kind.INT);
    if (v == null) {
      throw invalid("attribute " + name + " is missing");
    }
    return (Long) v;
  }

  public long[] intsAttr(String name, long[] byDefault) {
    Object v = attribute(name, Attribute.Kind.INTS);
    return v == null ? byDefault : ((long[]) v).clone();
  }

  public float floatAttr(String name, float byDefault) {
    Object v = attribute(name, Attribute.Kind.FLOAT);
    return v == null ? byDefault : (Float) v;
  }

  public float[] floatsAttr(String name, float[] byDefault) {
    Object v = attribute(name, Attribute.Kind.FLOATS);
    return v == null ? byDefault : ((float[]) v).clone();
  }

  public String stringAttr(String name, String byDefault) {
    Object v = attribute(name, Attribute.Kind.STRING);
    return v == null ? byDefault : (String) v;
  }

  public Tensor tensorAttr(String name) {
    return (Tensor) attribute(name, Attribute.Kind.TENSOR);
  }

  Graph graphAttr(String name) {
    Graph g = (Graph) attribute(name, Attribute.Kind.GRAPH);
    if (g == null) {
      throw invalid("attribute " + name + " is missing");
    }
    return g;
  }

  /** The element type that an integer attribute names. */
  public DataType dtypeAttr(String name, DataType byDefault) {
    return hasAttr(name) ? DataType.ofNumber((int) intAttr(name, 0)).orElse(DataType.UNDEFINED) : byDefault;
  }

  // ---- attributes that became inputs ----

  /** True if there is an attribute of this name, or input i. */
  public boolean has(String name, int i) {
    return hasAttr(name) || has(i);
  }

  /**
   * The integers of an attribute, or of the input that took its place in a later opset.
   *
   * @return null if there is neither, or the input is not constant
   */
  public long[] longs(String name, int i) {
    return hasAttr(name) ? intsAttr(name, null) : constants(i);
  }

  /** As {@link #longs(String, int)}, but with symbolic elements; null if not even their number is known. */
  public List<Dim> dims(String name, int i) {
    if (!hasAttr(name)) {
      return dims(i);
    }
    List<Dim> list = new ArrayList<>();
    for (long v : intsAttr(name, null)) {
      list.add(Dim.of(v));
    }
    return list;
  }

  /** The number of integers of an attribute or the input that took its place; -1 if not known. */
  public long length(String name, int i) {
    return hasAttr(name) ? intsAttr(name, null).length : length(i);
  }

  // ---- axes ----

  /** An axis of a tensor of this rank, counted from the front. */
  public int axis(long axis, int rank) {
    if (axis < -rank || axis >= rank) {
      throw invalid("axis " + axis + " of a tensor of rank " + rank);
    }
    return (int) (axis < 0 ? axis + rank : axis);
  }

  /** The axes counted from the front. */
  public int[] axes(long[] axes, int rank) {
    int[] out = new int[axes.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = axis(axes[i], rank);
    }
    return out;
  }

  // ---- dimensions ----

  /** True if the dimension is not negative in any valid run, also because it is the size of something. */
  public boolean isNonNegative(Dim d) {
    return engine.isNonNegative(d);
  }

  /** The dimension of two axes that the operator requires to be equal: the one that says more. */
  public Dim same(Dim a, Dim b) {
    if (a.equals(b) || a.isConstant() && !b.isConstant()) {
      return a;
    }
    if (a.isConstant()) {
      throw invalid("dimensions " + a + " and " + b + " are not equal");
    }
    return b.isConstant() || a.isAnonymous() && !b.isAnonymous() ? b : a;
  }

  /** The shape of two tensors that the operator requires to have equal shapes. */
  public Shape same(Shape a, Shape b) {
    if (!a.hasRank() || !b.hasRank()) {
      return a.hasRank() ? a : b;
    }
    if (a.rank() != b.rank()) {
      throw invalid("shapes " + a + " and " + b + " are not equal");
    }
    if (a.equals(b)) {
      return a;
    }
    List<Dim> dims = new ArrayList<>();
    for (int i = 0; i < a.rank(); i++) {
      dims.add(same(a.dim(i), b.dim(i)));
    }
    return Shape.of(dims);
  }

  /** The shape of two tensors broadcast together by NumPy's rules. */
  public Shape broadcast(Shape a, Shape b) {
    if (!a.hasRank() || !b.hasRank()) {
      return Shape.unknown();
    }
    if (a.equals(b) || b.rank() == 0) {
      return a;
    }
    int rank = Math.max(a.rank(), b.rank());
    List<Dim> dims = new ArrayList<>(rank);
    for (int i = 0; i < rank; i++) {
      Dim x = i < rank - a.rank() ? Dim.ONE : a.dim(i - rank + a.rank());
      Dim y = i < rank - b.rank() ? Dim.ONE : b.dim(i - rank + b.rank());
      if (x.isConstant() && y.isConstant() && !x.equals(y) && !x.is(1) && !y.is(1)) {
        throw invalid("shapes " + a + " and " + b + " do not broadcast");
      }
      dims.add(x.broadcast(y));
    }
    return Shape.of(dims);
  }

  /** All inputs broadcast together. */
  public Shape broadcastInputs() {
    Shape s = shape(0);
    for (int i = 1; i < inputCount(); i++) {
      s = broadcast(s, shape(i));
    }
    return s;
  }

  // ---- outputs ----

  /** Sets the type of output i, if the node has it. */
  public void output(int i, DataType dtype, Shape shape) {
    output(i, Type.tensor(dtype, shape));
  }

  /** Sets the type of output i, if the node has it; a null type leaves it as it is declared. */
  public void output(int i, Type type) {
    Value v = node.output(i);
    if (v != null && type != null) {
      engine.setOutput(v, type, node, frame);
    }
  }

  /** Says what is known of the elements of output i; null for nothing. */
  void outputData(int i, Data data) {
    Value v = node.output(i);
    if (v != null && data != null) {
      engine.setData(v, data);
    }
  }
}
