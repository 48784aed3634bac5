package dev.tenon.frontend.torchscript;

import dev.tenon.frontend.archive.StoredTensor;
import dev.tenon.frontend.archive.TorchArchive;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchDict;
import dev.tenon.frontend.aten.TorchList;
import dev.tenon.frontend.aten.TorchNone;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchScalar.Kind;
import dev.tenon.frontend.aten.TorchString;
import dev.tenon.frontend.aten.TorchTensor;
import dev.tenon.frontend.aten.TorchTuple;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.frontend.pickle.PickleNone;
import dev.tenon.frontend.pickle.PickleTuple;
import dev.tenon.frontend.pickle.StorageId;
import dev.tenon.frontend.pickle.TorchPickle;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Storage;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.BadInputException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The inputs of the graph: one for each tensor among the parameters of {@code forward}, named after it ({@code x}, or {@code state.0} inside
 * a tuple). What is known of them comes from what the user says, then from the inputs that the model was traced with, then from what its
 * operators take ({@code learned}).
 */
final class Inputs {
  private final TorchArchive archive;
  private final Onnx onnx;
  private final Map<String, Shape> given;
  private final Map<String, Type.TensorType> learned;
  private final Map<Long, Dim> symbols = new HashMap<>();
  private final Set<Value> guessed = new HashSet<>();

  /**
   * The inputs of a model.
   *
   * @param given shapes by the user, by the name of the input
   * @param learned types found out in an earlier attempt, by the name of the input
   */
  Inputs(TorchArchive archive, Onnx onnx, Map<String, Shape> given, Map<String, Type.TensorType> learned) {
    this.archive = archive;
    this.onnx = onnx;
    this.given = given;
    this.learned = learned;
  }

  /** Adds the inputs to the graph, and gives what to call the method with, by the names of its parameters. */
  Map<String, TorchValue> arguments(Ast.FunctionDef method) {
    List<?> traced = traced(method.name());
    Map<String, TorchValue> arguments = new LinkedHashMap<>();
    List<Ast.Param> params = method.params().subList(Math.min(1, method.params().size()), method.params().size());
    for (int i = 0; i < params.size(); i++) {
      Ast.Param p = params.get(i);
      TorchValue v = i < traced.size() ? ofTraced(p.name(), traced.get(i)) : declared(p.name(), p.type(), p.defaultValue() != null);
      if (v != null) {
        arguments.put(p.name(), v);
      }
    }
    return arguments;
  }

  /** The inputs whose element types nobody has said. */
  Set<Value> guessed() {
    return guessed;
  }

  private List<?> traced(String method) {
    if (!archive.has("traced_inputs.pkl")) {
      return List.of();
    }
    Object pickled = TorchPickle.read(archive.label(), "traced_inputs.pkl", archive.storage("traced_inputs.pkl"), 0,
        TorchPickle.Kind.TORCHSCRIPT, Inputs::withoutElements).value();
    return pickled instanceof Map<?, ?> m && m.get(method) instanceof List<?> l ? l : List.of();
  }

  /** The storages of traced inputs are empty: PyTorch keeps only what the tensors are, not what is in them. */
  private static Storage withoutElements(StorageId id) {
    return new Storage() {
      @Override
      public long byteSize() {
        return id.numel() * id.elementBytes();
      }

      @Override
      public ByteBuffer read(long offset, int length) {
        throw new IllegalStateException("elements of the inputs that a model was traced with");
      }
    };
  }

  // ---- from the inputs of tracing ----

  private TorchValue ofTraced(String name, Object traced) {
    if (traced instanceof StoredTensor t) {
      return TorchTensor.of(input(name, t.dtype(), shape(name, t)));
    } else if (traced instanceof PickleTuple t) {
      return new TorchTuple(elements(name, t.items()));
    } else if (traced instanceof List<?> l) {
      return new TorchList(elements(name, l));
    } else if (traced instanceof Map<?, ?> m) {
      TorchDict dict = new TorchDict();
      m.forEach((k, v) -> dict.entries().put(new TorchString(String.valueOf(k)), ofTraced(name + "." + k, v)));
      return dict;
    } else if (traced instanceof Boolean b) {
      return TorchScalar.of(b.booleanValue());
    } else if (traced instanceof Long l) {
      return TorchScalar.of(l.longValue());
    } else if (traced instanceof Double d) {
      return TorchScalar.of(d.doubleValue());
    } else if (traced instanceof String s) {
      return new TorchString(s);
    } else if (traced instanceof PickleNone) {
      return TorchNone.NONE;
    }
    throw BadInputException.of(archive.label(), "traced_inputs.pkl", "another value for " + name, "tensors, numbers, and containers of them");
  }

  private List<TorchValue> elements(String name, List<?> traced) {
    List<TorchValue> all = new ArrayList<>();
    for (int i = 0; i < traced.size(); i++) {
      all.add(ofTraced(name + "." + i, traced.get(i)));
    }
    return all;
  }

  /** As traced, but for the first axis: those of one size are one symbol, the first of them {@code batch}. */
  private Shape shape(String name, StoredTensor traced) {
    if (given.containsKey(name)) {
      return given.get(name);
    }
    List<Dim> dims = new ArrayList<>();
    for (int i = 0; i < traced.rank(); i++) {
      long size = traced.sizes().get(i);
      dims.add(i == 0 ? symbols.computeIfAbsent(size, s -> Dim.symbol(symbols.isEmpty() ? "batch" : "batch_" + symbols.size())) : Dim.of(size));
    }
    return Shape.of(dims);
  }

  // ---- from the declared types ----

  /** The value of a parameter; null to leave it to its default. */
  private TorchValue declared(String name, Ast.TypeRef type, boolean hasDefault) {
    boolean mentioned = given.keySet().stream().anyMatch(k -> k.equals(name) || k.startsWith(name + "."));
    if (!mentioned && hasDefault) {
      return null;
    }
    if (type == null) {
      return tensor(name);
    }
    return switch (type.name()) {
      case "Tensor" -> tensor(name);
      case "Optional" -> mentioned && !type.args().isEmpty() ? declared(name, type.args().get(0), false) : TorchNone.NONE;
      case "int" -> onnx.number(Kind.INT, input(name, DataType.INT64, Shape.SCALAR));
      case "float" -> onnx.number(Kind.FLOAT, input(name, DataType.DOUBLE, Shape.SCALAR));
      case "bool" -> onnx.number(Kind.BOOL, input(name, DataType.BOOL, Shape.SCALAR));
      case "Tuple" -> tuple(name, type);
      case "List" -> list(name, type);
      case "Dict" -> dict(name, type);
      default -> throw BadInputException.of(archive.label(), "forward", "the input '" + name + "' of type " + type,
          "tensors, numbers, and lists, tuples and dicts of them");
    };
  }

  private TorchValue tensor(String name) {
    Type.TensorType known = learned.get(name);
    Shape shape = given.getOrDefault(name, known == null ? Shape.unknown() : known.shape());
    Value v = input(name, known == null ? DataType.FLOAT : known.dtype(), shape);
    if (known == null) {
      guessed.add(v);
    }
    return TorchTensor.of(v);
  }

  private TorchValue tuple(String name, Ast.TypeRef type) {
    List<TorchValue> elements = new ArrayList<>();
    for (int i = 0; i < type.args().size(); i++) {
      elements.add(declared(name + "." + i, type.args().get(i), false));
    }
    return new TorchTuple(elements);
  }

  private TorchValue list(String name, Ast.TypeRef type) {
    List<TorchValue> elements = new ArrayList<>();
    while (!type.args().isEmpty() && isGiven(name + "." + elements.size())) {
      elements.add(declared(name + "." + elements.size(), type.args().get(0), false));
    }
    if (elements.isEmpty()) {
      throw BadInputException.of(archive.label(), "forward", "the input '" + name + "', a list whose length the archive does not say",
          "a shape for each element: --input " + name + ".0:3,224,224");
    }
    return new TorchList(elements);
  }

  private boolean isGiven(String name) {
    return given.keySet().stream().anyMatch(k -> k.equals(name) || k.startsWith(name + "."));
  }

  private TorchValue dict(String name, Ast.TypeRef type) {
    TorchDict dict = new TorchDict();
    for (String k : given.keySet()) {
      if (k.startsWith(name + ".")) {
        String key = k.substring(name.length() + 1).split("\\.")[0];
        dict.entries().computeIfAbsent(new TorchString(key), x -> declared(name + "." + key, type.args().get(type.args().size() - 1), false));
      }
    }
    if (dict.entries().isEmpty()) {
      throw BadInputException.of(archive.label(), "forward", "the input '" + name + "', a dict whose keys the archive does not say",
          "a shape for each entry: --input " + name + ".KEY:1,3,224,224");
    }
    return dict;
  }

  private Value input(String name, DataType dtype, Shape shape) {
    Value v = onnx.model().graph().addInput(name, Type.tensor(dtype, shape));
    onnx.inference().visitInput(v);
    return v;
  }
}
