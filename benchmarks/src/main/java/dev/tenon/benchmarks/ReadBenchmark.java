package dev.tenon.benchmarks;

import dev.tenon.ir.Model;
import dev.tenon.ir.io.OnnxReader;
import java.nio.file.Path;
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

/** Reading a model file into the IR: the graph, with the weights left where they are. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class ReadBenchmark {
  @Param({"resnet18_narrow.ts_bn", "mobilenet_v3_narrow.dynamo", "bert_small.ts"})
  public String model;

  private Path file;

  @Setup
  public void setUp() {
    file = Models.file(model);
  }

  @Benchmark
  public Model read() {
    return OnnxReader.read(file);
  }
}
