package dev.tenon.tf.emit;

import dev.tenon.ir.Tensor;
import dev.tenon.tf.EmitContext;
import dev.tenon.tf.EmitterRegistry;
import dev.tenon.tf.Tf;
import org.tensorflow.Output;

/** Operators that move elements between space and channels. */
final class SpaceAndDepth {
  private SpaceAndDepth() {}

  static void register(EmitterRegistry ops) {
    ops.op("DepthToSpace", 1, SpaceAndDepth::depthToSpace);
    ops.op("dev.tenon", "DepthToSpace2D", 1, SpaceAndDepth::depthToSpace);
    ops.op("SpaceToDepth", 1, SpaceAndDepth::spaceToDepth);
    ops.op("dev.tenon", "SpaceToDepth2D", 1, SpaceAndDepth::spaceToDepth);
  }

  private static void depthToSpace(EmitContext c) {
    Spatial s = Spatial.of(c);
    long block = c.node().intAttr("blocksize", 1);
    Output<?> x = s.x();
    if (c.node().stringAttr("mode", "DCR").equals("CRD") && s.channels() > 0) {
      x = c.tf().gather(x, c.tf().constant(blockFirst(s.channels(), block * block)), 3);
    } else if (c.node().stringAttr("mode", "DCR").equals("CRD")) {
      c.unsupported("mode CRD with a number of channels known at run time only", "give the input's channel dimension");
      return;
    }
    s.bind(block == 1 ? x : c.tf().op("DepthToSpace").in(x).attr("block_size", block).out());
  }

  private static void spaceToDepth(EmitContext c) {
    Spatial s = Spatial.of(c);
    Tf tf = c.tf();
    long block = c.node().intAttr("blocksize", 1);
    Output<?> y = block == 1 ? s.x() : tf.op("SpaceToDepth").in(s.x()).attr("block_size", block).out();
    if (c.node().stringAttr("mode", "DCR").equals("CRD")) {
      long channels = s.channels();
      int[] order = new int[(int) (channels * block * block)];
      for (int i = 0; i < order.length; i++) {
        // Channel first in ONNX's order, place in the block first in TensorFlow's.
        order[i] = (int) (i % (block * block) * channels + i / (block * block));
      }
      y = tf.gather(y, tf.constInts(order), 3);
    }
    s.bind(y);
  }

  /** Channels ordered [channel, place in block] reordered to [place in block, channel], as TensorFlow has them. */
  private static Tensor blockFirst(long channels, long places) {
    int[] order = new int[(int) channels];
    long outer = channels / places;
    for (int i = 0; i < order.length; i++) {
      order[i] = (int) (i % outer * places + i / outer);
    }
    return Tensor.of(order, channels);
  }
}
