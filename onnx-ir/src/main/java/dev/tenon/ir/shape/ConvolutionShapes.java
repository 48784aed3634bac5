package dev.tenon.ir.shape;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Convolutions, transposed, deformable and quantized ones too, and the inverse of im2col. */
final class ConvolutionShapes {
  private ConvolutionShapes() {}

  static void register(Registry r) {
    r.op("Conv", 1, c -> c.output(0, c.dtype(0), conv(c, c.shape(0), c.shape(1))));
    r.op("DeformConv", 1, c -> c.output(0, c.dtype(0), conv(c, c.shape(0), c.shape(1))));
    r.op("ConvInteger", 1, c -> c.output(0, DataType.INT32, conv(c, c.shape(0), c.shape(1))));
    r.op("QLinearConv", 1, c -> c.output(0, c.dtype(7), conv(c, c.shape(0), c.shape(3))));
    r.op("ConvTranspose", 1, ConvolutionShapes::convTranspose);
    r.op("Col2Im", 1, ConvolutionShapes::col2Im);
    r.op("CausalConvWithState", 1, ConvolutionShapes::causalConvWithState);
  }

  /** The rank of an input or its weights, whichever is known. */
  private static int rank(NodeContext c, Shape x, Shape w) {
    if (x.hasRank() && w.hasRank() && x.rank() != w.rank() || x.hasRank() && x.rank() < 3 || w.hasRank() && w.rank() < 3) {
      throw c.invalid("an input of shape " + x + " and weights of shape " + w);
    }
    return Math.max(x.rank(), w.rank());
  }

  private static Shape conv(NodeContext c, Shape x, Shape w) {
    int rank = rank(c, x, w);
    if (rank < 0) {
      return Shape.unknown();
    }
    Shape in = x.hasRank() ? x : Shape.unknownOfRank(rank);
    Shape weights = w.hasRank() ? w : Shape.unknownOfRank(rank);
    List<Dim> kernel = w.hasRank() ? weights.subList(2, rank) : Windows.kernel(c);
    List<Dim> out = new ArrayList<>(List.of(in.dim(0), weights.dim(0)));
    out.addAll(Windows.of(c, kernel == null ? weights.subList(2, rank) : checked(c, kernel, rank)).places(in.subList(2, rank)));
    return Shape.of(out);
  }

  private static List<Dim> checked(NodeContext c, List<Dim> kernel, int rank) {
    if (kernel.size() != rank - 2) {
      throw c.invalid("kernel_shape has " + kernel.size() + " elements, " + (rank - 2) + " expected");
    }
    return kernel;
  }

  private static void convTranspose(NodeContext c) {
    Shape x = c.shape(0);
    Shape w = c.shape(1);
    int rank = rank(c, x, w);
    if (rank < 0) {
      c.output(0, c.dtype(0), Shape.unknown());
      return;
    }
    Shape in = x.hasRank() ? x : Shape.unknownOfRank(rank);
    Shape weights = w.hasRank() ? w : Shape.unknownOfRank(rank);
    List<Dim> out = new ArrayList<>(List.of(in.dim(0), weights.dim(1).times(c.intAttr("group", 1))));
    long[] outputShape = c.intsAttr("output_shape", null);
    int n = rank - 2;
    if (outputShape != null && outputShape.length >= n) {
      // Some exporters gave the whole shape, of which only the spatial part counts.
      Arrays.stream(outputShape).skip(outputShape.length - n).mapToObj(Dim::of).forEach(out::add);
    } else {
      long[] padding = c.intsAttr("output_padding", new long[n]);
      if (padding.length != n) {
        throw c.invalid("output_padding has " + padding.length + " elements, " + n + " expected");
      }
      out.addAll(Windows.of(c, weights.subList(2, rank)).unplaced(in.subList(2, rank), padding));
    }
    c.output(0, c.dtype(0), Shape.of(out));
  }

  /** [N, C*block, L] to [N, C, image]. */
  private static void col2Im(NodeContext c) {
    Shape x = c.shapeOfRank(0, 3);
    List<Dim> image = c.dims(1);
    List<Dim> block = c.dims(2);
    long n = Math.max(c.length(1), c.length(2));
    if (image == null) {
      c.output(0, c.dtype(0), n < 0 ? Shape.unknown() : Shape.unknownOfRank((int) n + 2).with(0, x.dim(0)));
      return;
    }
    List<Dim> out = new ArrayList<>(List.of(x.dim(0), Dim.unknown()));
    if (block != null) {
      Dim elements = Shape.of(block).numel();
      out.set(1, elements.is(0) ? Dim.unknown() : x.dim(1).floorDiv(elements));
    }
    out.addAll(image);
    c.output(0, c.dtype(0), Shape.of(out));
  }

  private static void causalConvWithState(NodeContext c) {
    Shape x = c.shapeOfRank(0, 3);
    c.output(0, c.dtype(0), x);
    c.output(1, c.dtype(0), Shape.of(x.dim(0), x.dim(1), c.shapeOfRank(1, 3).dim(2).minus(1)));
  }
}
