package dev.tenon.frontend.torchscript;

import dev.tenon.frontend.aten.LoweringException;
import dev.tenon.frontend.aten.TorchDict;
import dev.tenon.frontend.aten.TorchList;
import dev.tenon.frontend.aten.TorchNone;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchString;
import dev.tenon.frontend.aten.TorchTuple;
import dev.tenon.frontend.aten.TorchValue;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.UnaryOperator;

/** Functions of strings. Most strings in models are messages of errors that are never raised. */
final class TextBuiltins {
  private static final int MAX_LENGTH = 1_000_000;

  private TextBuiltins() {
  }

  static void register(Builtins b) {
    b.add("aten::format", a -> bounded(format(a))).add("aten::percentFormat", a -> bounded(percentFormat(a)));
    b.add("aten::str builtin::str", a -> new TorchString(show(a.get(0))));
    b.add("aten::add", a -> a.get(0) instanceof TorchString s && a.get(1) instanceof TorchString t ? bounded(s.text() + t.text()) : null);
    b.add("aten::mul", a -> a.get(0) instanceof TorchString s && a.get(1) instanceof TorchScalar n ? repeated(s.text(), a.integer(1)) : null);
    for (String name : List.of("lt", "le", "gt", "ge")) {
      b.add("aten::" + name, a -> a.get(0) instanceof TorchString s && a.get(1) instanceof TorchString t
          ? TorchScalar.of(holds(name, s.text().compareTo(t.text()))) : null);
    }
    b.add("aten::join", TextBuiltins::join).add("aten::split", TextBuiltins::split);
    map(b, "upper", s -> s.toUpperCase(Locale.ROOT));
    map(b, "lower", s -> s.toLowerCase(Locale.ROOT));
    map(b, "strip", String::strip);
    map(b, "lstrip", String::stripLeading);
    map(b, "rstrip", String::stripTrailing);
    map(b, "capitalize", s -> s.isEmpty() ? s : s.substring(0, 1).toUpperCase(Locale.ROOT) + s.substring(1).toLowerCase(Locale.ROOT));
    b.add("aten::replace", a -> a.get(0) instanceof TorchString s ? bounded(s.text().replace(a.text(1), a.text(2))) : null);
    b.add("aten::startswith", a -> TorchScalar.of(a.text(0).startsWith(a.text(1))));
    b.add("aten::endswith", a -> TorchScalar.of(a.text(0).endsWith(a.text(1))));
    b.add("aten::find", a -> TorchScalar.of((long) a.text(0).indexOf(a.text(1))));
    b.add("aten::rfind", a -> TorchScalar.of((long) a.text(0).lastIndexOf(a.text(1))));
    b.add("aten::isdigit", a -> TorchScalar.of(!a.text(0).isEmpty() && a.text(0).chars().allMatch(Character::isDigit)));
    b.add("aten::ord builtin::ord", a -> TorchScalar.of(a.text(0).isEmpty() ? 0L : a.text(0).codePointAt(0)));
    b.add("aten::chr builtin::chr", a -> new TorchString(Character.toString((int) Math.max(0, Math.min(a.integer(0), 0x10ffff)))));
  }

  private static void map(Builtins b, String name, UnaryOperator<String> f) {
    b.add("aten::" + name, a -> a.get(0) instanceof TorchString s ? new TorchString(f.apply(s.text())) : null);
  }

  private static TorchString bounded(String s) {
    if (s.length() > MAX_LENGTH) {
      throw new LoweringException("a string of " + s.length() + " characters; at most " + MAX_LENGTH + " are followed");
    }
    return new TorchString(s);
  }

  private static TorchString repeated(String s, long times) {
    long n = Math.max(0, times);
    if (n > 0 && s.length() > MAX_LENGTH / n) {
      throw new LoweringException("a string repeated " + n + " times; at most " + MAX_LENGTH + " characters are followed");
    }
    return new TorchString(s.repeat((int) n));
  }

  private static boolean holds(String operator, int c) {
    return switch (operator) {
      case "lt" -> c < 0;
      case "le" -> c <= 0;
      case "gt" -> c > 0;
      default -> c >= 0;
    };
  }

  private static String format(Arguments a) {
    String pattern = a.text(0);
    StringBuilder b = new StringBuilder();
    int next = 1;
    int at = 0;
    while (true) {
      int open = pattern.indexOf("{}", at);
      if (open < 0) {
        return b.append(pattern.substring(at)).toString();
      }
      b.append(pattern, at, open).append(next < a.count() ? show(a.get(next)) : "");
      next++;
      at = open + 2;
      if (b.length() > MAX_LENGTH) {
        return b.toString();
      }
    }
  }

  /** {@code '%d of %s' % (3, "x")}: what is formatted goes into messages, so that each value is simply shown. */
  private static String percentFormat(Arguments a) {
    StringBuilder b = new StringBuilder();
    String pattern = a.text(0);
    int next = 1;
    for (int i = 0; i < pattern.length(); i++) {
      char c = pattern.charAt(i);
      if (c != '%' || i + 1 >= pattern.length()) {
        b.append(c);
      } else if (pattern.charAt(i + 1) == '%') {
        b.append('%');
        i++;
      } else {
        b.append(next < a.count() ? show(a.get(next)) : "");
        next++;
        i++;
      }
    }
    return b.toString();
  }

  /** A value as Python's {@code str} has it, as far as it is known. */
  static String show(TorchValue v) {
    if (v instanceof TorchString s) {
      return s.text();
    } else if (v instanceof TorchScalar s && s.isConstant()) {
      return s.kind() == TorchScalar.Kind.BOOL ? s.toBoolean() ? "True" : "False" : s.toString();
    } else if (v instanceof TorchNone) {
      return "None";
    }
    List<TorchValue> elements = Values.elements(v);
    if (elements != null) {
      String inside = String.join(", ", elements.stream().limit(20).map(TextBuiltins::show).toList());
      return v instanceof TorchTuple ? "(" + inside + ")" : "[" + inside + "]";
    }
    return v instanceof TorchDict d ? "a dict of " + d.entries().size() : Values.describe(v);
  }

  private static TorchValue join(Arguments a) {
    List<String> parts = new ArrayList<>();
    for (TorchValue v : a.elements(1)) {
      parts.add(v instanceof TorchString s ? s.text() : show(v));
    }
    return bounded(String.join(a.text(0), parts));
  }

  private static TorchValue split(Arguments a) {
    if (!(a.get(0) instanceof TorchString s)) {
      return null;
    }
    String[] parts = a.isNone(1) ? s.text().strip().split("\\s+") : s.text().split(java.util.regex.Pattern.quote(a.text(1)), -1);
    return new TorchList(Arrays.stream(parts).map(TorchString::new).toList());
  }
}
