package dev.tenon.frontend.torchscript;

import dev.tenon.frontend.aten.TorchNone;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchString;
import dev.tenon.frontend.aten.TorchValue;
import java.util.List;

/** The functions of the language itself: exceptions, optional values, identity, and the state of the interpreter that ours has not. */
final class PrimBuiltins {
  private PrimBuiltins() {
  }

  static void register(Builtins b) {
    b.add("prim::RaiseException", a -> {
      throw new RaiseSignal(a.get(0) instanceof TorchString s ? s.text() : "an exception");
    });
    b.add("aten::__is__", a -> TorchScalar.of(same(a.get(0), a.get(1))));
    b.add("aten::__isnot__", a -> TorchScalar.of(!same(a.get(0), a.get(1))));
    b.add("prim::unchecked_cast prim::unchecked_unwrap_optional prim::Identity prim::profile prim::profile_ivalue aten::to_here", a -> a.get(0));
    b.add("aten::_unwrap_optional", a -> {
      if (a.isNone(0)) {
        throw new RaiseSignal("Unwrapping null optional");
      }
      return a.get(0);
    });
    b.add("aten::wait", a -> a.get(0) instanceof Values.Future f ? f.value() : a.get(0));
    b.add("aten::warn builtin::print prim::Print aten::manual_seed aten::set_grad_enabled aten::_assert aten::set_data prim::AddStatValue",
        a -> TorchNone.NONE);
    b.add("aten::_assert_async aten::_record_function_enter aten::_record_function_exit profiler::_record_function_enter "
        + "profiler::_record_function_exit profiler::_record_function_enter_new", a -> TorchNone.NONE);
    for (String no : List.of("is_grad_enabled", "is_autocast_enabled", "is_autocast_cpu_enabled", "_get_tracing_state", "is_tracing",
        "is_inference_mode_enabled", "cuda_is_available")) {
      b.add("aten::" + no + " prim::" + no + " cuda::" + no, a -> TorchScalar.of(false));
    }
    // There are no nested tensors here: what PyTorch would do with them, faster, it also does without.
    b.add("aten::_nested_tensor_from_mask_left_aligned", a -> TorchScalar.of(false));
    b.add("aten::is_scripting prim::is_scripting", a -> TorchScalar.of(true));
    b.add("prim::name", a -> a.get(0) instanceof Values.EnumMember m ? new TorchString(m.name()) : null);
    b.add("prim::value", a -> a.get(0) instanceof Values.EnumMember m ? m.value() : null);
    b.add("prim::type", a -> a.get(0) instanceof TorchString s && !s.text().isEmpty() ? new TorchString(s.text().split(":")[0]) : null);
    b.add("prim::index", a -> a.get(0) instanceof TorchString ? TorchNone.NONE : null);
    b.add("prim::id", a -> TorchScalar.of((long) System.identityHashCode(a.get(0))));
    b.add("aten::device_type", a -> new TorchString("cpu"));
  }

  /** Python's {@code is}: for None, bools and members of enumerations equality, else identity. */
  private static boolean same(TorchValue x, TorchValue y) {
    boolean plain = x instanceof TorchNone || x instanceof TorchScalar || x instanceof TorchString || x instanceof Values.EnumMember;
    return plain ? x.equals(y) : x == y;
  }
}
