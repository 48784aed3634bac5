package dev.tenon.frontend.torchscript;

import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchScalar.Kind;
import dev.tenon.frontend.aten.TorchValue;
import java.util.List;
import java.util.Set;

/** Loops. One whose number of rounds is known is unrolled; any other becomes a {@code Loop}, see {@link RuntimeLoop}. */
final class Loops {
  /** Loops of more rounds are not unrolled. */
  private static final long MAX_UNROLLED = 10_000;

  private final Interpreter in;

  Loops(Interpreter in) {
    this.in = in;
  }

  // ---- for ----

  void execute(Ast.For s, Frame frame) {
    if (s.iterable() instanceof Ast.Call c && c.args().size() == 1 && "range".equals(Evaluator.global(c.callee(), frame))) {
      TorchValue n = in.evaluator().evaluate(c.args().get(0), frame);
      if (n instanceof Values.Unknown) {
        return;
      }
      if (!(n instanceof TorchScalar count) || count.kind() == Kind.FLOAT) {
        throw in.bad(Values.describe(n) + " rounds", "an integer");
      }
      if (count.isConstant() && count.toLong() <= MAX_UNROLLED) {
        unroll(s, count.toLong(), frame);
      } else {
        new RuntimeLoop(in, frame, s.body()).repeat(count, name(s));
      }
      return;
    }
    List<TorchValue> elements = Values.elements(in.evaluator().evaluate(s.iterable(), frame));
    if (elements == null) {
      throw in.bad("a loop over something else", "one over range or a list");
    }
    Set<String> before = Set.copyOf(frame.variables.keySet());
    for (TorchValue e : List.copyOf(elements)) {
      frame.variables.put(name(s), e);
      round(s.body(), frame, before);
    }
  }

  private String name(Ast.For s) {
    if (s.target() instanceof Ast.Name n) {
      return n.id();
    }
    throw in.bad("a loop over several variables", "over one");
  }

  private void unroll(Ast.For s, long count, Frame frame) {
    Set<String> before = Set.copyOf(frame.variables.keySet());
    for (long i = 0; i < count && frame.result == null; i++) {
      frame.variables.put(name(s), TorchScalar.of(i));
      round(s.body(), frame, before);
    }
  }

  /** One round. What it assigns that was not there before the loop is its own. */
  private void round(List<Ast.Stmt> body, Frame frame, Set<String> before) {
    in.execute(body, frame);
    frame.variables.keySet().retainAll(before);
  }

  // ---- while ----

  void execute(Ast.While s, Frame frame) {
    Set<String> before = Set.copyOf(frame.variables.keySet());
    for (long rounds = 0;; rounds++) {
      TorchValue condition = in.evaluator().truth(in.evaluator().evaluate(s.condition(), frame));
      if (!(condition instanceof TorchScalar c)) {
        return;
      }
      if (!c.isConstant() || rounds >= MAX_UNROLLED) {
        new RuntimeLoop(in, frame, s.body()).repeatWhile(c, s.condition());
        return;
      }
      if (!c.toBoolean() || frame.result != null) {
        return;
      }
      round(s.body(), frame, before);
    }
  }
}
