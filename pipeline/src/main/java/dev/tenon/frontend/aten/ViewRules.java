package dev.tenon.frontend.aten;

import java.util.Set;

/**
 * Which results share memory with the tensor they are made of. Schemas say which may: {@code reshape}, {@code contiguous} and
 * {@code to} copy where they must. What is told here from the order of elements in memory, row-major or not, is what PyTorch does on
 * the CPU for tensors that came out of an operator; a tensor in memory format channels_last is taken for row-major.
 */
final class ViewRules {
  private static final Set<String> KEEP_ORDER = Set.of("view", "reshape", "flatten", "unflatten", "unsqueeze", "squeeze", "view_as",
      "reshape_as", "_unsafe_view", "detach", "alias", "contiguous", "to", "ravel", "_reshape_alias");
  private static final Set<String> COPY_UNLESS_ROW_MAJOR = Set.of("reshape", "flatten", "contiguous", "reshape_as", "ravel");

  private ViewRules() {}

  /** True if the result has memory of its own. */
  static boolean copies(AtenCall c, TorchTensor base, TorchTensor result) {
    String name = c.schema().baseName();
    if (COPY_UNLESS_ROW_MAJOR.contains(name)) {
      return !base.isContiguous();
    }
    return name.equals("to") && base.dtype() != result.dtype() || (name.equals("_to_copy") || name.equals("clone"));
  }

  /** True if a view's elements are in row-major order, without gaps, if its base's are. */
  static boolean isContiguous(AtenCall c, TorchTensor base, TorchTensor result) {
    String name = c.schema().baseName();
    if (name.equals("slice") || name.equals("select") || name.equals("narrow") || name.equals("split") || name.equals("chunk")
        || name.equals("unbind")) {
      // Along the first axis a part is a block of memory.
      TorchValue dim = c.has("dim") ? c.get("dim") : TorchNone.NONE;
      return base.isContiguous() && dim instanceof TorchScalar s && s.is(0) && (!c.has("step") || c.integer("step") == 1);
    }
    return base.isContiguous() && KEEP_ORDER.contains(name);
  }
}
