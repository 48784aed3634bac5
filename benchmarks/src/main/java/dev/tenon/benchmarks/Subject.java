package dev.tenon.benchmarks;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Tensor;
import dev.tenon.tf.runtime.TfTensors;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.tensorflow.Result;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Session;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.proto.SignatureDef;

/** A loaded model with its inputs in the runtime's own memory, so that a call copies as little as the runtime allows. */
interface Subject extends AutoCloseable {
  /** One call, whose outputs are thrown away. */
  void call() throws OrtException;

  /** One call, and its real outputs by the plain forms of their names. */
  Map<String, float[]> outputs() throws OrtException;

  @Override
  void close() throws OrtException;

  /** A name without what TensorFlow does not take in one: the SavedModel's names and the source's are the same in this form. */
  private static String plain(String name) {
    return name.replaceAll("[^A-Za-z0-9]", "_");
  }

  /** The source in ONNX Runtime. Its threads stop spinning when a call ends, or they would take the cores from the next subject. */
  static Subject onnxRuntime(Path file, Map<String, Tensor> inputs, int threads) throws OrtException {
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    OrtSession session;
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(threads);
      options.setInterOpNumThreads(1);
      options.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR);
      options.addConfigEntry("session.force_spinning_stop", "1");
      session = environment.createSession(file.toString(), options);
    }
    Map<String, OnnxTensor> feeds = new LinkedHashMap<>();
    for (Map.Entry<String, Tensor> e : inputs.entrySet()) {
      Tensor t = e.getValue();
      feeds.put(e.getKey(), t.dtype() == DataType.INT64
          ? OnnxTensor.createTensor(environment, LongBuffer.wrap(t.toLongs()), t.dims())
          : OnnxTensor.createTensor(environment, FloatBuffer.wrap(t.toFloats()), t.dims()));
    }
    return new Subject() {
      @Override
      public void call() throws OrtException {
        session.run(feeds).close();
      }

      @Override
      public Map<String, float[]> outputs() throws OrtException {
        Map<String, float[]> outputs = new LinkedHashMap<>();
        try (OrtSession.Result result = session.run(feeds)) {
          result.forEach(o -> {
            float[] values = new float[(int) ((OnnxTensor) o.getValue()).getInfo().getNumElements()];
            ((OnnxTensor) o.getValue()).getFloatBuffer().get(values);
            outputs.put(plain(o.getKey()), values);
          });
        }
        return outputs;
      }

      @Override
      public void close() throws OrtException {
        feeds.values().forEach(OnnxTensor::close);
        session.close();
      }
    };
  }

  /** A SavedModel's serving signature in a session. */
  static Subject tensorFlow(Path folder, Map<String, Tensor> inputs, int threads, int interOp) {
    SavedModelBundle bundle = SavedModelBundle.loader(folder.toString()).withTags("serve").withConfigProto(ConfigProto.newBuilder()
        .setIntraOpParallelismThreads(threads).setInterOpParallelismThreads(interOp).build()).load();
    SignatureDef signature = bundle.metaGraphDef().getSignatureDefOrThrow("serving_default");
    Map<String, org.tensorflow.Tensor> feeds = new LinkedHashMap<>();
    signature.getInputsMap().forEach((name, info) -> inputs.forEach((source, t) -> {
      if (plain(source).equals(plain(name))) {
        feeds.put(info.getName(), TfTensors.toTensorFlow(t));
      }
    }));
    return new Subject() {
      private Result run() {
        Session.Runner runner = bundle.session().runner();
        feeds.forEach(runner::feed);
        signature.getOutputsMap().values().forEach(o -> runner.fetch(o.getName()));
        return runner.run();
      }

      @Override
      public void call() {
        run().close();
      }

      @Override
      public Map<String, float[]> outputs() {
        Map<String, float[]> outputs = new LinkedHashMap<>();
        try (Result result = run()) {
          int i = 0;
          for (String name : signature.getOutputsMap().keySet()) {
            outputs.put(plain(name), TfTensors.fromTensorFlow(result.get(i++)).toFloats());
          }
        }
        return outputs;
      }

      @Override
      public void close() {
        feeds.values().forEach(org.tensorflow.Tensor::close);
        bundle.close();
      }
    };
  }
}
