package dev.tenon.ir.pass;

/** One transformation of a whole model that keeps its meaning: the same outputs for the same inputs, up to rounding. */
public interface Pass {

  /** The name on the command line, {@code fold-batch-norm} say. */
  String name();

  /** One line that says what it does. */
  String description();

  /** Transforms the context's model in place and tells what it changed. */
  PassResult run(PassContext context);
}
