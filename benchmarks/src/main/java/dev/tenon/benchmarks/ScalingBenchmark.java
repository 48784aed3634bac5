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
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** Passes, layout and emission of graphs of growing size: the time must grow as the graph does, not faster. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 2)
@Measurement(iterations = 5)
@Fork(value = 1, jvmArgsAppend = "-Xmx4g")
public class ScalingBenchmark {
  @Param({"5000", "10000", "50000"})
  public int nodes;

  private Model model;

  @Setup(Level.Invocation)
  public void setUp() {
    model = Models.synthetic(nodes);
    model.graph().recordOrigins();
  }

  @Benchmark
  public Conversion convert() {
    InferredShapes shapes = Models.prepare(model);
    return new TensorFlowBackend().convert(model, BackendOptions.defaults().withKnownData(shapes::knownData), new Diagnostics());
  }
}
