package dev.tenon.frontend.aten;

import java.util.LinkedHashMap;
import java.util.Map;

/** A Python dictionary, mutable, in order of insertion. Keys are constants: {@link TorchString} or {@link TorchScalar}. */
public final class TorchDict implements TorchValue {
  private final Map<TorchValue, TorchValue> entries = new LinkedHashMap<>();

  /** The entries; mutable. */
  public Map<TorchValue, TorchValue> entries() {
    return entries;
  }

  @Override
  public String toString() {
    return entries.toString();
  }
}
