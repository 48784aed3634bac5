package dev.tenon.ir.io;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Function;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import java.util.List;

/**
 * The IR version that a model needs by its features (comments of {@code Version} in {@code onnx.proto}). The opset says nothing of
 * it: exporters write new opsets with older IR versions, which more runtimes read.
 */
final class IrVersions {
  /** Initializers need not be inputs from here on, and ours are not. */
  private static final long BASE = 4;
  private static final long FUNCTIONS = 8;
  private static final long FUNCTION_DEFAULTS = 9;
  private static final long OVERLOADS = 10;

  private IrVersions() {}

  /** The model's own IR version, or a greater one if it needs that. */
  static long needed(Model model) {
    long[] needed = {Math.max(BASE, model.irVersion())};
    scan(model.graph(), needed);
    for (Function f : model.functions().values()) {
      raise(needed, f.overload().isEmpty() ? FUNCTIONS : OVERLOADS);
      raise(needed, f.attributeDefaults().isEmpty() ? FUNCTIONS : FUNCTION_DEFAULTS);
      scan(f.body(), needed);
    }
    return needed[0];
  }

  private static void raise(long[] needed, long to) {
    needed[0] = Math.max(needed[0], to);
  }

  private static void scan(Graph g, long[] needed) {
    scanValues(g, needed);
    g.forEachNode(n -> {
      n.outputs().stream().filter(v -> v != null).forEach(v -> raise(needed, since(v.type())));
      n.subgraphs().forEach(sub -> scanValues(sub, needed));
      for (Attribute a : n.attributes()) {
        if (a.value() instanceof Tensor t) {
          raise(needed, since(t.dtype()));
        } else if (a.value() instanceof List<?> list) {
          list.stream().filter(Tensor.class::isInstance).forEach(t -> raise(needed, since(((Tensor) t).dtype())));
        }
      }
    });
  }

  private static void scanValues(Graph g, long[] needed) {
    for (Value v : g.inputs()) {
      raise(needed, since(v.type()));
    }
    for (Value v : g.initializers()) {
      raise(needed, since(v.type()));
    }
  }

  private static long since(Type type) {
    if (type instanceof Type.TensorType t) {
      return since(t.dtype());
    } else if (type instanceof Type.OptionalType) {
      return 8;
    }
    return BASE;
  }

  private static long since(DataType t) {
    return switch (t) {
      case FLOAT8E4M3FN, FLOAT8E4M3FNUZ, FLOAT8E5M2, FLOAT8E5M2FNUZ -> 9;
      case INT4, UINT4 -> 10;
      case FLOAT4E2M1 -> 11;
      case FLOAT8E8M0 -> 12;
      case INT2, UINT2 -> 13;
      case FLOAT6E2M3, FLOAT6E3M2 -> 14;
      default -> BASE;
    };
  }
}
