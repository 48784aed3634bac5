package dev.tenon.frontend.aten;

/** A string; also a device, {@code cpu}, and a memory format or layout where a file gives its name. */
public record TorchString(String text) implements TorchValue {
  @Override
  public String toString() {
    return "'" + text + "'";
  }
}
