package dev.tenon.frontend.checkpoint;

import dev.tenon.ir.DataType;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;

/** The element types of safetensors ({@code safetensors/src/tensor.rs}, {@code enum Dtype}) under their names in the header. */
final class SafetensorsTypes {
  private static final Map<String, DataType> BY_NAME = Map.ofEntries(
      Map.entry("BOOL", DataType.BOOL), Map.entry("U8", DataType.UINT8), Map.entry("I8", DataType.INT8),
      Map.entry("U16", DataType.UINT16), Map.entry("I16", DataType.INT16), Map.entry("U32", DataType.UINT32),
      Map.entry("I32", DataType.INT32), Map.entry("U64", DataType.UINT64), Map.entry("I64", DataType.INT64),
      Map.entry("F16", DataType.FLOAT16), Map.entry("BF16", DataType.BFLOAT16), Map.entry("F32", DataType.FLOAT),
      Map.entry("F64", DataType.DOUBLE), Map.entry("C64", DataType.COMPLEX64),
      Map.entry("F8_E5M2", DataType.FLOAT8E5M2), Map.entry("F8_E4M3", DataType.FLOAT8E4M3FN),
      Map.entry("F8_E8M0", DataType.FLOAT8E8M0), Map.entry("F8_E4M3FNUZ", DataType.FLOAT8E4M3FNUZ),
      Map.entry("F8_E5M2FNUZ", DataType.FLOAT8E5M2FNUZ), Map.entry("F4", DataType.FLOAT4E2M1),
      Map.entry("F6_E2M3", DataType.FLOAT6E2M3), Map.entry("F6_E3M2", DataType.FLOAT6E3M2));
  private static final Map<DataType, String> BY_TYPE = new EnumMap<>(DataType.class);

  static {
    BY_NAME.forEach((name, type) -> BY_TYPE.put(type, name));
  }

  private SafetensorsTypes() {}

  static Optional<DataType> ofName(String name) {
    return Optional.ofNullable(BY_NAME.get(name));
  }

  static Optional<String> nameOf(DataType type) {
    return Optional.ofNullable(BY_TYPE.get(type));
  }
}
