package dev.tenon.verify;

import dev.tenon.ir.Tensor;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.tf.runtime.TfTensors;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.Result;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Session;
import org.tensorflow.exceptions.TensorFlowException;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.proto.SignatureDef;
import org.tensorflow.proto.TensorInfo;

/** A SavedModel loaded as any user of TensorFlow-Java would, and run by the names of its signature. */
final class TensorFlowModel implements AutoCloseable {
  private static final String SIGNATURE = "serving_default";

  private final SavedModelBundle bundle;
  private final SignatureDef signature;

  private TensorFlowModel(SavedModelBundle bundle, SignatureDef signature) {
    this.bundle = bundle;
    this.signature = signature;
  }

  static TensorFlowModel load(Path dir, int threads) {
    if (!Files.isRegularFile(dir.resolve("saved_model.pb"))) {
      throw BadInputException.of(dir, "", Files.isDirectory(dir) ? "no saved_model.pb" : "no such folder", "a SavedModel");
    }
    ConfigProto config = ConfigProto.newBuilder().setIntraOpParallelismThreads(threads).setInterOpParallelismThreads(threads).build();
    SavedModelBundle bundle;
    try {
      bundle = SavedModelBundle.loader(dir.toString()).withTags("serve").withConfigProto(config).load();
    } catch (TensorFlowException e) {
      throw BadInputException.of(dir, "", "that TensorFlow cannot load it: " + firstLine(e), "a whole SavedModel");
    }
    SignatureDef signature = bundle.metaGraphDef().getSignatureDefMap().get(SIGNATURE);
    if (signature == null) {
      bundle.close();
      throw BadInputException.of(dir, "signatures", bundle.metaGraphDef().getSignatureDefMap().keySet().toString(), SIGNATURE);
    }
    return new TensorFlowModel(bundle, signature);
  }

  /** Names of the signature's inputs with their dimensions, -1 for dynamic ones; null for an unknown rank. */
  Map<String, long[]> inputShapes() {
    Map<String, long[]> shapes = new LinkedHashMap<>();
    signature.getInputsMap().forEach((name, info) -> shapes.put(name, info.getTensorShape().getUnknownRank() ? null
        : info.getTensorShape().getDimList().stream().mapToLong(d -> d.getSize()).toArray()));
    return shapes;
  }

  /**
   * Runs the signature.
   *
   * @param inputs by the signature's names
   * @return outputs by the signature's names
   */
  Map<String, Tensor> run(Map<String, Tensor> inputs) {
    Session.Runner runner = bundle.session().runner();
    List<org.tensorflow.Tensor> fed = new ArrayList<>();
    try {
      for (Map.Entry<String, TensorInfo> e : signature.getInputsMap().entrySet()) {
        org.tensorflow.Tensor t = TfTensors.toTensorFlow(inputs.get(e.getKey()));
        fed.add(t);
        runner.feed(e.getValue().getName(), t);
      }
      List<String> names = List.copyOf(signature.getOutputsMap().keySet());
      names.forEach(n -> runner.fetch(signature.getOutputsOrThrow(n).getName()));
      try (Result result = runner.run()) {
        Map<String, Tensor> outputs = new LinkedHashMap<>();
        for (int i = 0; i < names.size(); i++) {
          outputs.put(names.get(i), TfTensors.fromTensorFlow(result.get(i)));
        }
        return outputs;
      }
    } finally {
      fed.forEach(org.tensorflow.Tensor::close);
    }
  }

  static String firstLine(Throwable e) {
    return String.valueOf(e.getMessage()).lines().findFirst().orElse(e.getClass().getSimpleName());
  }

  @Override
  public void close() {
    bundle.close();
  }
}
