package dev.tenon.tf.emit;

import dev.tenon.ir.Tensor;
import dev.tenon.tf.ElementTypes;
import dev.tenon.tf.EmitContext;
import dev.tenon.tf.EmitterRegistry;
import dev.tenon.tf.Tf;
import java.util.List;
import org.tensorflow.Output;
import org.tensorflow.proto.DataType;

/** Conversions between element types. */
final class Casting {
  private Casting() {}

  static void register(EmitterRegistry ops) {
    ops.op("Cast", 1, Casting::cast);
    ops.op("CastLike", 15, c -> convert(c, ElementTypes.toTensorFlow(c.dtype(1))));
    ops.op("BitCast", 26, Casting::bitCast);
  }

  private static void cast(EmitContext c) {
    // In opset 1 the type is spelled out.
    DataType to = c.opset() < 6 && c.node().attribute("to").value() instanceof String name
        ? ElementTypes.toTensorFlow(dev.tenon.ir.DataType.valueOf(name))
        : ElementTypes.toTensorFlow(dev.tenon.ir.DataType.ofNumber((int) c.node().intAttr("to", 1)).orElseThrow());
    convert(c, to);
  }

  private static void convert(EmitContext c, DataType to) {
    if (to == DataType.DT_INVALID) {
      c.unsupported("element type " + c.outputDtype(0) + " is not one that TensorFlow has", "");
      return;
    }
    c.bind(0, convert(c.tf(), c.in(0), to, c.node().intAttr("saturate", 1) != 0));
  }

  /** The elements by the rules of ONNX Cast. */
  static Output<?> convert(Tf tf, Output<?> x, DataType to, boolean saturate) {
    DataType from = x.dataType();
    if (from == to) {
      return x;
    } else if (to == DataType.DT_STRING) {
      return toText(tf, x);
    } else if (from == DataType.DT_STRING) {
      return fromText(tf, x, to);
    } else if (isFloat8(to)) {
      Output<?> f = tf.cast(x, DataType.DT_FLOAT);
      double max = to == DataType.DT_FLOAT8_E4M3FN ? 448 : 57344;
      return tf.cast(saturate ? tf.call("ClipByValue", f, tf.scalarLike(f, -max), tf.scalarLike(f, max)) : f, to);
    } else if (isFloat8(from)) {
      return tf.cast(tf.cast(x, DataType.DT_FLOAT), to);
    } else if (is4Bit(to) || is4Bit(from)) {
      return through32(tf, x, to);
    }
    return tf.cast(x, to);
  }

  private static boolean isFloat8(DataType t) {
    return t == DataType.DT_FLOAT8_E4M3FN || t == DataType.DT_FLOAT8_E5M2;
  }

  private static boolean is4Bit(DataType t) {
    return t == DataType.DT_INT4 || t == DataType.DT_UINT4;
  }

  /** TensorFlow converts 4-bit integers only from and to 32-bit and smaller integers. */
  private static Output<?> through32(Tf tf, Output<?> x, DataType to) {
    Output<?> wide = Kernels.isFloat(x.dataType()) && is4Bit(to) ? tf.call("Round", tf.cast(x, DataType.DT_FLOAT)) : x;
    return tf.cast(tf.cast(wide, DataType.DT_INT32), to);
  }

  /** ONNX Runtime writes 8 significant digits of a float32, 17 of a float64, and NaN, INF, -INF. */
  private static Output<?> toText(Tf tf, Output<?> x) {
    if (!Kernels.isFloat(x.dataType())) {
      Output<?> n = isFloat8(x.dataType()) ? tf.cast(x, DataType.DT_FLOAT) : x;
      return tf.call("AsString", x.dataType() == DataType.DT_BOOL ? tf.cast(n, DataType.DT_INT32) : n);
    }
    Output<?> f = x.dataType() == DataType.DT_DOUBLE ? x : tf.cast(x, DataType.DT_FLOAT);
    Output<?> text = tf.op("AsString").in(f).attr("precision", x.dataType() == DataType.DT_DOUBLE ? 17L : 8L).attr("shortest", true).out();
    for (List<String> form : List.of(List.of("nan", "NaN"), List.of("inf", "INF"), List.of("-inf", "-INF"))) {
      text = tf.select(tf.call("Equal", text, tf.constant(Tensor.ofStrings(List.of(form.get(0))))),
          tf.constant(Tensor.ofStrings(List.of(form.get(1)))), text);
    }
    return text;
  }

  private static Output<?> fromText(Tf tf, Output<?> x, DataType to) {
    DataType number = switch (to) {
      case DT_DOUBLE, DT_INT32, DT_INT64 -> to;
      case DT_FLOAT, DT_HALF, DT_BFLOAT16, DT_FLOAT8_E4M3FN, DT_FLOAT8_E5M2 -> DataType.DT_FLOAT;
      default -> DataType.DT_INT64;
    };
    Output<?> n = tf.op("StringToNumber").in(x).attr("out_type", number).out();
    return convert(tf, n, to, true);
  }

  private static void bitCast(EmitContext c) {
    DataType to = Elementwise.outputType(c, 0);
    Output<?> x = c.in(0);
    boolean bool = x.dataType() == DataType.DT_BOOL || to == DataType.DT_BOOL;
    if (x.dataType() == to) {
      c.bind(0, x);
    } else if (bool) {
      // A bool is a byte of 0 or 1; TensorFlow's Bitcast takes no bools.
      Output<?> bytes = tf8(c.tf(), x);
      c.bind(0, to == DataType.DT_BOOL ? c.tf().cast(bytes, to) : bitCast(c.tf(), bytes, to));
    } else {
      c.bind(0, bitCast(c.tf(), x, to));
    }
  }

  private static Output<?> tf8(Tf tf, Output<?> x) {
    return x.dataType() == DataType.DT_BOOL ? tf.cast(x, DataType.DT_UINT8) : bitCast(tf, x, DataType.DT_UINT8);
  }

  private static Output<?> bitCast(Tf tf, Output<?> x, DataType to) {
    return x.dataType() == to ? x : tf.op("Bitcast").in(x).attr("type", to).out();
  }
}
