package dev.tenon.frontend.torchscript;

import dev.tenon.frontend.aten.LoweringException;
import dev.tenon.frontend.aten.TorchDict;
import dev.tenon.frontend.aten.TorchList;
import dev.tenon.frontend.aten.TorchNone;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchString;
import dev.tenon.frontend.aten.TorchTensor;
import dev.tenon.frontend.aten.TorchValue;
import java.util.List;
import java.util.Map;

/**
 * The arguments of one call of a {@link Builtin}.
 *
 * @param in who interprets
 * @param name of the function, for messages
 */
record Arguments(Interpreter in, String name, List<TorchValue> positional, Map<String, TorchValue> named) {

  int count() {
    return positional.size();
  }

  /** Argument i, or None if it is not given. */
  TorchValue get(int i) {
    return i < positional.size() ? positional.get(i) : TorchNone.NONE;
  }

  /** Argument i by position or name, or None. */
  TorchValue get(int i, String keyword) {
    return i < positional.size() ? positional.get(i) : named.getOrDefault(keyword, TorchNone.NONE);
  }

  boolean isNone(int i) {
    return get(i) == TorchNone.NONE;
  }

  LoweringException bad(int i, String expected) {
    return new LoweringException(name + ": argument " + (i + 1) + " is " + Values.describe(get(i)) + ", not " + expected);
  }

  TorchTensor tensor(int i) {
    if (get(i) instanceof TorchTensor t) {
      return t;
    }
    throw bad(i, "a tensor");
  }

  TorchScalar scalar(int i) {
    if (get(i) instanceof TorchScalar s) {
      return s;
    }
    if (get(i) instanceof TorchTensor t) {
      return in.scalars().natural(t);
    }
    throw bad(i, "a number");
  }

  /** A constant integer. */
  long integer(int i) {
    TorchScalar s = scalar(i);
    if (!s.isConstant()) {
      throw bad(i, "known at conversion time");
    }
    return s.toLong();
  }

  /** A constant integer, the other for None. */
  long integer(int i, long ifNone) {
    return isNone(i) ? ifNone : integer(i);
  }

  String text(int i) {
    if (get(i) instanceof TorchString s) {
      return s.text();
    }
    throw bad(i, "a string");
  }

  TorchList list(int i) {
    if (get(i) instanceof TorchList l) {
      return l;
    }
    throw bad(i, "a list");
  }

  /** The elements of a list or tuple. */
  List<TorchValue> elements(int i) {
    List<TorchValue> elements = Values.elements(get(i));
    if (elements == null) {
      throw bad(i, "a list or a tuple");
    }
    return elements;
  }

  TorchDict dict(int i) {
    if (get(i) instanceof TorchDict d) {
      return d;
    }
    throw bad(i, "a dict");
  }

  Numbers numbers() {
    return in.numbers();
  }
}
