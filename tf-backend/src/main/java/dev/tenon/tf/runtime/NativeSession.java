package dev.tenon.tf.runtime;

import static org.tensorflow.internal.c_api.global.tensorflow.TF_CloseSession;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_DeleteGraph;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_DeleteImportGraphDefOptions;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_DeleteSession;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_DeleteSessionOptions;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_DeleteStatus;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_DeleteTensor;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_GetCode;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_GraphImportGraphDef;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_GraphOperationByName;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_Message;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_NewGraph;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_NewImportGraphDefOptions;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_NewSession;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_NewSessionOptions;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_NewStatus;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_OK;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_SessionRun;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_SetConfig;

import dev.tenon.ir.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.tensorflow.TensorFlow;
import org.tensorflow.internal.c_api.TF_Buffer;
import org.tensorflow.internal.c_api.TF_Graph;
import org.tensorflow.internal.c_api.TF_ImportGraphDefOptions;
import org.tensorflow.internal.c_api.TF_Operation;
import org.tensorflow.internal.c_api.TF_Output;
import org.tensorflow.internal.c_api.TF_Session;
import org.tensorflow.internal.c_api.TF_SessionOptions;
import org.tensorflow.internal.c_api.TF_Status;
import org.tensorflow.internal.c_api.TF_Tensor;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.GraphOptions;
import org.tensorflow.proto.RewriterConfig;

/** A graph and a session of TensorFlow's C interface, whose runs take every element type. */
final class NativeSession implements AutoCloseable {
  private final TF_Graph graph;
  private final TF_Session session;

  NativeSession(GraphDef def, GraphRunner.Options options) {
    TensorFlow.version(); // loads the native library
    graph = TF_NewGraph();
    TF_ImportGraphDefOptions importOptions = TF_NewImportGraphDefOptions();
    TF_SessionOptions sessionOptions = TF_NewSessionOptions();
    TF_Status status = TF_NewStatus();
    TF_Session opened = null;
    byte[] bytes = def.toByteArray();
    byte[] config = config(options).toByteArray();
    try (BytePointer data = new BytePointer(bytes); BytePointer configData = new BytePointer(config); TF_Buffer buffer = new TF_Buffer()) {
      buffer.data(data).length(bytes.length);
      TF_GraphImportGraphDef(graph, buffer, importOptions, status);
      check(status, "the graph is not valid");
      TF_SetConfig(sessionOptions, configData, config.length, status);
      check(status, "session options");
      opened = TF_NewSession(graph, sessionOptions, status);
      check(status, "no session");
    } finally {
      TF_DeleteStatus(status);
      TF_DeleteSessionOptions(sessionOptions);
      TF_DeleteImportGraphDefOptions(importOptions);
      if (opened == null) {
        TF_DeleteGraph(graph);
      }
    }
    session = opened;
  }

  private static ConfigProto config(GraphRunner.Options options) {
    ConfigProto.Builder b = ConfigProto.newBuilder().setIntraOpParallelismThreads(options.threads())
        .setInterOpParallelismThreads(options.threads());
    if (!options.optimize()) {
      b.setGraphOptions(GraphOptions.newBuilder()
          .setRewriteOptions(RewriterConfig.newBuilder().setDisableMetaOptimizer(true)));
    }
    return b.build();
  }

  private static void check(TF_Status status, String what) {
    if (TF_GetCode(status) != TF_OK) {
      throw new IllegalStateException(what + ": " + TF_Message(status).getString());
    }
  }

  /** Feeds and fetches by {@code node:index}; targets by node. */
  List<Tensor> run(Map<String, Tensor> feeds, List<String> fetches, List<String> targets) {
    List<TF_Tensor> owned = new ArrayList<>();
    TF_Status status = TF_NewStatus();
    try (TF_Output in = new TF_Output(Math.max(1, feeds.size()));
        TF_Output out = new TF_Output(Math.max(1, fetches.size()));
        PointerPointer<TF_Tensor> inValues = new PointerPointer<>(Math.max(1, feeds.size()));
        PointerPointer<TF_Tensor> outValues = new PointerPointer<>(Math.max(1, fetches.size()));
        PointerPointer<TF_Operation> ops = new PointerPointer<>(Math.max(1, targets.size()))) {
      int i = 0;
      for (Map.Entry<String, Tensor> e : feeds.entrySet()) {
        set(in, i, e.getKey());
        TF_Tensor t = NativeTensors.toNative(e.getValue());
        owned.add(t);
        inValues.put(i++, t);
      }
      for (i = 0; i < fetches.size(); i++) {
        set(out, i, fetches.get(i));
        outValues.put(i, (Pointer) null);
      }
      for (i = 0; i < targets.size(); i++) {
        ops.put(i, operation(targets.get(i)));
      }
      TF_SessionRun(session, null, in.position(0), inValues.position(0), feeds.size(), out.position(0), outValues.position(0),
          fetches.size(), ops, targets.size(), null, status);
      check(status, "TensorFlow cannot run the graph");
      for (i = 0; i < fetches.size(); i++) {
        owned.add(outValues.get(TF_Tensor.class, i));
      }
      List<Tensor> results = new ArrayList<>();
      for (i = 0; i < fetches.size(); i++) {
        results.add(NativeTensors.fromNative(owned.get(feeds.size() + i), fetches.get(i)));
      }
      return results;
    } finally {
      owned.forEach(t -> TF_DeleteTensor(t));
      TF_DeleteStatus(status);
    }
  }

  private void set(TF_Output array, int i, String tensor) {
    int colon = tensor.lastIndexOf(':');
    String node = colon < 0 ? tensor : tensor.substring(0, colon);
    array.position(i).oper(operation(node)).index(colon < 0 ? 0 : Integer.parseInt(tensor.substring(colon + 1)));
  }

  private TF_Operation operation(String node) {
    TF_Operation op = TF_GraphOperationByName(graph, node);
    if (op == null || op.isNull()) {
      throw new IllegalArgumentException("the graph has no node " + node);
    }
    return op;
  }

  @Override
  public void close() {
    TF_Status status = TF_NewStatus();
    TF_CloseSession(session, status);
    TF_DeleteSession(session, status);
    TF_DeleteGraph(graph);
    TF_DeleteStatus(status);
  }
}
