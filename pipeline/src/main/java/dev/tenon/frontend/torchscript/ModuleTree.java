package dev.tenon.frontend.torchscript;

import dev.tenon.frontend.archive.ScalarType;
import dev.tenon.frontend.archive.StoredTensor;
import dev.tenon.frontend.archive.TorchArchive;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchDict;
import dev.tenon.frontend.aten.TorchList;
import dev.tenon.frontend.aten.TorchNone;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchString;
import dev.tenon.frontend.aten.TorchTensor;
import dev.tenon.frontend.aten.TorchTuple;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.frontend.pickle.PickleComplex;
import dev.tenon.frontend.pickle.PickleNone;
import dev.tenon.frontend.pickle.PickleObject;
import dev.tenon.frontend.pickle.PickleTuple;
import dev.tenon.frontend.pickle.TorchPickle;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.BadInputException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/**
 * The pickled part of an archive as values: the model with its submodules and attributes ({@code data.pkl}), and the constants of the
 * code. A tensor becomes an initializer under the dotted name that PyTorch's {@code state_dict} has for it; tensors that share their
 * elements are one.
 */
final class ModuleTree {
  /** What tensors with the same elements have in common. */
  private record Key(String folder, String storage, Object dtype, long offset, List<Long> sizes, List<Long> strides) {
  }

  private static final int MAX_VALUES = 10_000_000;

  private final TorchArchive archive;
  private final CodeBase code;
  private final Onnx onnx;
  private final Map<Key, String> names = new HashMap<>();
  private final Map<Key, TorchTensor> tensors = new HashMap<>();
  private final Map<PickleObject, String> paths = new IdentityHashMap<>();
  private final Map<PickleObject, TorchValue> objects = new IdentityHashMap<>();
  /** Containers are shared as they are in the pickle: what is appended to one is seen everywhere. */
  private final Map<Object, TorchValue> containers = new IdentityHashMap<>();
  private final PickleObject root;
  private final List<?> constants;
  private final Map<Integer, TorchValue> constantValues = new HashMap<>();
  private int values;

  ModuleTree(TorchArchive archive, CodeBase code, Onnx onnx) {
    this.archive = archive;
    this.code = code;
    this.onnx = onnx;
    Object data = TorchPickle.read(archive, "data.pkl", "data", TorchPickle.Kind.TORCHSCRIPT);
    if (!(data instanceof PickleObject o) || code.findClass(o.className()) == null) {
      throw BadInputException.of(archive.label(), "data.pkl", data instanceof PickleObject o ? "an object of class " + o.className()
          + ", which the archive has no code for" : "another value", "a module");
    }
    this.root = o;
    this.constants = archive.has("constants.pkl")
        && TorchPickle.read(archive, "constants.pkl", "constants", TorchPickle.Kind.TORCHSCRIPT) instanceof PickleTuple t ? t.items() : List.of();
    nameTensors(root, "");
  }

  // ---- names ----

  /** The names of all tensors and the paths of all modules: a module's own tensors come before its children's, as in a state_dict. */
  private void nameTensors(PickleObject module, String path) {
    if (paths.putIfAbsent(module, path) != null) {
      return;
    }
    List<Map.Entry<String, Object>> later = new ArrayList<>();
    module.attributes().forEach((name, value) -> {
      count();
      String place = path.isEmpty() ? String.valueOf(name) : path + "." + name;
      if (value instanceof StoredTensor t) {
        names.putIfAbsent(key("data", t), place);
      } else {
        later.add(Map.entry(place, value));
      }
    });
    later.forEach(e -> nameNested(e.getValue(), e.getKey()));
  }

  private void nameNested(Object value, String place) {
    count();
    if (value instanceof PickleObject o) {
      nameTensors(o, place);
    } else if (value instanceof StoredTensor t) {
      names.putIfAbsent(key("data", t), place);
    } else if (value instanceof List<?> || value instanceof PickleTuple) {
      List<?> items = value instanceof PickleTuple t ? t.items() : (List<?>) value;
      for (int i = 0; i < items.size(); i++) {
        nameNested(items.get(i), place + "." + i);
      }
    } else if (value instanceof Map<?, ?> m) {
      m.forEach((k, v) -> nameNested(v, place + "." + k));
    }
  }

  private void count() {
    values++;
    if (values > MAX_VALUES) {
      throw BadInputException.of(archive.label(), "data.pkl", "more than " + MAX_VALUES + " values", "fewer");
    }
  }

  private static Key key(String folder, StoredTensor t) {
    return new Key(folder, t.storageKey(), t.dtype(), t.offset(), t.sizes(), t.strides());
  }

  // ---- values ----

  /** The model's class. */
  CodeClass rootType() {
    return code.findClass(root.className());
  }

  /** The model. */
  Instance root() {
    return (Instance) value(root, "data");
  }

  /** {@code CONSTANTS.c3}; null if there is none of this name. */
  TorchValue constant(String name) {
    if (!name.matches("c[0-9]{1,8}")) {
      return null;
    }
    int i = Integer.parseInt(name.substring(1));
    if (i >= constants.size()) {
      return null;
    }
    TorchValue known = constantValues.get(i);
    if (known == null) {
      if (constants.get(i) instanceof StoredTensor t) {
        names.putIfAbsent(key("constants", t), "constants.c" + i);
      }
      known = value(constants.get(i), "constants");
      constantValues.put(i, known);
    }
    return known;
  }

  private TorchValue value(Object pickled, String folder) {
    count();
    if (pickled instanceof StoredTensor t) {
      return tensor(t, folder);
    } else if (pickled instanceof PickleObject o) {
      TorchValue known = objects.get(o);
      return known != null ? known : object(o, folder);
    } else if (pickled instanceof List<?> || pickled instanceof Map<?, ?>) {
      TorchValue known = containers.get(pickled);
      return known != null ? known : container(pickled, folder);
    } else if (pickled instanceof PickleTuple t) {
      return new TorchTuple(t.items().stream().map(v -> value(v, folder)).toList());
    } else if (pickled instanceof Boolean b) {
      return TorchScalar.of(b.booleanValue());
    } else if (pickled instanceof Long l) {
      return TorchScalar.of(l.longValue());
    } else if (pickled instanceof Double d) {
      return TorchScalar.of(d.doubleValue());
    } else if (pickled instanceof String s) {
      return new TorchString(s);
    } else if (pickled instanceof PickleNone) {
      return TorchNone.NONE;
    } else if (pickled instanceof ScalarType t) {
      return TorchScalar.of((long) t.c10());
    } else if (pickled instanceof PickleComplex c) {
      return new Values.Complex(c.real(), c.imaginary());
    }
    return new Values.Unknown("a value of another kind in the archive", false);
  }

  private TorchValue container(Object pickled, String folder) {
    if (pickled instanceof List<?> l) {
      TorchList list = new TorchList(List.of());
      containers.put(pickled, list);
      l.forEach(v -> list.elements().add(value(v, folder)));
      return list;
    }
    TorchDict dict = new TorchDict();
    containers.put(pickled, dict);
    ((Map<?, ?>) pickled).forEach((k, v) -> dict.entries().put(value(k, folder), value(v, folder)));
    return dict;
  }

  private TorchValue object(PickleObject o, String folder) {
    if (o.className().equals("torch.device")) {
      return new TorchString(o.args().size() > 0 ? String.valueOf(o.args().get(0)) : "cpu");
    }
    CodeClass type = code.findClass(o.className());
    if (type == null) {
      return new Values.Unknown("the archive has no code for class " + o.className(), false);
    }
    if (type.def().kind() == Ast.ClassKind.NAMED_TUPLE) {
      return new Values.NamedTuple(type, o.args().items().stream().map(v -> value(v, folder)).toList());
    } else if (type.def().kind() == Ast.ClassKind.ENUM) {
      return enumMember(type, o.args().size() > 0 ? value(o.args().get(0), folder) : TorchNone.NONE);
    }
    Instance instance = new Instance(type, paths.get(o));
    objects.put(o, instance);
    o.attributes().forEach((name, v) -> instance.attributes().put(String.valueOf(name), value(v, folder)));
    return instance;
  }

  private static TorchValue enumMember(CodeClass type, TorchValue value) {
    for (Ast.Field f : type.def().fields()) {
      if (f.value() instanceof Ast.IntLit i && TorchScalar.of(i.value()).equals(value)
          || f.value() instanceof Ast.StrLit s && new TorchString(s.value()).equals(value)
          || f.value() instanceof Ast.FloatLit d && TorchScalar.of(d.value()).equals(value)) {
        return new Values.EnumMember(type, f.name(), value);
      }
    }
    return new Values.Unknown("a member that the enumeration " + type.name() + " does not have", false);
  }

  private TorchValue tensor(StoredTensor t, String folder) {
    Key key = key(folder, t);
    TorchTensor known = tensors.get(key);
    if (known == null) {
      if (t.quantization().isPresent()) {
        return new Values.Unknown("the quantized tensor " + names.get(key), false);
      }
      known = TorchTensor.of(initializer(t, names.getOrDefault(key, "tensor")));
      tensors.put(key, known);
    }
    return known;
  }

  private Value initializer(StoredTensor t, String name) {
    Graph main = onnx.model().graph();
    Tensor tensor = t.rank() == 0 && name.startsWith("constants.") ? t.toConstant(name) : t.toTensor(name);
    return main.addInitializer(main.freshName(name), tensor);
  }
}
