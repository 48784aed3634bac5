package dev.tenon.benchmarks;

import dev.tenon.convert.ConversionReport;
import dev.tenon.convert.ConvertOptions;
import dev.tenon.convert.Converter;
import dev.tenon.convert.Progress;
import dev.tenon.frontend.ModelSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
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

/** A whole conversion in a warm JVM: file to SavedModel on disk, without the verification. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(1)
public class ConvertBenchmark {
  @Param({"resnet18_narrow.ts_bn", "mobilenet_v3_narrow.dynamo", "bert_small.ts"})
  public String model;

  private Path folder;

  @Setup
  public void setUp() throws IOException {
    folder = Files.createTempDirectory("tenon-benchmark-");
  }

  @Benchmark
  public ConversionReport convert() {
    try (ModelSource source = ModelSource.ofFile(Models.file(model))) {
      return new Converter(ConvertOptions.defaults().withForce(true), Progress.NONE).convert(source, folder.resolve("out"));
    }
  }

  @TearDown
  public void tearDown() throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path p : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(p);
      }
    }
  }
}
