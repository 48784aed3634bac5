package dev.tenon.frontend.exported;

import dev.tenon.frontend.aten.Aten;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Value;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Set;

/** What the lowerings of all graphs of a program share. */
final class LoweringContext {
  private final Aten aten;
  private final SymbolNames symbols;
  private final TypeHints types;
  private final Set<Value> named = Collections.newSetFromMap(new IdentityHashMap<>());

  private final Map<String, ExportedProgram.Range> ranges;

  LoweringContext(Aten aten, SymbolNames symbols, TypeHints types, Map<String, ExportedProgram.Range> ranges) {
    this.aten = aten;
    this.symbols = symbols;
    this.types = types;
    this.ranges = ranges;
  }

  /** True for a single symbol that the file says is not negative: what dimensions take a symbol for. */
  boolean isSize(Dim d) {
    ExportedProgram.Range range = d.isSymbol() ? ranges.get(d.toString()) : null;
    return range != null && range.min() != null && range.min() >= 0;
  }

  Aten aten() {
    return aten;
  }

  SymbolNames symbols() {
    return symbols;
  }

  TypeHints types() {
    return types;
  }

  /** Gives a value the name that the program has for it; the first, where several names are of one value. */
  void name(Onnx onnx, Value v, String name) {
    if (v.producer() != null && named.add(v)) {
      onnx.name(v, name);
    }
  }
}
