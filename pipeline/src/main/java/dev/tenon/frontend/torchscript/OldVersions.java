package dev.tenon.frontend.torchscript;

import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchString;
import dev.tenon.frontend.aten.TorchTensor;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What operators meant when an old archive was written (PyTorch's {@code torch/csrc/jit/operator_upgraders}). Below version 4 the
 * division of integer tensors rounds towards zero; below 5 {@code full} without an element type gives floating-point numbers.
 */
final class OldVersions {
  private static final int DIV = 4;
  private static final int FULL = 5;
  private static final long FLOAT = 6;

  private final long version;

  OldVersions(long version) {
    this.version = version;
  }

  /** The named arguments that have today's operator do what the archive's would. */
  Map<String, TorchValue> named(String name, List<TorchValue> positional, Map<String, TorchValue> named) {
    if (version < DIV && (name.equals("aten::div") || name.equals("aten::div_")) && positional.size() == 2 && named.isEmpty()
        && isInteger(positional.get(0)) && isInteger(positional.get(1))) {
      return Map.of("rounding_mode", new TorchString("trunc"));
    }
    if (version < FULL && name.equals("aten::full") && positional.size() == 2 && positional.get(1) instanceof TorchScalar s
        && s.kind() != TorchScalar.Kind.FLOAT && !(named.get("dtype") instanceof TorchScalar)) {
      Map<String, TorchValue> more = new LinkedHashMap<>(named);
      more.put("dtype", TorchScalar.of(FLOAT));
      return more;
    }
    return named;
  }

  private static boolean isInteger(TorchValue v) {
    return v instanceof TorchTensor t ? t.dtype() != DataType.UNDEFINED && !t.dtype().isFloat()
        : v instanceof TorchScalar s && s.kind() != TorchScalar.Kind.FLOAT;
  }
}
