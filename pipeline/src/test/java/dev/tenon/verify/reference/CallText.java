package dev.tenon.verify.reference;

import dev.tenon.frontend.aten.Aten;
import dev.tenon.frontend.aten.TorchList;
import dev.tenon.frontend.aten.TorchNone;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchString;
import dev.tenon.frontend.aten.TorchValue;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Evaluates the statements of an {@link OpCase} with the lowerings alone, without a reader of programs between. */
final class CallText {
  private final Aten aten;
  private final Map<String, TorchValue> variables;
  private String text;
  private int at;

  CallText(Aten aten, Map<String, TorchValue> inputs) {
    this.aten = aten;
    this.variables = new LinkedHashMap<>(inputs);
  }

  /** The value of the last statement. */
  TorchValue run(List<String> statements) {
    TorchValue last = TorchNone.NONE;
    for (String s : statements) {
      boolean assigned = s.matches("\\w+ = .*");
      text = assigned ? s.substring(s.indexOf('=') + 1) : s;
      at = 0;
      last = expression();
      if (at != text.length()) {
        throw new IllegalArgumentException("'" + text.substring(at) + "' left of " + s);
      }
      if (assigned) {
        variables.put(s.substring(0, s.indexOf(' ')), last);
      }
    }
    return last;
  }

  private boolean take(String token) {
    while (at < text.length() && text.charAt(at) == ' ') {
      at++;
    }
    boolean there = text.startsWith(token, at);
    at += there ? token.length() : 0;
    return there;
  }

  private TorchValue expression() {
    take("?");
    if (take("[")) {
      List<TorchValue> elements = new ArrayList<>();
      while (!take("]")) {
        elements.add(expression());
        take(",");
      }
      return new TorchList(elements);
    }
    if (take("\"")) {
      int end = text.indexOf('"', at);
      String s = text.substring(at, end);
      at = end + 1;
      return new TorchString(s);
    }
    String word = word();
    if (word.matches("-?(inf|nan)|-?\\d+\\.\\d*([eE]-?\\d+)?|-?\\d+[eE]-?\\d+")) {
      return TorchScalar.of(word.endsWith("inf") ? word.startsWith("-") ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY
          : word.endsWith("nan") ? Double.NaN : Double.parseDouble(word));
    } else if (word.matches("-?\\d+")) {
      return TorchScalar.of(Long.parseLong(word));
    } else if (word.equals("annotate") && take("(")) {
      at = text.indexOf("], ", at) + 2;
      TorchValue v = expression();
      take(")");
      return v;
    } else if (take("(")) {
      return call(word);
    }
    return switch (word) {
      case "None" -> TorchNone.NONE;
      case "True" -> TorchScalar.of(true);
      case "False" -> TorchScalar.of(false);
      default -> {
        if (!variables.containsKey(word)) {
          throw new IllegalArgumentException("no variable '" + word + "' in " + text);
        }
        yield variables.get(word);
      }
    };
  }

  private String word() {
    take("");
    int start = at;
    while (at < text.length() && (Character.isLetterOrDigit(text.charAt(at)) || "_.-".indexOf(text.charAt(at)) >= 0)) {
      at++;
    }
    return text.substring(start, at);
  }

  private TorchValue call(String name) {
    List<TorchValue> positional = new ArrayList<>();
    Map<String, TorchValue> named = new LinkedHashMap<>();
    while (!take(")")) {
      int start = at;
      String word = word();
      if (word.matches("[a-z_]\\w*") && take("=")) {
        named.put(word, expression());
      } else {
        at = start;
        positional.add(expression());
      }
      take(",");
    }
    return aten.call("aten::" + name, null, positional, named, List.of());
  }
}
