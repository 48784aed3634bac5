package dev.tenon.frontend.pickle;

import java.util.Map;

/**
 * An instance of a class, inert: the name of the class and the data that the pickle gives it. TorchScript's modules and named
 * tuples ({@code __torch__.…}) come as these, and the few plain classes that checkpoints hold ({@code torch.device},
 * {@code argparse.Namespace}, {@code numpy.ndarray}).
 */
public final class PickleObject {
  private final String className;
  private final PickleTuple args;
  private Object state = PickleNone.NONE;

  PickleObject(String className, PickleTuple args) {
    this.className = className;
    this.args = args;
  }

  /** The qualified name, {@code __torch__.torch.nn.modules.linear.Linear}. */
  public String className() {
    return className;
  }

  /** What the constructor was given: the elements of a named tuple, the value of an enumeration's member; empty for modules. */
  public PickleTuple args() {
    return args;
  }

  /** What was set after construction: a module's attributes as a map, or whatever its {@code __getstate__} gave. */
  public Object state() {
    return state;
  }

  void state(Object newState) {
    state = newState;
  }

  /** The attributes by name in the order of the pickle; empty if the state is no map. */
  public Map<?, ?> attributes() {
    return state instanceof Map<?, ?> m ? m : Map.of();
  }

  /** The class alone: attributes may be many, and may lead back here. */
  @Override
  public String toString() {
    return className + " object";
  }
}
