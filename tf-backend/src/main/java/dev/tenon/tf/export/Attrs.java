package dev.tenon.tf.export;

import com.google.protobuf.ByteString;
import java.util.Collection;
import java.util.List;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.NameAttrList;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.TensorProto;
import org.tensorflow.proto.TensorShapeProto;

/** Short ways to attribute values and to the nodes that hold little else. */
final class Attrs {

  private Attrs() {}

  static AttrValue of(String value) {
    return AttrValue.newBuilder().setS(ByteString.copyFromUtf8(value)).build();
  }

  static AttrValue of(DataType value) {
    return AttrValue.newBuilder().setType(value).build();
  }

  static AttrValue of(TensorShapeProto value) {
    return AttrValue.newBuilder().setShape(value).build();
  }

  static AttrValue ofFunction(String name) {
    return AttrValue.newBuilder().setFunc(NameAttrList.newBuilder().setName(name)).build();
  }

  static AttrValue ofShapes(Collection<TensorShapeProto> values) {
    return AttrValue.newBuilder().setList(AttrValue.ListValue.newBuilder().addAllShape(values)).build();
  }

  static AttrValue ofTypes(Collection<DataType> values) {
    return AttrValue.newBuilder().setList(AttrValue.ListValue.newBuilder().addAllType(values)).build();
  }

  static AttrValue ofStrings(Collection<String> values) {
    AttrValue.ListValue.Builder list = AttrValue.ListValue.newBuilder();
    values.forEach(v -> list.addS(ByteString.copyFromUtf8(v)));
    return AttrValue.newBuilder().setList(list).build();
  }

  static NodeDef.Builder node(String name, String op, String... inputs) {
    return NodeDef.newBuilder().setName(name).setOp(op).addAllInput(List.of(inputs));
  }

  static NodeDef placeholder(String name, DataType dtype, TensorShapeProto shape) {
    return node(name, "Placeholder")
        .putAttr("dtype", of(dtype))
        .putAttr("shape", of(shape))
        .putAttr("_output_shapes", ofShapes(List.of(shape)))
        .build();
  }

  static NodeDef variableHandle(String node, String variable, DataType dtype, TensorShapeProto shape) {
    return node(node, "VarHandleOp")
        .putAttr("container", of(""))
        .putAttr("dtype", of(dtype))
        .putAttr("shape", of(shape))
        .putAttr("shared_name", of(variable))
        .build();
  }

  /** A constant vector of strings. */
  static NodeDef strings(String name, List<ByteString> values) {
    return stringConst(name, DataTypes.shapeProto(values.size()), values);
  }

  /** A constant scalar string. */
  static NodeDef string(String name, ByteString value) {
    return stringConst(name, DataTypes.shapeProto(), List.of(value));
  }

  private static NodeDef stringConst(String name, TensorShapeProto shape, List<ByteString> values) {
    TensorProto tensor =
        TensorProto.newBuilder().setDtype(DataType.DT_STRING).setTensorShape(shape).addAllStringVal(values).build();
    return node(name, "Const")
        .putAttr("dtype", of(DataType.DT_STRING))
        .putAttr("value", AttrValue.newBuilder().setTensor(tensor).build())
        .build();
  }
}
