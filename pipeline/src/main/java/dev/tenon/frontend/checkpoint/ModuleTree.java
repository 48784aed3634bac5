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
  private static final int MAX_ATTRIBUTES = 1 << 22;
  /** The characters of all names: a module that is reached in many ways, by long names, would otherwise have billions. */
  private static final long MAX_CHARACTERS = 1 << 26;

  private final TorchArchive archive;
  private final Map<String, StoredTensor> tensors = new LinkedHashMap<>();
  private int visits;
  private long characters;

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
    module.attributes().forEach((key, value) -> {
      String name = key instanceof String k && k.length() <= MAX_CHARACTERS - characters ? prefix + k : "";
      characters += name.length();
      if (name.isEmpty() || characters > MAX_CHARACTERS || ++visits > MAX_ATTRIBUTES) {
        throw BadInputException.of(archive.label(), "data.pkl", "attributes without names, or with endlessly many", "a tree of modules");
      }
      if (value instanceof StoredTensor t) {
        tensors.put(name, t);
      } else if (value instanceof PickleObject child) {
        walk(child, name + ".");
      }
    });
  }
}
