package dev.tenon.tf.emit;

import dev.tenon.tf.Tf;
import java.util.List;
import org.tensorflow.Output;

/** The cell of a recurrent layer in one direction: its parameters, and what a step of the sequence does to its state. */
interface RecurrentCell {

  /** The input's kernel, [input, gates * hidden]. */
  Output<?> kernel();

  /** What is added to the input's projection, [gates * hidden]; null for nothing. */
  Output<?> bias();

  /** What the steps need besides: the recurrent kernel, peepholes. */
  List<Output<?>> invariants();

  /**
   * One step.
   *
   * @param tf the facade of the loop's body
   * @param x the projected input, [batch, gates * hidden]
   * @param state the state before, [batch, hidden] each; the first is the output
   * @param invariants those of {@link #invariants()} as the body sees them
   * @return the state after
   */
  List<Output<?>> step(Tf tf, Output<?> x, List<Output<?>> state, List<Output<?>> invariants);
}
