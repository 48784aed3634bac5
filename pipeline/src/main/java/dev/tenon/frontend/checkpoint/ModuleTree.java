package dev.tenon.frontend.checkpoint;

import dev.tenon.frontend.archive.StoredTensor;
import dev.tenon.frontend.archive.TorchArchive;
import dev.tenon.frontend.pickle.PickleObject;
import dev.tenon.frontend.pickle.TorchPickle;
import dev.tenon.ir.diag.BadInputException;
import java.util.LinkedHashMap;
import java.util.Map;

/** The tensors of a TorchScript archive under their dotted names: the attributes of its modules. */
final class ModuleTree {
  private static final int MAX_TENSORS = 1 << 20;

  private final TorchArchive archive;
  private final Map<String, StoredTensor> tensors = new LinkedHashMap<>();
  private int visits;

  private ModuleTree(TorchArchive archive) {
    this.archive = archive;
  }

  /** True for an archive that {@code torch.jit.save} wrote. */
  static boolean isIn(TorchArchive archive) {
    return archive.has("constants.pkl") && archive.has("data.pkl");
  }

  static Map<String, StoredTensor> read(TorchArchive archive) {
    ModuleTree tree = new ModuleTree(archive);
    Object root = TorchPickle.read(archive, "data.pkl", "data", TorchPickle.Kind.TORCHSCRIPT);
    if (!(root instanceof PickleObject module)) {
      throw BadInputException.of(archive.label(), "data.pkl", "something else than a module", "a module's object");
    }
    tree.walk(module, "");
    if (tree.tensors.isEmpty()) {
      throw BadInputException.of(archive.label(), "data.pkl", "a TorchScript module without parameters, as torch.jit.freeze leaves it",
          "one whose weights have names; save it before it is frozen");
    }
    return tree.tensors;
  }

  private void walk(PickleObject module, String prefix) {
    if (++visits > MAX_TENSORS) {
      throw BadInputException.of(archive.label(), "data.pkl", "more than " + MAX_TENSORS + " modules", "fewer");
    }
    module.attributes().forEach((key, value) -> {
      String name = prefix + key;
      if (value instanceof StoredTensor t) {
        tensors.put(name, t);
      } else if (value instanceof PickleObject child) {
        walk(child, name + ".");
      }
    });
  }
}
