package dev.tenon.tf.custom;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** What the assignment of layouts may believe of a custom operator. */
public enum LayoutKind {
  /** Every output has the shape and layout of the first input, and the same is done to every element, wherever it stands. */
  ELEMENTWISE,
  /** Its inputs and outputs of rank 3 and more have the channels last. */
  CHANNELS_LAST,
  /** Nothing: it takes and gives what the source's operator takes and gives. */
  OPAQUE;

  /** As in {@code ops.yaml}: {@code elementwise}, {@code channels-last}, {@code opaque}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  public static Optional<LayoutKind> ofLabel(String label) {
    return Arrays.stream(values()).filter(k -> k.label().equals(label)).findFirst();
  }
}
