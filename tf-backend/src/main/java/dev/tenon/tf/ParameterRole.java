package dev.tenon.tf;

/**
 * What a constant input is to its operator, which decides the last part of its variable's name: a convolution's
 * {@code a.b.weight} is {@code a/b/kernel}, a batch norm's is {@code a/b/gamma}.
 */
public enum ParameterRole {
  KERNEL("kernel", true),
  BIAS("bias", true),
  GAMMA("gamma", true),
  BETA("beta", true),
  MOVING_MEAN("moving_mean", false),
  MOVING_VARIANCE("moving_variance", false),
  EMBEDDINGS("embeddings", true),
  RECURRENT_KERNEL("recurrent_kernel", true),
  RECURRENT_BIAS("recurrent_bias", true),
  ALPHA("alpha", true),
  /** Keeps the last part of the name it has in the source. */
  OTHER("", true);

  private final String leaf;
  private final boolean trainable;

  ParameterRole(String leaf, boolean trainable) {
    this.leaf = leaf;
    this.trainable = trainable;
  }

  /** The last part of the variable's name; empty for {@link #OTHER}. */
  public String leaf() {
    return leaf;
  }

  /** False for running statistics. */
  public boolean trainable() {
    return trainable;
  }
}
