package dev.tenon.ir;

/** Conversions of the 16-bit floating-point formats, with round to nearest even. (Java has its own only from 20 on.) */
public final class HalfFloats {
  private HalfFloats() {}

  /** The value of IEEE 754 binary16 bits. */
  public static float fromFloat16(short bits) {
    int sign = (bits & 0x8000) << 16;
    int exponent = bits >> 10 & 0x1f;
    int mantissa = bits & 0x3ff;
    if (exponent == 0x1f) {
      return Float.intBitsToFloat(sign | 0x7f800000 | mantissa << 13);
    }
    if (exponent == 0) {
      float magnitude = mantissa * 0x1p-24f;
      return sign == 0 ? magnitude : -magnitude;
    }
    return Float.intBitsToFloat(sign | exponent + 112 << 23 | mantissa << 13);
  }

  /** The binary16 bits nearest to a value; overflow goes to infinity. */
  public static short toFloat16(double value) {
    if (Double.isNaN(value)) {
      return 0x7e00;
    }
    int sign = Double.doubleToRawLongBits(value) < 0 ? 0x8000 : 0;
    double a = Math.abs(value);
    if (a >= 65520) {
      return (short) (sign | 0x7c00);
    }
    // Scale so that one unit is the spacing of binary16 numbers here; rint rounds half to even.
    int exponent = Math.max(a == 0 ? -14 : Math.getExponent(a), -14);
    long units = (long) Math.rint(Math.scalb(a, 10 - exponent));
    // units < 1024 is subnormal; a carry to 2048 moves on to the next exponent by itself.
    return (short) (sign | (exponent + 14 << 10) + (int) units);
  }

  public static float fromBfloat16(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  /** The bfloat16 bits nearest to a value; overflow goes to infinity. */
  public static short toBfloat16(double value) {
    if (Double.isNaN(value)) {
      return 0x7fc0;
    }
    int bits = Float.floatToRawIntBits((float) value);
    int rounding = 0x7fff + (bits >>> 16 & 1);
    return (short) (bits + rounding >>> 16);
  }
}
