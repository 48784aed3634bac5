package dev.tenon.frontend.pickle;

import dev.tenon.frontend.archive.ScalarType;
import dev.tenon.frontend.archive.StoredTensor;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.io.Quote;
import java.math.BigInteger;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Where in which file a pickle is being read, for messages; and the conversions of arguments that fail with such a message. */
interface PicklePlace {

  BadInputException bad(String found, String expected);

  /** What messages call the file. */
  Object file();

  /** The entry and the byte in it. */
  String position();

  /** A number not given before, for naming what has no name in the file. */
  int serial();

  default Object arg(List<Object> args, int i, String function) {
    if (i >= args.size()) {
      throw bad(function + " with " + args.size() + " arguments", "more");
    }
    return args.get(i);
  }

  default long integer(Object value, String what) {
    if (value instanceof Long n) {
      return n;
    }
    throw bad(describe(value) + " as " + what, "an integer");
  }

  default double number(Object value, String what) {
    if (value instanceof Double d) {
      return d;
    }
    return integer(value, what);
  }

  default String string(Object value, String what) {
    if (value instanceof String s) {
      return s;
    }
    throw bad(describe(value) + " as " + what, "a string");
  }

  default List<?> sequence(Object value, String what) {
    if (value instanceof PickleTuple t) {
      return t.items();
    }
    if (value instanceof List<?> l) {
      return l;
    }
    throw bad(describe(value) + " as " + what, "a tuple");
  }

  default List<Long> integers(Object value, String what) {
    return sequence(value, what).stream().map(v -> integer(v, what)).toList();
  }

  default StoredTensor tensor(Object value, String what) {
    if (value instanceof StoredTensor t) {
      return t;
    }
    throw bad(describe(value) + " as " + what, "a tensor");
  }

  /** What a value is, for messages: never its contents, which may be endless. */
  static String describe(Object value) {
    if (value instanceof Long || value instanceof Double || value instanceof Boolean || value instanceof PickleNone) {
      return value.toString();
    } else if (value instanceof String s) {
      return s.length() <= 60 ? "the string \"" + Quote.of(s) + '"' : "a string of " + s.length() + " characters";
    } else if (value instanceof BigInteger) {
      return "an integer beyond 64 bits";
    } else if (value instanceof byte[] b) {
      return b.length + " bytes";
    } else if (value instanceof PickleTuple t) {
      return "a tuple of " + t.size();
    } else if (value instanceof List<?> l) {
      return "a list of " + l.size();
    } else if (value instanceof Map<?, ?> m) {
      return "a dict of " + m.size();
    } else if (value instanceof Set<?> s) {
      return "a set of " + s.size();
    } else if (value instanceof StoredTensor t) {
      return "the tensor " + t;
    } else if (value instanceof ScalarType t) {
      return "torch." + t;
    } else if (value instanceof PickleGlobal g) {
      return g.name();
    } else if (value instanceof PickleObject o) {
      return "an object of class " + Quote.of(o.className());
    }
    return value == null ? "nothing" : "a " + value.getClass().getSimpleName();
  }
}
