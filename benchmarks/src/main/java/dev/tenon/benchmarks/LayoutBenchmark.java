package dev.tenon.benchmarks;

import dev.tenon.ir.Model;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.layout.ChannelsLast;
import dev.tenon.ir.pass.InferredShapes;
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

/**
 * The assignment of layouts by itself, on large graphs with shapes inferred: a chain of convolutions, batch norms and additions, or
 * blocks of every kind in turn ({@link MixedNetwork}).
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3)
@Measurement(iterations = 10)
@Fork(value = 1, jvmArgsAppend = "-Xmx4g")
public class LayoutBenchmark {
  @Param({"chain", "mixed"})
  public String network;

  @Param({"5000", "20000"})
  public int nodes;

  private Model model;

  /** The pass changes its model, so each shot gets a new one. */
  @Setup(Level.Invocation)
  public void setUp() {
    model = network.equals("chain") ? Models.synthetic(nodes) : MixedNetwork.of(nodes);
    model.graph().recordOrigins();
    new InferredShapes().infer(model, new Diagnostics());
  }

  @Benchmark
  public ChannelsLast.Result layout() {
    return ChannelsLast.run(model);
  }
}
