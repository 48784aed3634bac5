package dev.tenon.frontend.aten;

import dev.tenon.ir.Value;

/** Brings what is written to a view back to the tensor that it is a view of. */
@FunctionalInterface
public interface ViewScatter {
  /**
   * The base's new value.
   *
   * @param c the call that made the view
   * @param base the base's value before
   * @param written the view's new value
   * @param index which of the views, where the call made several ({@code split})
   */
  Value scatter(AtenCall c, Value base, Value written, int index);
}
