package dev.tenon.ir.function;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Function;
import dev.tenon.ir.Value;
import dev.tenon.ir.rewrite.Rule;
import java.util.List;

/**
 * The meaning of standard operators that a model's opset lacks, in the operators that it has: functions of domain {@code dev.tenon}
 * for one element type and one set of attributes.
 */
public final class FusedFunctions {
  private FusedFunctions() {}

  /**
   * The function.
   *
   * @param opType the standard operator: Gelu, Swish, HardSwish, Mish, LayerNormalization (one output), RMSNormalization
   * @param overload tells this combination of type and attributes from others
   * @param type the element type
   * @param inputs how many inputs the calls have
   * @param attributes those of the calls, with their values
   * @param opset the opset of the body
   */
  public static Function of(String opType, String overload, DataType type, int inputs, List<Attribute> attributes, int opset) {
    Body b = new Body(opType, type, opset);
    Value x = b.input("x");
    Value scale = inputs > 1 ? b.input("scale") : null;
    Value bias = inputs > 2 ? b.input("bias") : null;
    Value y = switch (opType) {
      case "Gelu" -> attribute(attributes, "approximate").as(String.class).equals("tanh") ? geluTanh(b, x) : geluErf(b, x);
      case "Swish" -> swish(b, x, attribute(attributes, "alpha").as(Float.class));
      case "HardSwish" -> b.mul(x, b.node("HardSigmoid", List.of(Attribute.ofFloat("alpha", 1 / 6f), Attribute.ofFloat("beta", 0.5f)), x));
      case "Mish" -> b.mul(x, b.op("Tanh", b.op("Softplus", x)));
      case "LayerNormalization" -> layerNorm(b, x, scale, bias, axes(attributes), epsilon(attributes));
      case "RMSNormalization" -> rmsNorm(b, x, scale, axes(attributes), epsilon(attributes));
      default -> throw new IllegalArgumentException("no fused function for " + opType);
    };
    return b.function(Rule.TENON_DOMAIN, opType, overload, Body.names(attributes), y);
  }

  private static Attribute attribute(List<Attribute> attributes, String name) {
    return attributes.stream().filter(a -> a.name().equals(name)).findFirst().orElseThrow();
  }

  private static Value geluErf(Body b, Value x) {
    Value erf = b.op("Erf", b.times(1 / Math.sqrt(2), x));
    return b.mul(b.times(0.5, x), b.add(erf, b.scalar(1)));
  }

  private static Value geluTanh(Body b, Value x) {
    Value cube = b.mul(x, b.mul(x, x));
    Value tanh = b.op("Tanh", b.times(Math.sqrt(2 / Math.PI), b.add(x, b.times(0.044715, cube))));
    return b.mul(b.times(0.5, x), b.add(tanh, b.scalar(1)));
  }

  private static Value swish(Body b, Value x, float alpha) {
    return b.mul(x, b.op("Sigmoid", alpha == 1 ? x : b.times(alpha, x)));
  }

  /** The last axes, from attribute {@code axis}, which is negative here. */
  private static long[] axes(List<Attribute> attributes) {
    int count = (int) -attribute(attributes, "axis").as(Long.class);
    long[] axes = new long[count];
    for (int i = 0; i < count; i++) {
      axes[i] = i - count;
    }
    return axes;
  }

  private static float epsilon(List<Attribute> attributes) {
    return attribute(attributes, "epsilon").as(Float.class);
  }

  private static Value layerNorm(Body b, Value x, Value scale, Value bias, long[] axes, float epsilon) {
    Value centered = b.sub(x, b.reduce("ReduceMean", x, axes, true));
    Value variance = b.reduce("ReduceMean", b.mul(centered, centered), axes, true);
    Value y = b.mul(b.div(centered, b.op("Sqrt", b.add(variance, b.scalar(epsilon)))), scale);
    return bias == null ? y : b.add(y, bias);
  }

  private static Value rmsNorm(Body b, Value x, Value scale, long[] axes, float epsilon) {
    Value square = b.reduce("ReduceMean", b.mul(x, x), axes, true);
    return b.mul(b.div(x, b.op("Sqrt", b.add(square, b.scalar(epsilon)))), scale);
  }
}
