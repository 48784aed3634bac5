package dev.tenon.ir.io;

import com.google.protobuf.ByteString;
import dev.tenon.ir.Attribute;
import dev.tenon.ir.Attribute.Kind;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Graph;
import dev.tenon.ir.SparseTensor;
import dev.tenon.ir.Storage;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.proto.AttributeProto;
import dev.tenon.ir.proto.GraphProto;
import dev.tenon.ir.proto.SparseTensorProto;
import dev.tenon.ir.proto.TypeProto;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** Reads attributes, of all kinds, and the sparse tensors that they and graphs hold. */
final class AttributeReader {
  private final Object file;
  private final ProtoTypes types;
  private final TensorDecoder tensors;

  AttributeReader(Object file, ProtoTypes types, TensorDecoder tensors) {
    this.file = file;
    this.types = types;
    this.tensors = tensors;
  }

  /**
   * @param tensorName what a tensor inside is called as a source parameter
   * @param mayRefer true in a function's body, where the value may be that of an attribute of the function
   * @param subgraph reads the graphs inside
   */
  Attribute read(AttributeProto a, String tensorName, boolean mayRefer, String place, Function<GraphProto, Graph> subgraph) {
    if (!a.getRefAttrName().isEmpty()) {
      if (!mayRefer) {
        throw bad(place, "a reference to the attribute '" + Quote.of(a.getRefAttrName()) + "'", "a value (references are for functions)");
      }
      return Attribute.reference(a.getName(), Kind.ofNumber(a.getType().getNumber()), a.getRefAttrName());
    }
    Kind present = presentKind(a, place);
    Kind kind = a.getType() == AttributeProto.AttributeType.UNDEFINED ? present : Kind.ofNumber(a.getType().getNumber());
    if (kind == Kind.UNDEFINED) {
      throw bad(place, "neither type nor value", "one of the types of AttributeProto");
    }
    // A list may be empty, and a writer may leave out a zero or an empty text; nothing else may be missing.
    boolean mayBeAbsent = isList(kind) || kind == Kind.FLOAT || kind == Kind.INT || kind == Kind.STRING;
    if (present != kind && !(present == Kind.UNDEFINED && mayBeAbsent)) {
      throw bad(place, "a value of type " + present, "one of type " + kind);
    }
    return new Attribute(a.getName(), kind, value(a, kind, tensorName, place, subgraph), null);
  }

  private Object value(AttributeProto a, Kind kind, String tensorName, String place, Function<GraphProto, Graph> subgraph) {
    return switch (kind) {
      case FLOAT -> a.getF();
      case INT -> a.getI();
      case STRING -> text(a.getS(), place);
      case TENSOR -> tensors.decode(a.getT(), tensorName, place);
      case GRAPH -> subgraph.apply(a.getG());
      case SPARSE_TENSOR -> sparse(a.getSparseTensor(), tensorName, place);
      case TYPE -> type(a.getTp(), place);
      case FLOATS -> floats(a.getFloatsList());
      case INTS -> a.getIntsList().stream().mapToLong(Long::longValue).toArray();
      case STRINGS -> a.getStringsList().stream().map(s -> text(s, place)).toList();
      case TENSORS -> {
        List<Tensor> list = new ArrayList<>();
        a.getTensorsList().forEach(t -> list.add(tensors.decode(t, tensorName + "." + list.size(), place)));
        yield List.copyOf(list);
      }
      case GRAPHS -> a.getGraphsList().stream().map(subgraph).toList();
      case SPARSE_TENSORS -> a.getSparseTensorsList().stream().map(s -> sparse(s, tensorName, place)).toList();
      case TYPES -> a.getTypeProtosList().stream().map(t -> type(t, place)).toList();
      case UNDEFINED -> throw new IllegalStateException("an attribute of no kind");
    };
  }

  private static boolean isList(Kind kind) {
    return switch (kind) {
      case FLOATS, INTS, STRINGS, TENSORS, GRAPHS, SPARSE_TENSORS, TYPES -> true;
      default -> false;
    };
  }

  /** The kind of the value that is there; files of IR version 1 have no other mark of it. */
  private Kind presentKind(AttributeProto a, String place) {
    List<Kind> present = new ArrayList<>();
    addIf(a.hasF(), Kind.FLOAT, present);
    addIf(a.hasI(), Kind.INT, present);
    addIf(a.hasS(), Kind.STRING, present);
    addIf(a.hasT(), Kind.TENSOR, present);
    addIf(a.hasG(), Kind.GRAPH, present);
    addIf(a.hasSparseTensor(), Kind.SPARSE_TENSOR, present);
    addIf(a.hasTp(), Kind.TYPE, present);
    addIf(a.getFloatsCount() > 0, Kind.FLOATS, present);
    addIf(a.getIntsCount() > 0, Kind.INTS, present);
    addIf(a.getStringsCount() > 0, Kind.STRINGS, present);
    addIf(a.getTensorsCount() > 0, Kind.TENSORS, present);
    addIf(a.getGraphsCount() > 0, Kind.GRAPHS, present);
    addIf(a.getSparseTensorsCount() > 0, Kind.SPARSE_TENSORS, present);
    addIf(a.getTypeProtosCount() > 0, Kind.TYPES, present);
    if (present.size() > 1) {
      // Some writers fill in the zero of every scalar; the declared type then tells which is meant.
      Kind declared = Kind.ofNumber(a.getType().getNumber());
      if (present.contains(declared)) {
        return declared;
      }
      throw bad(place, "values of types " + present, "one value");
    }
    return present.isEmpty() ? Kind.UNDEFINED : present.get(0);
  }

  private static void addIf(boolean there, Kind kind, List<Kind> present) {
    if (there) {
      present.add(kind);
    }
  }

  private static float[] floats(List<Float> boxed) {
    float[] f = new float[boxed.size()];
    for (int i = 0; i < f.length; i++) {
      f[i] = boxed.get(i);
    }
    return f;
  }

  private String text(ByteString s, String place) {
    if (!s.isValidUtf8()) {
      throw bad(place, "a text that is not UTF-8", "UTF-8");
    }
    return s.toStringUtf8();
  }

  private Type type(TypeProto p, String place) {
    Type t = types.read(p, place);
    if (t == null) {
      throw bad(place, "no type", "a type");
    }
    return t;
  }

  // ---- sparse tensors ----

  private SparseTensor sparse(SparseTensorProto p, String name, String place) {
    Tensor values = tensors.decode(p.getValues(), name, place + ", values");
    Tensor indices = tensors.decode(p.getIndices(), name + ".indices", place + ", indices");
    long[] dims = p.getDimsList().stream().mapToLong(Long::longValue).toArray();
    tensors.checkedNumel(values.dtype(), dims, place);
    boolean linear = indices.rank() == 1;
    boolean fits = values.rank() == 1 && indices.dtype() == DataType.INT64 && (linear || indices.rank() == 2 && indices.dim(1) == dims.length)
        && indices.dim(0) == values.dim(0);
    if (!fits) {
      throw bad(place, "values " + values + " with indices " + indices, "values [n] with int64 indices [n] or [n," + dims.length + "]");
    }
    return new SparseTensor(values, indices, dims);
  }

  /** The sparse tensor as a dense one, filled in when it is read. */
  Tensor dense(SparseTensorProto p, String place) {
    SparseTensor s = sparse(p, p.getValues().getName(), place);
    DataType dtype = s.values().dtype();
    long numel = tensors.checkedNumel(dtype, s.dims(), place);
    if (dtype.bits() < 8 || dtype.bits() % 8 != 0) {
      throw bad(place, "sparse elements of type " + dtype, "elements of whole bytes");
    }
    long byteSize = dtype.byteSize(numel);
    if (byteSize > Integer.MAX_VALUE) {
      throw bad(place, "a sparse tensor of " + byteSize + " bytes when dense", "at most " + Integer.MAX_VALUE);
    }
    int[] at = linearIndices(s, numel, place);
    int width = dtype.bits() / 8;
    return Tensor.source(p.getValues().getName(), dtype, s.dims(), Storage.decoded(byteSize, () -> {
      ByteBuffer dense = ByteBuffer.allocate((int) byteSize).order(ByteOrder.LITTLE_ENDIAN);
      ByteBuffer values = s.values().bytes();
      for (int i = 0; i < at.length; i++) {
        dense.put(at[i] * width, values, i * width, width);
      }
      return dense;
    }));
  }

  private int[] linearIndices(SparseTensor s, long numel, String place) {
    long[] indices = s.indices().toLongs();
    int[] linear = new int[Math.toIntExact(s.values().numel())];
    int columns = s.indices().rank() == 1 ? 1 : s.dims().length;
    for (int i = 0; i < linear.length; i++) {
      long at = 0;
      for (int c = 0; c < columns; c++) {
        long index = indices[i * columns + c];
        long limit = s.indices().rank() == 1 ? numel : s.dims()[c];
        if (index < 0 || index >= limit) {
          throw bad(place, "the index " + index, "an index from 0, below " + limit);
        }
        at = s.indices().rank() == 1 ? index : at * s.dims()[c] + index;
      }
      linear[i] = (int) at;
    }
    return linear;
  }

  private BadInputException bad(String place, String found, String expected) {
    return BadInputException.of(file, place, found, expected);
  }
}
