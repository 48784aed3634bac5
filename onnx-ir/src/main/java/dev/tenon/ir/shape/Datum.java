package dev.tenon.ir.shape;

import dev.tenon.ir.Dim;

/**
 * One known element of a small tensor: a dimension, or for floating-point tensors a dimension over a positive number. Booleans are 0
 * and 1.
 *
 * <p>Floating-point arithmetic is followed only where float32 is exact for sizes below 2^16: halves, quarters and so on of sizes, and
 * a quotient by a number that is rounded to an integer at once. The methods return null where the result is not known.
 */
record Datum(Dim numerator, long denominator) {
  private static final int MAX_BINARY_DIGITS = 16;
  private static final long MAX_ODD_PART = 256;
  private static final long MAX_EXACT_FLOAT = 1 << 24;
  static final Datum TRUE = of(1);
  static final Datum FALSE = of(0);

  static Datum of(Dim d) {
    return new Datum(d, 1);
  }

  static Datum of(long v) {
    return of(Dim.of(v));
  }

  static Datum of(boolean b) {
    return b ? TRUE : FALSE;
  }

  /** A floating-point constant; null unless it is a small integer or a binary fraction of few digits. */
  static Datum ofFloat(double v) {
    if (v == Math.rint(v)) {
      return Math.abs(v) <= MAX_EXACT_FLOAT ? of((long) v) : null;
    }
    double scaled = v;
    for (int k = 1; k <= MAX_BINARY_DIGITS; k++) {
      scaled *= 2;
      if (scaled == Math.rint(scaled)) {
        return Math.abs(scaled) <= MAX_ODD_PART ? new Datum(Dim.of((long) scaled), 1L << k) : null;
      }
    }
    return null;
  }

  boolean isInteger() {
    return denominator == 1;
  }

  boolean isConstantInteger() {
    return denominator == 1 && numerator.isConstant();
  }

  private boolean isBinary() {
    return Long.bitCount(denominator) == 1;
  }

  private static Datum reduced(Dim n, long d) {
    while (d > 1) {
      Dim half = n.floorDiv(2);
      if (d % 2 != 0 || !half.times(2).equals(n)) {
        break;
      }
      n = half;
      d /= 2;
    }
    return d > 1L << MAX_BINARY_DIGITS ? null : new Datum(n, d);
  }

  Datum plus(Datum o) {
    return sum(o, 1);
  }

  Datum minus(Datum o) {
    return sum(o, -1);
  }

  private Datum sum(Datum o, long sign) {
    if (denominator == o.denominator && isBinary()) {
      return reduced(numerator.plus(o.numerator.times(sign)), denominator);
    }
    return isBinary() && o.isBinary()
        ? reduced(numerator.times(o.denominator).plus(o.numerator.times(sign * denominator)), denominator * o.denominator) : null;
  }

  Datum times(Datum o) {
    return isBinary() && o.isBinary() ? reduced(numerator.times(o.numerator), denominator * o.denominator) : null;
  }

  /** The quotient of floating-point numbers. */
  Datum dividedBy(Datum o) {
    if (!isBinary() || !o.numerator.isConstant() || o.numerator.constant() == 0) {
      return null;
    }
    long c = o.numerator.constant();
    if (Math.abs(c) > MAX_EXACT_FLOAT) {
      return null;
    }
    Dim n = numerator.times(c < 0 ? -o.denominator : o.denominator);
    long d = Math.abs(c);
    Dim exact = n.floorDiv(d);
    return exact.times(d).equals(n) ? reduced(exact, denominator) : reduced(n, denominator * d);
  }

  /** The quotient of integers, rounded toward zero as ONNX Div does. */
  Datum integerQuotient(Datum o) {
    Dim a = numerator;
    Dim b = o.numerator;
    if (b.is(0)) {
      return null;
    }
    if (b.isConstant() && b.constant() < 0 || !b.isConstant() && b.times(-1).isAtLeast(0)) {
      a = a.times(-1);
      b = b.times(-1);
    }
    return b.isAtLeast(0) ? of(truncated(a, b)) : null;
  }

  /** a/b rounded toward zero; b is positive. */
  private static Dim truncated(Dim a, Dim b) {
    if (a.isAtLeast(0)) {
      return a.floorDiv(b);
    }
    Dim positive = a.positivePart();
    return positive.floorDiv(b).minus(positive.minus(a).floorDiv(b));
  }

  /** ONNX Mod: with the sign of the divisor, or with {@code fmod} of the dividend. */
  Datum modulo(Datum o, boolean fmod) {
    if (!isInteger() || !o.isInteger() || o.numerator.is(0)) {
      return null;
    }
    Dim b = o.numerator;
    if (!fmod || isAtLeastZero() && b.isAtLeast(0)) {
      return of(numerator.mod(b));
    }
    Datum q = integerQuotient(o);
    return q == null ? null : of(numerator.minus(q.numerator.times(b)));
  }

  private boolean isAtLeastZero() {
    return numerator.isAtLeast(0);
  }

  Datum max(Datum o) {
    return denominator == o.denominator ? new Datum(numerator.max(o.numerator), denominator) : null;
  }

  Datum min(Datum o) {
    return denominator == o.denominator ? new Datum(numerator.min(o.numerator), denominator) : null;
  }

  Datum negate() {
    return new Datum(numerator.times(-1), denominator);
  }

  Datum abs() {
    return new Datum(numerator.max(numerator.times(-1)), denominator);
  }

  Datum floor() {
    return of(numerator.floorDiv(denominator));
  }

  Datum ceil() {
    return of(numerator.ceilDiv(denominator));
  }

  /** Half to even; only where nothing is to be rounded, or the value is a number. */
  Datum round() {
    return isInteger() ? this : numerator.isConstant() ? of((long) Math.rint((double) numerator.constant() / denominator)) : null;
  }

  /** The integer that a cast from floating point gives: rounded toward zero. */
  Datum truncate() {
    return isInteger() ? this : of(truncated(numerator, Dim.of(denominator)));
  }

  /** Whether the two are equal: true, false, or null if that depends. */
  Datum equal(Datum o) {
    Datum d = minus(o);
    if (d == null) {
      return null;
    }
    return d.numerator.is(0) ? TRUE : d.numerator.provablyDiffers(Dim.ZERO) ? FALSE : null;
  }

  /** Whether this is less than the other: true, false, or null if that depends. */
  Datum less(Datum o) {
    Datum d = o.minus(this);
    if (d == null) {
      return null;
    }
    return d.numerator.isAtLeast(1) ? TRUE : d.numerator.times(-1).isAtLeast(0) ? FALSE : null;
  }
}
