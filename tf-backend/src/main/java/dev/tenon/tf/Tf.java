package dev.tenon.tf;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import dev.tenon.ir.Tensor;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.tensorflow.Graph;
import org.tensorflow.GraphOperation;
import org.tensorflow.GraphOperationBuilder;
import org.tensorflow.Output;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.TensorProto;
import org.tensorflow.proto.TensorShapeProto;

/**
 * A small facade over TensorFlow-Java's untyped operation builder: emitters write {@code tf.call("AddV2", a, b)}.
 *
 * <p>Untyped because TensorFlow-Java's classes cover ten element types and TensorFlow has more; small because an emitter should
 * read like the operator's definition. Type attributes ({@code T}) are inferred from the inputs; everything else is passed to
 * {@link OpBuilder#attr}.
 */
public final class Tf {
  /** Constants up to this size are shared when they are equal. */
  private static final int SHARED_CONSTANT_BYTES = 1024;

  private final Graph graph;
  private final NodeNames names = new NodeNames();
  private final Map<ConstantKey, Output<?>> constants = new HashMap<>();
  private String scope = "";
  private Consumer<String> recorder;
  /** The source parameters whose elements are constants of the graph. */
  private Set<String> constantSources = new LinkedHashSet<>();

  private record ConstantKey(DataType dtype, List<Long> dims, ByteString bytes) {}

  public Tf(Graph graph) {
    this.graph = graph;
  }

  public Graph graph() {
    return graph;
  }

  /** The path that the names of the nodes to come start with, {@code layer1/0/conv1} say. */
  public void setScope(String scope) {
    this.scope = scope;
  }

  /** Tells the name of every node made from now on; null for nobody. */
  void recordInto(Consumer<String> consumer) {
    this.recorder = consumer;
  }

  /** The source parameters that constants were made of, so far. */
  Set<String> constantSources() {
    return constantSources;
  }

  /** Adds to the {@link #constantSources} of the graph around this one. */
  void isInside(Tf outer) {
    constantSources = outer.constantSources;
  }

  /** A legal name that no node of the graph has; emitters need it only for nodes that are found by name. */
  String uniqueName(String wish) {
    return names.unique(wish);
  }

  // ---- operations ----

  /** Starts an operation that needs attributes, lists, several outputs or a name of its own. */
  public OpBuilder op(String type) {
    return new OpBuilder(type);
  }

  /** An operation of plain inputs and inferred attributes; its first output. */
  public Output<?> call(String type, Output<?>... inputs) {
    return op(type).in(inputs).out();
  }

  /** Collects inputs and attributes of one operation. */
  public final class OpBuilder {
    private final GraphOperationBuilder builder;

    private OpBuilder(String type) {
      String name = names.unique(scope.isEmpty() ? type : scope + "/" + type);
      this.builder = graph.opBuilder(type, name, graph.baseScope());
    }

    private OpBuilder(String type, String exactName) {
      this.builder = graph.opBuilder(type, exactName, graph.baseScope());
    }

    public OpBuilder in(Output<?>... inputs) {
      for (Output<?> i : inputs) {
        builder.addInput(i);
      }
      return this;
    }

    /** One input that is a list, as of {@code ConcatV2}, {@code Pack}, {@code AddN}. */
    public OpBuilder inList(List<? extends Output<?>> inputs) {
      builder.addInputList(inputs.toArray(new Output<?>[0]));
      return this;
    }

    public OpBuilder attr(String name, long value) {
      builder.setAttr(name, value);
      return this;
    }

    public OpBuilder attr(String name, float value) {
      builder.setAttr(name, value);
      return this;
    }

    public OpBuilder attr(String name, boolean value) {
      builder.setAttr(name, value);
      return this;
    }

    public OpBuilder attr(String name, String value) {
      builder.setAttr(name, value);
      return this;
    }

    public OpBuilder attr(String name, DataType value) {
      builder.setAttr(name, value);
      return this;
    }

    public OpBuilder attr(String name, DataType[] values) {
      builder.setAttr(name, values);
      return this;
    }

    public OpBuilder attr(String name, long... values) {
      builder.setAttr(name, values);
      return this;
    }

    public OpBuilder attr(String name, Shape value) {
      builder.setAttr(name, value);
      return this;
    }

    public OpBuilder attr(String name, Shape[] values) {
      // Not by the builder's own method for shapes: it frees the dimensions before TensorFlow reads them.
      AttrValue.ListValue.Builder list = AttrValue.ListValue.newBuilder();
      for (Shape v : values) {
        TensorShapeProto.Builder shape = TensorShapeProto.newBuilder().setUnknownRank(v.isUnknown());
        for (long d : v.isUnknown() ? new long[0] : v.asArray()) {
          shape.addDim(TensorShapeProto.Dim.newBuilder().setSize(d));
        }
        list.addShape(shape);
      }
      return attr(name, AttrValue.newBuilder().setList(list).build());
    }

    public OpBuilder attr(String name, AttrValue value) {
      builder.setAttr(name, value);
      return this;
    }

    public GraphOperation build() {
      GraphOperation op = builder.build();
      if (recorder != null) {
        recorder.accept(op.name());
      }
      return op;
    }

    /** Builds it; its first output. */
    public Output<?> out() {
      return build().output(0);
    }

    /** Builds it; all its outputs. */
    public List<Output<?>> outs() {
      GraphOperation op = build();
      Output<?>[] all = new Output<?>[op.numOutputs()];
      for (int i = 0; i < all.length; i++) {
        all[i] = op.output(i);
      }
      return Arrays.asList(all);
    }
  }

  /** An input of the model. */
  Output<?> placeholder(String name, DataType dtype, Shape shape) {
    return new OpBuilder("Placeholder", names.unique(name)).attr("dtype", dtype).attr("shape", shape).out();
  }

  /** A variable's handle and its value. */
  Output<?> variable(String name, DataType dtype, Shape shape) {
    // The node's name is the variable's where that is free: graph viewers then show both as one.
    Output<?> handle = new OpBuilder("VarHandleOp", names.unique(name)).attr("dtype", dtype).attr("shape", shape)
        .attr("shared_name", name).out();
    return new OpBuilder("ReadVariableOp", names.unique(name + "/Read")).in(handle).attr("dtype", dtype).out();
  }

  // ---- constants ----

  /** The elements of an IR tensor as a constant of the graph. */
  public Output<?> constant(Tensor t) {
    return constant(t, null);
  }

  /** The same, under a name of its own (null for one from the scope). */
  Output<?> constant(Tensor t, String name) {
    constantSources.addAll(t.recipe().sources());
    DataType dtype = ElementTypes.toTensorFlow(t.dtype());
    TensorProto.Builder proto = TensorProto.newBuilder().setDtype(dtype).setTensorShape(shapeProto(t.dims()));
    ByteString bytes;
    if (dtype == DataType.DT_STRING) {
      t.stringBytes().forEach(s -> proto.addStringVal(ByteString.copyFrom(s)));
      bytes = ByteString.EMPTY;
    } else if (dtype == DataType.DT_INT4 || dtype == DataType.DT_UINT4) {
      // TensorFlow holds 4-bit elements in a byte each.
      for (long v : t.toLongs()) {
        proto.addIntVal((int) v);
      }
      bytes = ByteString.EMPTY;
    } else {
      bytes = UnsafeByteOperations.unsafeWrap(t.bytes());
      proto.setTensorContent(bytes);
    }
    boolean shared = name == null && !bytes.isEmpty() && bytes.size() <= SHARED_CONSTANT_BYTES;
    ConstantKey key = new ConstantKey(dtype, Arrays.stream(t.dims()).boxed().toList(), bytes);
    if (shared && constants.containsKey(key)) {
      return constants.get(key);
    }
    OpBuilder op = name != null ? new OpBuilder("Const", names.unique(name)) : shared ? new OpBuilder("Const", names.unique("Const")) : op("Const");
    Output<?> c = op.attr("dtype", dtype).attr("value", AttrValue.newBuilder().setTensor(proto).build()).out();
    if (shared) {
      constants.put(key, c);
    }
    return c;
  }

  public Output<?> constInt(int value) {
    return constant(Tensor.of(new int[] {value}));
  }

  /** An int32 vector, the usual form of shapes, axes and permutations. */
  public Output<?> constInts(int... values) {
    return constant(Tensor.of(values, values.length));
  }

  public Output<?> constLong(long value) {
    return constant(Tensor.scalar(value));
  }

  public Output<?> constLongs(long... values) {
    return constant(Tensor.vector(values));
  }

  /** A scalar of any numeric type. */
  public Output<?> scalar(DataType dtype, double value) {
    return constant(Tensor.scalar(ElementTypes.toOnnx(dtype), value));
  }

  /** A scalar of the type that another tensor has. */
  public Output<?> scalarLike(Output<?> like, double value) {
    return scalar(like.dataType(), value);
  }

  private static TensorShapeProto shapeProto(long[] dims) {
    TensorShapeProto.Builder b = TensorShapeProto.newBuilder();
    for (long d : dims) {
      b.addDim(TensorShapeProto.Dim.newBuilder().setSize(d));
    }
    return b.build();
  }

  // ---- what nearly every emitter needs ----

  public Output<?> add(Output<?> a, Output<?> b) {
    return call("AddV2", a, b);
  }

  public Output<?> sub(Output<?> a, Output<?> b) {
    return call("Sub", a, b);
  }

  public Output<?> mul(Output<?> a, Output<?> b) {
    return call("Mul", a, b);
  }

  public Output<?> identity(Output<?> x) {
    return call("Identity", x);
  }

  /** The elements converted to another type, or {@code x} itself if it has that type. */
  public Output<?> cast(Output<?> x, DataType to) {
    return x.dataType() == to ? x : op("Cast").in(x).attr("DstT", to).out();
  }

  public Output<?> reshape(Output<?> x, Output<?> shape) {
    return call("Reshape", x, shape);
  }

  /** Reshape to known dimensions, one of which may be -1. */
  public Output<?> reshape(Output<?> x, long... dims) {
    return reshape(x, constShape(dims));
  }

  /** Dimension i of the result is dimension {@code perm[i]} of x. */
  public Output<?> transpose(Output<?> x, int... perm) {
    return call("Transpose", x, constInts(perm));
  }

  /** The shape of x at run time, an int32 vector. */
  public Output<?> shape(Output<?> x) {
    return op("Shape").in(x).attr("out_type", DataType.DT_INT32).out();
  }

  /** The shape of x at run time, an int64 vector. */
  public Output<?> shape64(Output<?> x) {
    return op("Shape").in(x).attr("out_type", DataType.DT_INT64).out();
  }

  public Output<?> concat(List<? extends Output<?>> parts, int axis) {
    return parts.size() == 1 ? parts.get(0) : op("ConcatV2").inList(parts).in(constInt(axis)).out();
  }

  /** Stacks tensors of equal shape along a new axis. */
  public Output<?> pack(List<? extends Output<?>> parts, int axis) {
    return op("Pack").inList(parts).attr("axis", axis).out();
  }

  public Output<?> gather(Output<?> params, Output<?> indices, int axis) {
    return call("GatherV2", params, indices, constInt(axis));
  }

  /** Removes axes of size one. */
  public Output<?> squeeze(Output<?> x, long... axes) {
    return op("Squeeze").in(x).attr("squeeze_dims", axes).out();
  }

  public Output<?> expandDims(Output<?> x, int axis) {
    return call("ExpandDims", x, constInt(axis));
  }

  public Output<?> select(Output<?> condition, Output<?> a, Output<?> b) {
    return call("SelectV2", condition, a, b);
  }

  /** A reduction ({@code Sum}, {@code Mean}, {@code Max}, {@code Prod}, {@code All}, …) over axes. */
  public Output<?> reduce(String type, Output<?> x, boolean keepDims, int... axes) {
    return op(type).in(x, constInts(axes)).attr("keep_dims", keepDims).out();
  }

  /** Known dimensions as the smallest integer constant that holds them. */
  public Output<?> constShape(long... dims) {
    boolean fits = Arrays.stream(dims).allMatch(d -> d <= Integer.MAX_VALUE);
    return fits ? constInts(Arrays.stream(dims).mapToInt(d -> (int) d).toArray()) : constLongs(dims);
  }
}
