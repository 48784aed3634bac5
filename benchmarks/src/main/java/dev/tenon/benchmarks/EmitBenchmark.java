package dev.tenon.benchmarks;

import dev.tenon.ir.Model;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.pass.InferredShapes;
import dev.tenon.tf.BackendOptions;
import dev.tenon.tf.Conversion;
import dev.tenon.tf.TensorFlowBackend;
import java.util.concurrent.TimeUnit;
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
import org.openjdk.jmh.annotations.Warmup;

/** Emission of the TensorFlow graph from a model that passes and layout are done with. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class EmitBenchmark {
  @Param({"resnet18_narrow.ts_bn", "mobilenet_v3_narrow.dynamo", "bert_small.ts"})
  public String model;

  private final TensorFlowBackend backend = new TensorFlowBackend();
  private Model prepared;
  private InferredShapes shapes;

  @Setup
  public void setUp() {
    prepared = Models.read(model);
    shapes = Models.prepare(prepared);
  }

  @Benchmark
  public Conversion emit() {
    return backend.convert(prepared, BackendOptions.defaults().withKnownData(shapes::knownData), new Diagnostics());
  }
}
