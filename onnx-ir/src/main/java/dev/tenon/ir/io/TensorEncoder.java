package dev.tenon.ir.io;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import dev.tenon.ir.DataType;
import dev.tenon.ir.SparseTensor;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.proto.SparseTensorProto;
import dev.tenon.ir.proto.TensorProto;

/** Makes {@code TensorProto}s, with all elements as {@code raw_data}, strings as {@code string_data}. */
final class TensorEncoder {
  private TensorEncoder() {}

  /** An initializer without its elements. */
  static TensorProto.Builder header(Value v) {
    TensorProto.Builder b = header(v.initializer()).setName(v.name());
    if (!v.isGraphInput()) {
      // An input's documentation stands with the input.
      if (!v.docString().isEmpty()) {
        b.setDocString(v.docString());
      }
      b.addAllMetadataProps(ProvenanceProps.entries(v.metadata()));
    }
    return b;
  }

  private static TensorProto.Builder header(Tensor t) {
    TensorProto.Builder b = TensorProto.newBuilder().setDataType(t.dtype().number());
    for (long d : t.dims()) {
      b.addDims(d);
    }
    return b;
  }

  static TensorProto strings(Value v) {
    return addStrings(header(v), v.initializer()).build();
  }

  private static TensorProto.Builder addStrings(TensorProto.Builder b, Tensor t) {
    t.stringBytes().forEach(s -> b.addStringData(UnsafeByteOperations.unsafeWrap(s)));
    return b;
  }

  /** A whole tensor; elements that are in a mapped file are not copied. */
  static TensorProto whole(Tensor t, String name) {
    TensorProto.Builder b = header(t);
    if (!name.isEmpty()) {
      b.setName(name);
    }
    if (t.dtype() == DataType.STRING) {
      return addStrings(b, t).build();
    }
    ByteString bytes = UnsafeByteOperations.unsafeWrap(t.bytes());
    return b.setRawData(bytes).build();
  }

  static SparseTensorProto sparse(SparseTensor s) {
    SparseTensorProto.Builder b = SparseTensorProto.newBuilder().setValues(whole(s.values(), "")).setIndices(whole(s.indices(), ""));
    for (long d : s.dims()) {
      b.addDims(d);
    }
    return b.build();
  }
}
