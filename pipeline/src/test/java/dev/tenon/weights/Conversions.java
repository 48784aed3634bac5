package dev.tenon.weights;

import dev.tenon.convert.ConvertOptions;
import dev.tenon.convert.Converter;
import dev.tenon.convert.Progress;
import dev.tenon.frontend.ModelSource;
import dev.tenon.frontend.checkpoint.SafetensorsWriter;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Storage;
import dev.tenon.ir.Tensor;
import dev.tenon.tf.export.CheckpointUpdate;
import dev.tenon.tf.export.SavedModelReader;
import dev.tenon.tf.export.SavedVariableInfo;
import dev.tenon.tf.export.SavedVariables;
import dev.tenon.tf.export.TensorData;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/** Models to pour weights into, and checkpoints to pour. */
final class Conversions {
  private Conversions() {}

  static Path fixture(String name) {
    return Path.of(System.getProperty("tenon.root", "..")).resolve("testmodels/onnx").resolve(name);
  }

  static Path convert(Path model, Path target, UnaryOperator<ConvertOptions> options) {
    try (ModelSource source = ModelSource.ofFile(model)) {
      new Converter(options.apply(ConvertOptions.defaults()), Progress.NONE).convert(source, target);
    }
    return target;
  }

  /** The parameters of an ONNX model, each changed by a factor near one and a small shift, as training would. */
  static Map<String, Tensor> otherWeights(Path model, long seed) {
    Map<String, Tensor> other = new LinkedHashMap<>();
    WeightFiles.open(model, null, line -> { }).tensors().forEach((name, t) -> {
      if (t.dtype() == DataType.FLOAT) {
        other.put(name, perturbed(name, t, seed));
      }
    });
    return other;
  }

  static Tensor perturbed(String name, Tensor t, long seed) {
    Random r = new Random(seed + name.hashCode());
    float[] v = t.toFloats();
    ByteBuffer b = ByteBuffer.allocate(4 * v.length).order(ByteOrder.LITTLE_ENDIAN);
    for (float x : v) {
      b.putFloat(x * (0.9f + 0.2f * r.nextFloat()) + (name.endsWith("running_var") ? 0.01f : 0.05f * (r.nextFloat() - 0.5f)));
    }
    return Tensor.source(name, DataType.FLOAT, t.dims(), Storage.of(b.flip()));
  }

  static Path write(Path file, Map<String, Tensor> tensors) {
    SafetensorsWriter.write(file, tensors, Map.of("format", "pt"));
    return file;
  }

  /** Changes all float variables of a SavedModel, as a training step would. */
  static void train(Path savedModel, long seed) throws IOException {
    Map<String, TensorData> changed = new HashMap<>();
    Path prefix = SavedModelReader.checkpointPrefix(savedModel);
    try (SavedVariables saved = SavedVariables.open(savedModel)) {
      for (SavedVariableInfo v : saved.variables()) {
        changed.put(v.checkpointKey(), TensorData.of(perturbed(v.name(), CheckpointTensors.of(saved, v), seed).bytes()));
      }
      Path fresh = Files.createTempDirectory(savedModel.getParent(), "train").resolve("v");
      CheckpointUpdate.write(fresh, saved.checkpoint(), changed).replace(prefix);
      Files.delete(fresh.getParent());
    }
  }

  /** All variables' values. */
  static Map<String, float[]> values(Path savedModel) throws IOException {
    Map<String, float[]> values = new TreeMap<>();
    try (SavedVariables saved = SavedVariables.open(savedModel)) {
      for (SavedVariableInfo v : saved.variables()) {
        values.put(v.name(), CheckpointTensors.of(saved, v).toFloats());
      }
    }
    return values;
  }

  /** Every file below a folder, as text that shows its bytes. */
  static Map<String, String> files(Path folder) throws IOException {
    Map<String, String> all = new TreeMap<>();
    try (Stream<Path> walk = Files.walk(folder)) {
      for (Path p : walk.filter(Files::isRegularFile).toList()) {
        all.put(folder.relativize(p).toString(), HexFormat.of().formatHex(Files.readAllBytes(p)));
      }
    }
    return all;
  }
}
