package dev.tenon.frontend.pickle;

import java.util.List;

/**
 * A class or function that a pickle names. It is a name from the list in {@link Globals} and, where the pickle may call it, our own
 * code for what it does.
 *
 * @param name with its module, {@code collections.OrderedDict}
 * @param call what calling it gives, or null if it may be named but not called
 */
record PickleGlobal(String name, Call call) {

  /** Our own version of a Python function. */
  interface Call {
    Object apply(PicklePlace place, List<Object> args);
  }

  @Override
  public String toString() {
    return name;
  }
}
