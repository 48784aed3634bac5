package dev.tenon.ir.pass;

import dev.tenon.ir.Model;
import java.time.Duration;

/** Hears of each pass after it has run and the model has been checked: for timings, logs and dumps of the model. */
public interface PassListener {

  /**
   * @param index counts the runs of passes from 0 over the whole pipeline
   * @param model the model as the pass left it; not to be changed
   */
  void passed(int index, Pass pass, PassResult result, Model model, Duration time);

  /** This, then another. */
  default PassListener and(PassListener other) {
    return (index, pass, result, model, time) -> {
      passed(index, pass, result, model, time);
      other.passed(index, pass, result, model, time);
    };
  }
}
