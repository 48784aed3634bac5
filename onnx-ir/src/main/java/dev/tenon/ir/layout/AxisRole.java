package dev.tenon.ir.layout;

/** What an axis means to the operators around it. */
enum AxisRole {
  BATCH, CHANNEL, SPACE
}
