package dev.tenon.frontend.torchscript;

import dev.tenon.frontend.aten.LoweringException;
import dev.tenon.frontend.aten.TorchList;
import dev.tenon.frontend.aten.TorchNone;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.Provenance;
import dev.tenon.ir.Type;
import dev.tenon.ir.diag.BadInputException;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Calls of operators by their qualified names: computed here if they are {@link Builtins}, else by the core's lowerings. */
final class Operators {
  private static final Set<String> ADDING = Set.of("aten::append", "aten::extend", "aten::add_");

  private final SourceLines lines;
  private final OldVersions old;
  private final Builtins builtins = Builtins.standard();
  private final Map<String, Integer> labels = new HashMap<>();

  Operators(SourceLines lines, OldVersions old) {
    this.lines = lines;
    this.old = old;
  }

  boolean isBuiltin(String name) {
    return builtins.find(name) != null;
  }

  /**
   * Calls an operator.
   *
   * @param name namespace and name, {@code aten::conv2d}
   * @param results how many results the code takes apart
   */
  TorchValue call(Interpreter in, String name, List<TorchValue> positional, Map<String, TorchValue> named, Ast.Position at, int results) {
    Values.Unknown unknown = unknownIn(name, positional);
    if (unknown != null) {
      return in.used(unknown);
    }
    place(in, at, name.substring(name.indexOf("::") + 2));
    try {
      in.demands().look(name, positional);
      Builtin builtin = builtins.find(name);
      TorchValue computed = builtin == null ? null : builtin.call(new Arguments(in, name, positional, named));
      if (computed != null) {
        return computed;
      }
      List<Type> types = in.aten().schemas().knows(name) ? List.of() : Collections.nCopies(results, null);
      TorchValue result = in.aten().call(name, null, positional, old.named(name, positional, named), types);
      return result == null ? TorchNone.NONE : result;
    } catch (LoweringException e) {
      return in.unsupported(e);
    } catch (BadInputException | RaiseSignal | InputDemands.Learned e) {
      throw e;
    } catch (RuntimeException e) {
      // Untrusted code can call operators in ways that PyTorch would refuse: sizes that do not fit, too few dimensions.
      return in.unsupported(new LoweringException(name + " with arguments that it does not take: " + e.getMessage()));
    }
  }

  private static Values.Unknown unknownIn(String name, List<TorchValue> arguments) {
    for (int i = 0; i < arguments.size(); i++) {
      // What a list holds does not matter to adding to it, nor does what a message says to raising it.
      boolean matters = !name.equals("prim::RaiseException") && !(i == 0 && ADDING.contains(name) && arguments.get(0) instanceof TorchList);
      Values.Unknown unknown = matters ? Values.unknownIn(arguments.get(i)) : null;
      if (unknown != null) {
        return unknown;
      }
    }
    return null;
  }

  /** The module and line of the statement at hand. */
  String location(Frame frame) {
    String line = lines.find(frame.unit.entry(), frame.at);
    return frame.modulePath.isEmpty() ? line : frame.modulePath + ", " + line;
  }

  /** Says where the nodes that follow come from. */
  void place(Interpreter in, Ast.Position at, String operator) {
    Frame frame = in.frame();
    String label = frame.modulePath.isEmpty() ? operator : frame.modulePath + "/" + operator;
    int n = operator.isEmpty() ? 0 : labels.merge(label, 1, Integer::sum);
    String unique = n > 1 ? label + "_" + (n - 1) : label;
    in.onnx().at(new Provenance(List.of(unique), frame.modulePath, lines.find(frame.unit.entry(), at)), label);
  }
}
