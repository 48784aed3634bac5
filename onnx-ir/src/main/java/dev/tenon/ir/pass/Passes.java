package dev.tenon.ir.pass;

import java.util.List;

/** The list of all passes, in the order in which they run: a new pass is added here and nowhere else. */
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
        new NormalizationFusion(),
        new ActivationFusion(),
        new ConvolutionFusion(),
        new BatchNormFolding(),
        new DeadCode());
  }
}
