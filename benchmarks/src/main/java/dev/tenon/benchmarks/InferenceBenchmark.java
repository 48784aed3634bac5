package dev.tenon.benchmarks;

import dev.tenon.convert.ConvertOptions;
import dev.tenon.convert.Converter;
import dev.tenon.convert.Progress;
import dev.tenon.frontend.ModelSource;
import dev.tenon.ir.Model;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.io.OnnxReader;
import dev.tenon.ir.ort.OrtModel;
import dev.tenon.tf.runtime.TfTensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.tensorflow.Result;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Session;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.proto.SignatureDef;

/** One call of the converted model in TensorFlow beside one of the source in ONNX Runtime, two threads each. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 3)
@Fork(1)
public class InferenceBenchmark {
  private static final int THREADS = 2;

  @Param({"resnet18_narrow.ts_bn", "mobilenet_v3_narrow.dynamo"})
  public String model;

  /** Weights as variables (the default of a conversion) or as constants. */
  @Param({"false", "true"})
  public boolean freeze;

  private final Map<String, Tensor> inputs = new LinkedHashMap<>();
  private final Map<String, org.tensorflow.Tensor> feeds = new LinkedHashMap<>();
  private Path folder;
  private OrtModel onnxRuntime;
  private SavedModelBundle savedModel;
  private SignatureDef signature;

  @Setup
  public void setUp() throws IOException {
    Path file = Models.file(model);
    folder = Files.createTempDirectory("tenon-benchmark-");
    try (ModelSource source = ModelSource.ofFile(file)) {
      new Converter(ConvertOptions.defaults().withFreeze(freeze), Progress.NONE).convert(source, folder.resolve("out"));
    }
    onnxRuntime = OrtModel.open(file, OrtModel.Options.defaults().withThreads(THREADS));
    savedModel = SavedModelBundle.loader(folder.resolve("out").toString()).withTags("serve").withConfigProto(ConfigProto.newBuilder()
        .setIntraOpParallelismThreads(THREADS).setInterOpParallelismThreads(THREADS).build()).load();
    signature = savedModel.metaGraphDef().getSignatureDefOrThrow("serving_default");
    Model m = OnnxReader.read(file);
    for (Value v : m.graph().inputs()) {
      Tensor t = image(v);
      inputs.put(v.name(), t);
      feeds.put(signature.getInputsOrThrow(v.name()).getName(), TfTensors.toTensorFlow(t));
    }
  }

  /** A random image: batch 1, and 224 for dimensions that the model leaves open. */
  private static Tensor image(Value v) {
    long[] dims = v.shape().toLongs();
    int n = 1;
    for (int i = 0; i < dims.length; i++) {
      dims[i] = dims[i] >= 0 ? dims[i] : i == 0 ? 1 : 224;
      n *= (int) dims[i];
    }
    Random random = new Random(7);
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return Tensor.of(values, dims);
  }

  @Benchmark
  public Map<String, Tensor> onnxRuntime() {
    return onnxRuntime.run(inputs);
  }

  @Benchmark
  public long tensorFlow() {
    Session.Runner runner = savedModel.session().runner();
    feeds.forEach(runner::feed);
    signature.getOutputsMap().values().forEach(o -> runner.fetch(o.getName()));
    try (Result result = runner.run()) {
      return result.get(0).numBytes();
    }
  }

  @TearDown
  public void tearDown() throws IOException {
    feeds.values().forEach(org.tensorflow.Tensor::close);
    savedModel.close();
    onnxRuntime.close();
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path p : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(p);
      }
    }
  }
}
