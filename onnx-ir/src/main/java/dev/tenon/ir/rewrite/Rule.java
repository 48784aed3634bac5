package dev.tenon.ir.rewrite;

import java.util.LinkedHashSet;
import java.util.Set;
import java.util.function.BiFunction;

/**
 * A local rewriting: a pattern of values ending in one root node, and what to put in its place.
 *
 * <p>{@link #apply} is called for each match; it builds into the patch it is given and returns that, or refuses. It must not change
 * the graph in any other way.
 */
public interface Rule {
  /** The domain of operators that ONNX lacks. */
  String TENON_DOMAIN = "dev.tenon";

  /** A short name for reports, {@code gelu-erf} say. */
  String name();

  /** The pattern of the root's first output: an {@link Pattern.Op}, a {@link Pattern.Product}, or alternatives of these. */
  Pattern pattern();

  /** The patch, or why not. */
  Outcome apply(Match match, Patch patch);

  /** A rule of its parts. */
  static Rule of(String name, Pattern pattern, BiFunction<Match, Patch, Outcome> apply) {
    rootOps(pattern);
    return new Rule() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public Pattern pattern() {
        return pattern;
      }

      @Override
      public Outcome apply(Match match, Patch patch) {
        return apply.apply(match, patch);
      }

      @Override
      public String toString() {
        return name;
      }
    };
  }

  /** The operators that a root of this pattern may be. */
  static Set<String> rootOps(Pattern pattern) {
    if (pattern instanceof Pattern.Op op) {
      return op.opTypes();
    } else if (pattern instanceof Pattern.Product) {
      return Set.of("Mul", "Div");
    } else if (pattern instanceof Pattern.OneOf one) {
      Set<String> all = new LinkedHashSet<>();
      one.alternatives().forEach(a -> all.addAll(rootOps(a)));
      return all;
    }
    throw new IllegalArgumentException("a rule's pattern must start from an operator, not from " + pattern);
  }
}
