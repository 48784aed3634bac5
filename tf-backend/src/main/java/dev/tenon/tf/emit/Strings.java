package dev.tenon.tf.emit;

import dev.tenon.ir.Tensor;
import dev.tenon.tf.EmitContext;
import dev.tenon.tf.EmitterRegistry;
import dev.tenon.tf.Tf;
import java.util.List;
import org.tensorflow.Output;

/** Operators on strings. */
final class Strings {
  private Strings() {}

  static void register(EmitterRegistry ops) {
    ops.op("StringConcat", 20, c -> c.bind(0, c.tf().call("Add", c.in(0), c.in(1))));
    ops.op("RegexFullMatch", 20, Strings::regexFullMatch);
    ops.op("StringNormalizer", 10, Strings::normalize);
  }

  private static void regexFullMatch(EmitContext c) {
    Tf tf = c.tf();
    Output<?> pattern = tf.constant(Tensor.ofStrings(List.of(c.node().stringAttr("pattern", ""))));
    c.bind(0, tf.call("RegexFullMatch", c.in(0), pattern));
  }

  /** Stop words go, then the case is changed; a tensor that loses all its strings keeps one empty string. */
  private static void normalize(EmitContext c) {
    Tf tf = c.tf();
    String change = c.node().stringAttr("case_change_action", "NONE");
    boolean sensitive = c.node().intAttr("is_case_sensitive", 0) != 0;
    List<String> stop = c.node().stringsAttr("stopwords", List.of());
    Output<?> x = c.in(0);
    if (!stop.isEmpty()) {
      int last = c.rank(0) - 1;
      Output<?> flat = tf.reshape(x, -1L);
      Output<?> compared = sensitive ? flat : lower(tf, flat);
      List<String> words = sensitive ? stop : stop.stream().map(s -> s.toLowerCase(java.util.Locale.ROOT)).toList();
      Output<?> same = tf.call("Equal", tf.expandDims(compared, 1), tf.constant(Tensor.ofStrings(words, words.size())));
      Output<?> keep = tf.call("LogicalNot", tf.reduce("Any", same, false, 1));
      Output<?> kept = tf.gather(flat, tf.squeeze(tf.call("Where", keep), 1), 0);
      // With none left, one empty string: a pad of one if there is room for it.
      Output<?> missing = tf.sub(tf.constInt(1), tf.call("Minimum", Slicing.element(tf, tf.shape(kept), 0), tf.constInt(1)));
      Output<?> filler = tf.call("Fill", tf.pack(List.of(missing), 0), tf.constant(Tensor.ofStrings(List.of(""))));
      x = tf.concat(List.of(kept, filler), 0);
      x = last == 0 ? x : tf.reshape(x, 1, -1);
    }
    c.bind(0, switch (change) {
      case "LOWER" -> lower(tf, x);
      case "UPPER" -> tf.op("StringUpper").in(x).attr("encoding", "utf-8").out();
      default -> x;
    });
  }

  private static Output<?> lower(Tf tf, Output<?> x) {
    return tf.op("StringLower").in(x).attr("encoding", "utf-8").out();
  }
}
