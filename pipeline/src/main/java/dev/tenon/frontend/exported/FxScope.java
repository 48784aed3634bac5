package dev.tenon.frontend.exported;

import dev.tenon.frontend.aten.LoweringException;
import dev.tenon.frontend.aten.TorchDict;
import dev.tenon.frontend.aten.TorchDtype;
import dev.tenon.frontend.aten.TorchList;
import dev.tenon.frontend.aten.TorchNone;
import dev.tenon.frontend.aten.TorchObject;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchString;
import dev.tenon.frontend.aten.TorchTensor;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.frontend.archive.ScalarType;
import dev.tenon.ir.diag.BadInputException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The values of a graph by name while its nodes are lowered, and arguments as values. Each graph has a scope of its own. */
final class FxScope {
  private static final Map<Integer, String> MEMORY_FORMATS = Map.of(1, "contiguous_format", 2, "channels_last", 3, "channels_last_3d", 4,
      "preserve_format");

  private final Object file;
  private final String entry;
  private final Map<String, TorchValue> values = new HashMap<>();

  /** A graph that is an argument of a higher-order operator. */
  record GraphValue(String name, FxGraph graph) implements TorchObject {}

  /** A result that there is no value for: using it is what fails. */
  record Absent(String why) implements TorchObject {}

  FxScope(Object file, String entry) {
    this.file = file;
    this.entry = entry;
  }

  /** A scope of another graph of the same program, with nothing in it. */
  FxScope empty() {
    return new FxScope(file, entry);
  }

  void define(String name, TorchValue value) {
    values.put(name, value);
  }

  /**
   * The value of a name.
   *
   * @param reader the node that reads it, for the message
   */
  TorchValue get(String name, String reader) {
    TorchValue v = values.get(name);
    if (v == null) {
      throw BadInputException.of(file, entry + ": " + Texts.shortened(reader), "the name '" + Texts.shortened(name) + "', which nothing before defines",
          "an input of the graph or a result of an earlier node");
    }
    if (v instanceof Absent a) {
      throw new LoweringException(a.why());
    }
    return v;
  }

  BadInputException bad(String place, String found, String expected) {
    return BadInputException.of(file, entry + ": " + Texts.shortened(place), found, expected);
  }

  /** An argument as a value. */
  TorchValue value(Argument argument, String reader) {
    if (argument == Argument.None.NONE) {
      return TorchNone.NONE;
    } else if (argument instanceof Argument.Tensor t) {
      return get(t.name(), reader);
    } else if (argument instanceof Argument.Symbolic s) {
      return get(s.name(), reader);
    } else if (argument instanceof Argument.Int i) {
      return TorchScalar.of(i.value());
    } else if (argument instanceof Argument.Float f) {
      return TorchScalar.of(f.value());
    } else if (argument instanceof Argument.Bool b) {
      return TorchScalar.of(b.value());
    } else if (argument instanceof Argument.Text t) {
      return new TorchString(t.value());
    } else if (argument instanceof Argument.Sequence s) {
      List<TorchValue> elements = new ArrayList<>();
      s.elements().forEach(e -> elements.add(value(e, reader)));
      return new TorchList(elements);
    } else if (argument instanceof Argument.Dictionary d) {
      TorchDict dict = new TorchDict();
      d.entries().forEach((key, v) -> dict.entries().put(new TorchString(key), value(v, reader)));
      return dict;
    } else if (argument instanceof Argument.Subgraph g) {
      return new GraphValue(g.name(), g.graph());
    }
    return plain(argument);
  }

  private static TorchValue plain(Argument argument) {
    if (argument instanceof Argument.ScalarType s) {
      return new TorchDtype(ScalarType.ofExported(s.number()).flatMap(ScalarType::dtype).orElseThrow(() ->
          new LoweringException("element type " + s.number() + " of the exported program has no counterpart in ONNX")));
    } else if (argument instanceof Argument.MemoryFormat m) {
      return new TorchString(MEMORY_FORMATS.getOrDefault(m.number(), "memory format " + m.number()));
    } else if (argument instanceof Argument.Layout l) {
      return new TorchString(l.number() == 7 ? "strided" : "layout " + l.number());
    } else if (argument instanceof Argument.Device d) {
      return new TorchString(d.name());
    } else if (argument instanceof Argument.Operator o) {
      return new TorchString(o.target());
    } else if (argument instanceof Argument.Complex c) {
      throw new LoweringException("the complex number " + c.real() + "+" + c.imaginary() + "j: ONNX has none");
    } else if (argument instanceof Argument.CustomObject c) {
      throw new LoweringException("the object " + c.name() + " of class " + c.className() + ": only tensors and numbers can be converted");
    }
    throw new LoweringException("an argument of the unknown kind " + ((Argument.Unknown) argument).kind());
  }
}
