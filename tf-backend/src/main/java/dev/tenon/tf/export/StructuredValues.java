package dev.tenon.tf.export;

import java.util.List;
import java.util.Map;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.Struct.DictValue;
import org.tensorflow.proto.Struct.ListValue;
import org.tensorflow.proto.Struct.NamedTupleValue;
import org.tensorflow.proto.Struct.NoneValue;
import org.tensorflow.proto.Struct.PairValue;
import org.tensorflow.proto.Struct.StructuredValue;
import org.tensorflow.proto.Struct.TensorSpecProto;
import org.tensorflow.proto.Struct.TupleValue;
import org.tensorflow.proto.TensorShapeProto;

/** Python values as the object graph stores them: tuples, dictionaries, tensor specs, a function's parameters. */
final class StructuredValues {

  private StructuredValues() {}

  static StructuredValue tensorSpec(String name, DataType dtype, TensorShapeProto shape) {
    return StructuredValue.newBuilder()
        .setTensorSpecValue(TensorSpecProto.newBuilder().setName(name).setDtype(dtype).setShape(shape))
        .build();
  }

  static StructuredValue tuple(List<StructuredValue> values) {
    return StructuredValue.newBuilder().setTupleValue(TupleValue.newBuilder().addAllValues(values)).build();
  }

  static StructuredValue list(List<StructuredValue> values) {
    return StructuredValue.newBuilder().setListValue(ListValue.newBuilder().addAllValues(values)).build();
  }

  static StructuredValue dict(Map<String, StructuredValue> values) {
    return StructuredValue.newBuilder().setDictValue(DictValue.newBuilder().putAllFields(values)).build();
  }

  static StructuredValue none() {
    return StructuredValue.newBuilder().setNoneValue(NoneValue.getDefaultInstance()).build();
  }

  /** Python's {@code FullArgSpec} of a function with these parameters, all positional or by keyword and without defaults. */
  static StructuredValue fullArgSpec(List<String> parameters) {
    List<StructuredValue> args =
        parameters.stream().map(p -> StructuredValue.newBuilder().setStringValue(p).build()).toList();
    return StructuredValue.newBuilder()
        .setNamedTupleValue(NamedTupleValue.newBuilder()
            .setName("FullArgSpec")
            .addValues(pair("args", list(args)))
            .addValues(pair("varargs", none()))
            .addValues(pair("varkw", none()))
            .addValues(pair("defaults", none()))
            .addValues(pair("kwonlyargs", list(List.of())))
            .addValues(pair("kwonlydefaults", none()))
            .addValues(pair("annotations", dict(Map.of()))))
        .build();
  }

  private static PairValue pair(String key, StructuredValue value) {
    return PairValue.newBuilder().setKey(key).setValue(value).build();
  }
}
