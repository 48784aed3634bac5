package dev.tenon.frontend.pickle;

import dev.tenon.frontend.archive.ScalarType;
import dev.tenon.frontend.archive.StoredTensor;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.io.Quote;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a pickle may name. The list is PyTorch's own for {@code weights_only=True}
 * ({@code torch/_weights_only_unpickler.py}), and a few plain classes more that training scripts put into checkpoints; TorchScript
 * files may name their own classes and {@code torch.jit._pickle}'s helpers besides. Whatever is not in it ends the reading.
 */
final class Globals {
  private static final Map<String, PickleGlobal> COMMON = new HashMap<>();
  private static final Map<String, PickleGlobal> TORCHSCRIPT = new HashMap<>();
  /** Well-formed things that have no counterpart here, each as found and what would do. */
  private static final Map<String, List<String>> UNSUPPORTED = Map.of(
      "torch._utils._rebuild_sparse_tensor", List.of("a sparse tensor", "dense ones; save tensor.to_dense()"),
      "torch._utils._rebuild_sparse_csr_tensor", List.of("a sparse tensor", "dense ones; save tensor.to_dense()"),
      "torch._utils._rebuild_nested_tensor", List.of("a nested tensor", "dense ones; save its parts"),
      "torch._utils._rebuild_meta_tensor_no_storage", List.of("a tensor on the meta device", "tensors with elements"),
      "torch._utils._rebuild_wrapper_subclass", List.of("a tensor of a subclass that wraps others", "plain tensors"),
      "torch.distributed.tensor.DTensor", List.of("a distributed tensor", "whole ones; save tensor.full_tensor()"),
      "torch.distributed._shard.sharded_tensor.api.ShardedTensor", List.of("a sharded tensor", "whole ones; gather it before saving"));

  static {
    Plain.register(COMMON);
    Rebuild.register(COMMON);
    Numpy.register(COMMON);
    TORCHSCRIPT.putAll(COMMON);
    TorchScriptCalls.register(TORCHSCRIPT);
  }

  private final TorchPickle.Kind kind;

  Globals(TorchPickle.Kind kind) {
    this.kind = kind;
  }

  static void add(Map<String, PickleGlobal> to, String name, PickleGlobal.Call call) {
    to.put(name, new PickleGlobal(name, call));
  }

  /**
   * The value that a name stands for.
   *
   * @param first whether it stands where a model's class does, first in the pickle or in a persistent id of a module
   */
  Object find(PicklePlace place, String module, String name, boolean first) {
    String qualified = (module.equals("__builtin__") ? "builtins" : module) + "." + name;
    boolean torchScript = kind == TorchPickle.Kind.TORCHSCRIPT;
    PickleGlobal known = (torchScript ? TORCHSCRIPT : COMMON).get(qualified);
    if (known != null) {
      return known;
    }
    if (module.equals("torch") || module.equals("torch.storage") || module.equals("torch.cuda")) {
      Optional<?> type = torchType(module, name);
      if (type.isPresent()) {
        return type.get();
      }
    }
    if (torchScript && (module.equals("__torch__") || module.startsWith("__torch__."))) {
      return new PickleGlobal(qualified, (at, args) -> new PickleObject(qualified, new PickleTuple(args)));
    }
    throw refused(place, module, name, first);
  }

  private static Optional<?> torchType(String module, String name) {
    if (name.equals("UntypedStorage") || name.equals("_UntypedStorage")) {
      return Optional.of(new StorageValue.StorageClass(name, Optional.empty()));
    }
    Optional<ScalarType> storage = ScalarType.ofStorageClass(name);
    if (storage.isPresent()) {
      return Optional.of(new StorageValue.StorageClass(name, storage));
    }
    return module.equals("torch") ? ScalarType.ofLabel(name) : Optional.empty();
  }

  private BadInputException refused(PicklePlace place, String module, String name, boolean first) {
    String qualified = module + "." + name;
    String shown = Quote.of(qualified, 120);
    if (UNSUPPORTED.containsKey(qualified)) {
      return place.bad(UNSUPPORTED.get(qualified).get(0), UNSUPPORTED.get(qualified).get(1));
    }
    if (kind == TorchPickle.Kind.CHECKPOINT) {
      if (module.equals("__torch__") || module.startsWith("__torch__.")) {
        return place.bad("the TorchScript class " + shown, "a state_dict, not a TorchScript model");
      }
      if (WholeModels.isModelClass(module, name, first)) {
        return place.bad("the Python class " + shown + ", as in a model saved whole with torch.save(model) (nothing was run)",
            WholeModels.ADVICE);
      }
      return place.bad("the Python global " + shown + " (nothing was run)", "tensors and plain containers; in Python: checkpoint = "
          + "torch.load(path, weights_only=False), if you trust the file; torch.save(checkpoint[\"state_dict\"], \"weights.pth\")");
    }
    return place.bad("the Python global " + shown + " (nothing was run)", "what TorchScript writes");
  }

  /** The result of calling a global, or of making an instance of it. */
  Object call(PicklePlace place, Object callee, PickleTuple args) {
    if (callee instanceof PickleGlobal g && g.call() != null) {
      return g.call().apply(place, args.items());
    }
    throw place.bad("a call of " + PicklePlace.describe(callee), "a function that a checkpoint may call");
  }

  /** Sets the state of an object; plain values have none. */
  void build(PicklePlace place, Object object, Object state) {
    if (object instanceof PickleObject o) {
      if (o.state() != PickleNone.NONE) {
        throw place.bad("a second state for " + PicklePlace.describe(o), "one");
      }
      o.state(o.className().equals(Numpy.NDARRAY) ? Numpy.array(place, state) : state);
    } else if (object instanceof LinkedHashMap<?, ?> && (state instanceof Map<?, ?> || state == PickleNone.NONE)) {
      // The attributes of an OrderedDict: PyTorch's own is _metadata, the versions of the modules, of which nothing is needed.
      return;
    } else {
      throw place.bad("a state (BUILD) for " + PicklePlace.describe(object), "an object that has one");
    }
  }

  /** Calls a function that was itself given as an argument. */
  static Object callArgument(PicklePlace place, Object function, Object args) {
    if (function instanceof PickleGlobal g && g.call() != null && g.name().startsWith("torch._utils._rebuild")) {
      return g.call().apply(place, List.copyOf(place.sequence(args, "arguments")));
    }
    throw place.bad(PicklePlace.describe(function) + " as the function that makes a tensor", "one of torch._utils");
  }

  /** The tensor in a value, through a Parameter. */
  static StoredTensor tensor(PicklePlace place, Object value) {
    if (value instanceof PickleObject o && o.state() instanceof StoredTensor t) {
      return t;
    }
    return place.tensor(value, "the data of a tensor");
  }
}
