package dev.tenon.benchmarks;

import dev.tenon.ir.Model;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.pass.InferredShapes;
import dev.tenon.ir.layout.ChannelsLast;
import dev.tenon.ir.pass.Pass;
import dev.tenon.ir.pass.PassContext;
import dev.tenon.ir.pass.PassManager;
import dev.tenon.ir.pass.Passes;
import java.util.List;
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

/** Each pass by itself on a model as it was read, then the whole pipeline, shape inference and layout. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 10)
@Measurement(iterations = 20)
@Fork(1)
public class PassBenchmark {
  @Param({"resnet18_narrow.ts_bn", "bert_small.ts"})
  public String model;

  @Param({"expand-functions", "constant-folding", "inline-branches", "no-ops", "reshape-targets", "common-subexpressions",
      "fuse-normalization", "fuse-activations", "merge-scales", "fuse-convolution", "fold-batch-norm", "dead-code", "all", "shapes", "layout"})
  public String pass;

  private Model fresh;
  private InferredShapes shapes;
  private Runnable work;

  /** Passes change their model, so each shot gets a new one. */
  @Setup(Level.Invocation)
  public void setUp() {
    fresh = Models.read(model);
    shapes = new InferredShapes();
    shapes.infer(fresh, new Diagnostics());
    PassContext context = new PassContext(fresh, new Diagnostics(), shapes);
    work = switch (pass) {
      case "all" -> () -> PassManager.of("default").run(context);
      case "shapes" -> () -> shapes.infer(fresh, new Diagnostics());
      case "layout" -> () -> ChannelsLast.run(fresh);
      default -> {
        Pass one = Passes.all().stream().filter(p -> p.name().equals(pass)).findFirst()
            .orElseThrow(() -> new IllegalArgumentException("no pass " + pass));
        yield () -> new PassManager(List.of(one)).maxRounds(1).run(context);
      }
    };
  }

  @Benchmark
  public Model run() {
    work.run();
    return fresh;
  }
}
