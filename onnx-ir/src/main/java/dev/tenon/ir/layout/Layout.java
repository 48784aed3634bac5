package dev.tenon.ir.layout;

/** How a tensor with channel and spatial axes is stored. */
public enum Layout {
  /** Batch, channels, spatial axes. */
  CHANNELS_FIRST,
  /** Batch, spatial axes, channels. */
  CHANNELS_LAST
}
