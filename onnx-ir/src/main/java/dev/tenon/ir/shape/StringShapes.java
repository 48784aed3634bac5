package dev.tenon.ir.shape;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Strings and text, and decoded images. */
final class StringShapes {
  private StringShapes() {}

  static void register(Registry r) {
    r.op("StringConcat", 1, c -> c.output(0, DataType.STRING, c.broadcastInputs()));
    r.op("RegexFullMatch", 1, c -> c.output(0, DataType.BOOL, c.shape(0)));
    r.op("StringNormalizer", 1, StringShapes::normalizer);
    r.op("StringSplit", 1, StringShapes::split);
    r.op("TfIdfVectorizer", 1, StringShapes::tfIdf);
    r.op("ImageDecoder", 1, c -> c.output(0, DataType.UINT8,
        Shape.of(Dim.unknown(), Dim.unknown(), Dim.of(c.stringAttr("pixel_format", "RGB").equals("Grayscale") ? 1 : 3))));
  }

  /** Stop words are taken out of [n] or [1, n]; at least one element remains. */
  private static void normalizer(NodeContext c) {
    Shape x = c.shape(0);
    boolean all = c.node().attribute("stopwords") == null;
    c.output(0, DataType.STRING, all || !x.hasRank() || x.rank() == 0 ? x : x.with(-1, Dim.unknown()));
  }

  private static void split(NodeContext c) {
    Shape x = c.shape(0);
    List<Dim> dims = x.hasRank() ? new ArrayList<>(x.dims()) : null;
    if (dims != null) {
      dims.add(Dim.unknown());
    }
    c.output(0, DataType.STRING, dims == null ? x : Shape.of(dims));
    c.output(1, DataType.INT64, x);
  }

  private static void tfIdf(NodeContext c) {
    Shape x = c.shape(0);
    long[] indexes = c.intsAttr("ngram_indexes", new long[0]);
    Dim size = Dim.of(Arrays.stream(indexes).max().orElse(-1) + 1);
    c.output(0, DataType.FLOAT, !x.hasRank() ? x : x.rank() == 2 ? Shape.of(x.dim(0), size) : Shape.of(size));
  }
}
