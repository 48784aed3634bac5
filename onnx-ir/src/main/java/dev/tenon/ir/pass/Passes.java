package dev.tenon.ir.pass;

import java.util.List;
import java.util.Set;

/** The list of all passes, in the order in which they run: a new pass is added here, and to {@link #cleanUp} if it belongs there. */
public final class Passes {
  private Passes() {}

  /** New instances of all passes. All run by default; {@link PassSelection} leaves some out. */
  public static List<Pass> all() {
    return List.of(
        new FunctionExpansion(),
        new ConstantFolding(),
        new InlineBranches(),
        new UnpackSequences(),
        new NoOps(),
        new ReshapeTargets(),
        new CommonSubexpressions(),
        new NestedConcats(),
        new NormalizationFusion(),
        new ActivationFusion(),
        new ProductScales(),
        new GroupNorms(),
        new ChannelShuffles(),
        new ConvolutionFusion(),
        new BatchNormFolding(),
        new DeadCode());
  }

  /**
   * New instances of all passes, for a model that is written as ONNX: the same but for constant folding, which leaves the source's
   * parameters as they are.
   */
  public static List<Pass> forExport() {
    return all().stream().map(p -> p instanceof ConstantFolding ? ConstantFolding.keepingParameters() : p).toList();
  }

  /** Names of the passes of {@link #forExport} that run by default: they clean up, and change neither operators nor parameters. */
  public static Set<String> cleanUp() {
    return Set.of("constant-folding", "inline-branches", "unpack-sequences", "no-ops", "reshape-targets", "common-subexpressions",
        "dead-code");
  }
}
