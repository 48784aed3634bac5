package dev.tenon.frontend.pickle;

import dev.tenon.frontend.archive.ScalarType;
import java.math.BigInteger;

/**
 * What may be a key of a dict or an element of a set: immutable values, as in Python, and tuples only so large that hashing and
 * comparing them takes no time to speak of.
 */
final class KeyCheck {
  private static final int MAX_TUPLE = 256;
  /** Hashes of tuples are easily made to collide, and tuples have no order to fall back on. */
  private static final int MAX_TUPLES = 1 << 14;

  private final PicklePlace place;
  private int tuples;

  KeyCheck(PicklePlace place) {
    this.place = place;
  }

  Object checked(Object key) {
    if (key instanceof PickleTuple t) {
      if (++tuples > MAX_TUPLES || weight(t, MAX_TUPLE) > MAX_TUPLE) {
        throw place.bad("large or many tuples as keys", "at most " + MAX_TUPLES + " of " + MAX_TUPLE + " elements");
      }
    } else if (!atom(key)) {
      throw place.bad(PicklePlace.describe(key) + " as a key", "a string, number or tuple");
    }
    return key;
  }

  private static boolean atom(Object key) {
    return key instanceof String || key instanceof Long || key instanceof BigInteger || key instanceof Double || key instanceof Boolean
        || key instanceof PickleNone || key instanceof ScalarType;
  }

  private int weight(PickleTuple tuple, int budget) {
    int w = 1;
    for (Object o : tuple.items()) {
      if (o instanceof PickleTuple t) {
        w += weight(t, budget - w);
      } else if (atom(o)) {
        w++;
      } else {
        throw place.bad("a tuple with " + PicklePlace.describe(o) + " as a key", "strings and numbers");
      }
      if (w > budget) {
        return w;
      }
    }
    return w;
  }
}
