package dev.tenon.tf;

import static org.tensorflow.internal.c_api.global.tensorflow.TF_DeleteBuffer;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_DeleteFunction;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_DeleteGraph;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_DeleteImportGraphDefOptions;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_DeleteStatus;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_FunctionToFunctionDef;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_GetCode;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_GraphImportGraphDef;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_GraphOperationByName;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_GraphToFunction;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_Message;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_NewBuffer;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_NewGraph;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_NewImportGraphDefOptions;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_NewStatus;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_OK;

import com.google.protobuf.InvalidProtocolBufferException;
import java.util.List;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerPointer;
import org.tensorflow.Output;
import org.tensorflow.internal.c_api.TF_Buffer;
import org.tensorflow.internal.c_api.TF_Function;
import org.tensorflow.internal.c_api.TF_Graph;
import org.tensorflow.internal.c_api.TF_ImportGraphDefOptions;
import org.tensorflow.internal.c_api.TF_Operation;
import org.tensorflow.internal.c_api.TF_Output;
import org.tensorflow.internal.c_api.TF_Status;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.GraphDef;

/**
 * Makes functions of graphs, through TensorFlow's C interface: TensorFlow-Java's own {@code ConcreteFunction} promises no order of
 * the arguments and gives functions names of its own.
 */
final class FunctionDefs {
  private FunctionDefs() {}

  /** A graph as a function of some of its placeholders. */
  static FunctionDef define(GraphDef body, String name, List<Output<?>> arguments, List<Output<?>> results) {
    TF_Status status = TF_NewStatus();
    TF_Graph graph = TF_NewGraph();
    TF_ImportGraphDefOptions options = TF_NewImportGraphDefOptions();
    TF_Buffer encoded = TF_NewBuffer();
    TF_Function function = null;
    byte[] bytes = body.toByteArray();
    try (BytePointer data = new BytePointer(bytes); TF_Buffer buffer = new TF_Buffer();
        TF_Output in = new TF_Output(Math.max(1, arguments.size())); TF_Output out = new TF_Output(Math.max(1, results.size()));
        BytePointer functionName = new BytePointer(name)) {
      buffer.data(data).length(bytes.length);
      TF_GraphImportGraphDef(graph, buffer, options, status);
      check(status, name);
      fill(graph, in, arguments);
      fill(graph, out, results);
      function = TF_GraphToFunction(graph, functionName, (byte) 0, -1, (PointerPointer<?>) null, arguments.size(), in.position(0),
          results.size(), out.position(0), (PointerPointer<?>) null, null, null, status);
      check(status, name);
      TF_FunctionToFunctionDef(function, encoded, status);
      check(status, name);
      byte[] def = new byte[Math.toIntExact(encoded.length())];
      new BytePointer(encoded.data()).capacity(def.length).get(def);
      return FunctionDef.parseFrom(def);
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException(e);
    } finally {
      if (function != null) {
        TF_DeleteFunction(function);
      }
      TF_DeleteBuffer(encoded);
      TF_DeleteImportGraphDefOptions(options);
      TF_DeleteGraph(graph);
      TF_DeleteStatus(status);
    }
  }

  private static void fill(TF_Graph graph, TF_Output array, List<Output<?>> tensors) {
    for (int i = 0; i < tensors.size(); i++) {
      TF_Operation op = TF_GraphOperationByName(graph, tensors.get(i).op().name());
      array.position(i).oper(op).index(tensors.get(i).index());
    }
  }

  private static void check(TF_Status status, String name) {
    if (TF_GetCode(status) != TF_OK) {
      throw new IllegalArgumentException("function " + name + ": " + TF_Message(status).getString());
    }
  }
}
