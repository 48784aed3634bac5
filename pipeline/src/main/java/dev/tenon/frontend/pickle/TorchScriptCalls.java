package dev.tenon.frontend.pickle;

import java.util.List;
import java.util.Map;

/** The helpers of {@code torch.jit._pickle} that TorchScript's pickles call for typed containers. */
final class TorchScriptCalls {
  private TorchScriptCalls() {}

  static void register(Map<String, PickleGlobal> to) {
    for (String name : List.of("build_intlist", "build_doublelist", "build_boollist", "build_tensorlist")) {
      Globals.add(to, "torch.jit._pickle." + name, (place, args) -> {
        Object list = place.arg(args, 0, name);
        place.sequence(list, "a list");
        return list;
      });
    }
    // restore_type_tag(value, "Dict[str, int]"): the type is also in the class's code.
    Globals.add(to, "torch.jit._pickle.restore_type_tag", (place, args) -> place.arg(args, 0, "restore_type_tag"));
    Globals.add(to, "torch.jit._pickle.build_tensor_from_id", (place, args) -> {
      throw place.bad("a tensor of the tensor table", "tensors in storages; load and save it with PyTorch 1.6 or later");
    });
  }
}
