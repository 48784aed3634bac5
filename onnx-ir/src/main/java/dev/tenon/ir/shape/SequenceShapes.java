package dev.tenon.ir.shape;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Type;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Sequences and optionals. Of a sequence whose number of elements is known each element's type is kept, so that {@code SequenceAt}
 * of a constant position is exact.
 */
final class SequenceShapes {
  private static final int MAX_ELEMENTS = 1_024;

  private SequenceShapes() {}

  static void register(Registry r) {
    r.op("SequenceEmpty", 1, c -> {
      c.output(0, new Type.SequenceType(Type.tensor(c.dtypeAttr("dtype", DataType.FLOAT), Shape.unknown())));
      setElements(c, List.of());
    });
    r.op("SequenceConstruct", 1, SequenceShapes::construct);
    r.op("SequenceInsert", 1, SequenceShapes::insert);
    r.op("SequenceErase", 1, SequenceShapes::erase);
    r.op("SequenceAt", 1, SequenceShapes::at);
    r.op("SequenceLength", 1, SequenceShapes::length);
    r.op("SplitToSequence", 1, SequenceShapes::split);
    r.op("ConcatFromSequence", 1, SequenceShapes::concat);
    r.op("Optional", 1, SequenceShapes::optional);
    r.op("OptionalGetElement", 1, SequenceShapes::getElement);
    r.op("OptionalHasElement", 1, c -> c.output(0, DataType.BOOL, Shape.SCALAR));
  }

  private static List<Type> elements(NodeContext c, int i) {
    return c.has(i) ? c.engine().sequence(c.input(i)) : null;
  }

  private static void setElements(NodeContext c, List<Type> elements) {
    if (c.node().output(0) != null && elements.size() <= MAX_ELEMENTS) {
      c.engine().setSequence(c.node().output(0), List.copyOf(elements));
    }
  }

  /** Passes on what is known of the elements of a sequence that is not changed. */
  static void copyElements(NodeContext c, int input, int output) {
    List<Type> elements = elements(c, input);
    if (elements != null && c.node().output(output) != null) {
      c.engine().setSequence(c.node().output(output), elements);
    }
  }

  private static Type element(NodeContext c, int i) {
    return c.type(i) instanceof Type.SequenceType s ? s.element() : null;
  }

  private static void construct(NodeContext c) {
    List<Type> types = new ArrayList<>();
    for (int i = 0; i < c.inputCount(); i++) {
      types.add(c.type(i));
    }
    c.output(0, Types.sequence(Types.joinAll(types)));
    if (!types.contains(null)) {
      setElements(c, types);
    }
  }

  /** The position that input i names, counted from the front; -1 if it is not known. */
  private static int position(NodeContext c, int i, int size) {
    long[] p = c.constants(i);
    if (p == null || p.length != 1) {
      return -1;
    }
    if (p[0] < -size || p[0] > size) {
      throw c.invalid("position " + p[0] + " in a sequence of " + size);
    }
    return (int) (p[0] < 0 ? p[0] + size : p[0]);
  }

  private static void insert(NodeContext c) {
    List<Type> before = elements(c, 0);
    boolean empty = before != null && before.isEmpty();
    c.output(0, Types.sequence(empty ? c.type(1) : Types.join(element(c, 0), c.type(1))));
    int at = before == null ? -1 : c.has(2) ? position(c, 2, before.size()) : before.size();
    if (at >= 0 && c.type(1) != null) {
      List<Type> after = new ArrayList<>(before);
      after.add(at, c.type(1));
      setElements(c, after);
    }
  }

  private static void erase(NodeContext c) {
    c.output(0, c.type(0));
    List<Type> before = elements(c, 0);
    int at = before == null ? -1 : c.has(1) ? position(c, 1, before.size()) : before.size() - 1;
    if (at >= 0 && at < before.size()) {
      List<Type> after = new ArrayList<>(before);
      after.remove(at);
      setElements(c, after);
    }
  }

  private static void at(NodeContext c) {
    List<Type> all = elements(c, 0);
    int at = all == null ? -1 : position(c, 1, all.size());
    c.output(0, at >= 0 && at < all.size() ? all.get(at) : element(c, 0));
  }

  private static void length(NodeContext c) {
    c.output(0, DataType.INT64, Shape.SCALAR);
    List<Type> all = elements(c, 0);
    c.outputData(0, all == null ? null : Data.scalar(Datum.of(all.size())));
  }

  // ---- between sequences and tensors ----

  private static void split(NodeContext c) {
    Shape x = c.shape(0);
    if (!x.hasRank()) {
      c.output(0, Types.sequence(Type.tensor(c.dtype(0), x)));
      return;
    }
    int axis = c.axis(c.intAttr("axis", 0), x.rank());
    // A list of sizes; or one size for all but the last; or, without, single slices, with or without the axis.
    List<Dim> sizes = c.has(1) ? sizes(c, x.dim(axis)) : singles(x.dim(axis));
    boolean drop = !c.has(1) && c.intAttr("keepdims", 1) == 0;
    if (sizes == null) {
      Dim any = c.has(1) ? Dim.unknown() : Dim.ONE;
      c.output(0, Types.sequence(Type.tensor(c.dtype(0), slice(x, axis, any, drop))));
      return;
    }
    List<Type> parts = new ArrayList<>();
    for (Dim d : sizes) {
      parts.add(Type.tensor(c.dtype(0), slice(x, axis, d, drop)));
    }
    Type joined = parts.isEmpty() ? Type.tensor(c.dtype(0), slice(x, axis, Dim.unknown(), drop)) : Types.joinAll(parts);
    c.output(0, Types.sequence(joined));
    setElements(c, parts);
  }

  private static Shape slice(Shape x, int axis, Dim size, boolean drop) {
    if (!drop) {
      return x.with(axis, size);
    }
    List<Dim> dims = new ArrayList<>(x.dims());
    dims.remove(axis);
    return Shape.of(dims);
  }

  private static List<Dim> singles(Dim size) {
    return size.isConstant() && size.constant() <= MAX_ELEMENTS
        ? new ArrayList<>(Collections.nCopies((int) size.constant(), Dim.ONE)) : null;
  }

  private static List<Dim> sizes(NodeContext c, Dim size) {
    List<Dim> given = c.dims(1);
    if (given == null || c.shape(1).rank() == 1) {
      return given;
    }
    if (given.size() != 1 || !given.get(0).isConstant() || !size.isConstant() || given.get(0).constant() <= 0
        || size.constant() / given.get(0).constant() > MAX_ELEMENTS) {
      return null;
    }
    long part = given.get(0).constant();
    List<Dim> sizes = new ArrayList<>();
    for (long from = 0; from < size.constant(); from += part) {
      sizes.add(Dim.of(Math.min(part, size.constant() - from)));
    }
    return sizes;
  }

  private static void concat(NodeContext c) {
    boolean stack = c.intAttr("new_axis", 0) != 0;
    long axisAttr = c.requiredInt("axis");
    List<Type> all = elements(c, 0);
    if (!(element(c, 0) instanceof Type.TensorType any)) {
      return;
    }
    boolean each = all != null && !all.isEmpty() && all.stream().allMatch(t -> t instanceof Type.TensorType x && x.shape().hasRank());
    if (!each && !any.shape().hasRank()) {
      c.output(0, any.dtype(), Shape.unknown());
      return;
    }
    Shape shape = each ? ((Type.TensorType) all.get(0)).shape() : any.shape();
    int axis = c.axis(axisAttr, shape.rank() + (stack ? 1 : 0));
    if (stack) {
      if (each) {
        for (Type t : all) {
          shape = c.same(shape, ((Type.TensorType) t).shape());
        }
      }
      List<Dim> dims = new ArrayList<>(shape.dims());
      dims.add(axis, all == null ? Dim.unknown() : Dim.of(all.size()));
      shape = Shape.of(dims);
    } else {
      shape = each ? JoiningShapes.joined(c, all.stream().map(t -> ((Type.TensorType) t).shape()).toList(), axisAttr)
          : shape.with(axis, Dim.unknown());
    }
    c.output(0, any.dtype(), shape);
  }

  // ---- optionals ----

  private static void optional(NodeContext c) {
    Attribute a = c.attr("type");
    Type element = c.has(0) ? c.type(0) : a != null && a.value() instanceof Type t ? t : null;
    c.output(0, element == null ? null : new Type.OptionalType(element));
  }

  private static void getElement(NodeContext c) {
    c.output(0, c.type(0) instanceof Type.OptionalType o ? o.element() : c.type(0));
    copyElements(c, 0, 0);
  }
}
