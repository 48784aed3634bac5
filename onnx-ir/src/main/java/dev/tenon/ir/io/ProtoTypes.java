package dev.tenon.ir.io;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Type;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.proto.TensorShapeProto;
import dev.tenon.ir.proto.TypeProto;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Translates between {@link Type} and {@code TypeProto}, for one model: a {@code dim_param} is the same symbol throughout. */
final class ProtoTypes {
  private final Object file;
  /** Names that would be taken for anonymous dimensions, to the anonymous dimension they stand for. */
  private final Map<String, Dim> questionMarks = new HashMap<>();

  ProtoTypes(Object file) {
    this.file = file;
  }

  static DataType dtype(int number, Object file, String place) {
    return DataType.ofNumber(number).filter(t -> t != DataType.UNDEFINED).orElseThrow(() -> BadInputException.of(file, place,
        "the element type " + number, "a TensorProto.DataType of 1 to " + (DataType.values().length - 1)));
  }

  static Long[] boxed(long[] values) {
    return Arrays.stream(values).boxed().toArray(Long[]::new);
  }

  // ---- reading ----

  /** The type; null where the file says nothing of use. */
  Type read(TypeProto p, String place) {
    return switch (p.getValueCase()) {
      case TENSOR_TYPE -> p.getTensorType().getElemType() == 0 ? null
          : Type.tensor(dtype(p.getTensorType().getElemType(), file, place),
              p.getTensorType().hasShape() ? shape(p.getTensorType().getShape()) : Shape.unknown());
      case SPARSE_TENSOR_TYPE -> new Type.SparseTensorType(dtype(p.getSparseTensorType().getElemType(), file, place),
          p.getSparseTensorType().hasShape() ? shape(p.getSparseTensorType().getShape()) : Shape.unknown());
      case SEQUENCE_TYPE -> new Type.SequenceType(element(p.getSequenceType().getElemType(), place + ", element of the sequence"));
      case OPTIONAL_TYPE -> new Type.OptionalType(element(p.getOptionalType().getElemType(), place + ", element of the optional"));
      case MAP_TYPE -> new Type.MapType(dtype(p.getMapType().getKeyType(), file, place),
          element(p.getMapType().getValueType(), place + ", value of the map"));
      case OPAQUE_TYPE -> new Type.OpaqueType(p.getOpaqueType().getDomain(), p.getOpaqueType().getName());
      case VALUE_NOT_SET -> null;
    };
  }

  private Type element(TypeProto p, String place) {
    Type t = read(p, place);
    if (t == null) {
      throw BadInputException.of(file, place, "no type", "a type");
    }
    return t;
  }

  private Shape shape(TensorShapeProto p) {
    List<Dim> dims = new ArrayList<>(p.getDimCount());
    for (TensorShapeProto.Dimension d : p.getDimList()) {
      dims.add(switch (d.getValueCase()) {
        // Several tools write -1 for a dimension that they do not know.
        case DIM_VALUE -> d.getDimValue() < 0 ? Dim.unknown() : Dim.of(d.getDimValue());
        case DIM_PARAM -> symbol(d.getDimParam());
        case VALUE_NOT_SET -> Dim.unknown();
      });
    }
    return Shape.of(dims);
  }

  private Dim symbol(String param) {
    // "?" and "None" are written for any dimension that is not known: two of them need not be equal.
    if (param.isBlank() || param.equals("?") || param.equals("None")) {
      return Dim.unknown();
    }
    if (param.startsWith("?")) {
      return questionMarks.computeIfAbsent(param, k -> Dim.unknown());
    }
    Dim d = Dim.parse(param);
    return d.isConstant() && d.constant() < 0 ? Dim.unknown() : d;
  }

  // ---- writing ----

  static TypeProto write(Type type) {
    TypeProto.Builder b = TypeProto.newBuilder();
    if (type instanceof Type.TensorType t) {
      b.getTensorTypeBuilder().setElemType(t.dtype().number());
      if (t.shape().hasRank()) {
        b.getTensorTypeBuilder().setShape(shape(t.shape()));
      }
    } else if (type instanceof Type.SparseTensorType t) {
      b.getSparseTensorTypeBuilder().setElemType(t.dtype().number());
      if (t.shape().hasRank()) {
        b.getSparseTensorTypeBuilder().setShape(shape(t.shape()));
      }
    } else if (type instanceof Type.SequenceType t) {
      b.getSequenceTypeBuilder().setElemType(write(t.element()));
    } else if (type instanceof Type.OptionalType t) {
      b.getOptionalTypeBuilder().setElemType(write(t.element()));
    } else if (type instanceof Type.MapType t) {
      b.getMapTypeBuilder().setKeyType(t.key().number()).setValueType(write(t.value()));
    } else if (type instanceof Type.OpaqueType t) {
      b.getOpaqueTypeBuilder().setDomain(t.domain()).setName(t.name());
    }
    return b.build();
  }

  private static TensorShapeProto shape(Shape shape) {
    TensorShapeProto.Builder b = TensorShapeProto.newBuilder();
    for (Dim d : shape.dims()) {
      TensorShapeProto.Dimension.Builder one = b.addDimBuilder();
      if (d.isConstant()) {
        one.setDimValue(d.constant());
      } else if (d.symbols().stream().noneMatch(s -> s.startsWith("?"))) {
        one.setDimParam(d.toString());
      }
    }
    return b.build();
  }
}
