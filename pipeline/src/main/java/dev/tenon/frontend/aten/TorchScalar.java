package dev.tenon.frontend.aten;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Value;

/**
 * A Python number or bool: a constant, or computed when the model runs. A size that is not known yet is an INT with a
 * {@link #dim} (a symbol, or a polynomial of symbols) and a value of the graph that computes it.
 */
public final class TorchScalar implements TorchValue {

  /** Python's types; the order is that of promotion. */
  public enum Kind {
    BOOL, INT, FLOAT
  }

  private final Kind kind;
  /** Long, Double or Boolean; null if computed. */
  private final Object constant;
  private final Dim dim;
  /** A tensor with one element, of rank 0 or 1; int64, float64 or bool. */
  private final Value value;
  private final Onnx onnx;
  private Value flat;
  private Value vector;

  private TorchScalar(Kind kind, Object constant, Dim dim, Value value, Onnx onnx) {
    this.kind = kind;
    this.constant = constant;
    this.dim = dim;
    this.value = value;
    this.onnx = onnx;
  }

  public static TorchScalar of(long value) {
    return new TorchScalar(Kind.INT, value, Dim.of(value), null, null);
  }

  public static TorchScalar of(double value) {
    return new TorchScalar(Kind.FLOAT, value, null, null, null);
  }

  public static TorchScalar of(boolean value) {
    return new TorchScalar(Kind.BOOL, value, null, null, null);
  }

  /**
   * A number that the graph computes; where its elements are known after all, a constant.
   *
   * @param value a tensor with one element, of rank 0 or 1
   * @param dim what is known of an INT; null to ask the shape inference
   */
  static TorchScalar computed(Kind kind, Value value, Dim dim, Onnx onnx) {
    Dim known = kind == Kind.INT && dim == null ? onnx.knownScalar(value) : dim;
    if (kind == Kind.INT && known != null && known.isConstant()) {
      return of(known.constant());
    }
    return new TorchScalar(kind, null, kind != Kind.INT ? null : known == null ? Dim.unknownInteger() : known, value, onnx);
  }

  public Kind kind() {
    return kind;
  }

  public boolean isConstant() {
    return constant != null;
  }

  /** True for a constant that is this number. */
  public boolean is(double number) {
    return constant != null && toDouble() == number;
  }

  /** The constant as an integer; 0 or 1 for a bool. */
  public long toLong() {
    return constant instanceof Long l ? l : constant instanceof Boolean b ? (b ? 1 : 0) : (long) toDouble();
  }

  /** The constant as a floating-point number. */
  public double toDouble() {
    return constant instanceof Double d ? d : toLong();
  }

  /** The constant's truth. */
  public boolean toBoolean() {
    return constant instanceof Boolean b ? b : toDouble() != 0;
  }

  /** What is known of an integer, perhaps only an anonymous symbol; null for other kinds. */
  public Dim dim() {
    return kind == Kind.BOOL && constant != null ? Dim.of(toLong()) : dim;
  }

  /** The type of {@link #scalar}: bool, int64 or float64. */
  public DataType dtype() {
    return kind == Kind.BOOL ? DataType.BOOL : kind == Kind.INT ? DataType.INT64 : DataType.DOUBLE;
  }

  /** The type that PyTorch gives to a tensor made of this number: float32 for floating-point numbers. */
  public DataType defaultDtype() {
    return kind == Kind.FLOAT ? DataType.FLOAT : dtype();
  }

  /** The number as a tensor of rank 0 and type {@link #dtype}. */
  public Value scalar(Onnx o) {
    if (constant != null) {
      return kind == Kind.FLOAT ? o.scalar(DataType.DOUBLE, toDouble()) : o.scalar(dtype(), toLong());
    }
    if (flat == null || !o.isVisible(flat)) {
      flat = value.rank() == 0 ? value : onnx.op("Squeeze", value);
    }
    return flat;
  }

  /** The number as a tensor of shape [1] and type {@link #dtype}. */
  public Value vector(Onnx o) {
    if (constant != null) {
      return kind == Kind.INT ? o.vector(toLong()) : o.unsqueeze(scalar(o), 0);
    }
    if (vector == null || !o.isVisible(vector)) {
      vector = value.rank() == 1 ? value : onnx.unsqueeze(value, 0);
    }
    return vector;
  }

  /** The number as a tensor of rank 0 and any type. */
  public Value scalar(Onnx o, DataType dtype) {
    if (constant != null) {
      return kind == Kind.FLOAT ? o.scalar(dtype, toDouble()) : o.scalar(dtype, toLong());
    }
    return o.cast(scalar(o), dtype);
  }

  @Override
  public boolean equals(Object o) {
    return this == o || o instanceof TorchScalar s && constant != null && kind == s.kind && constant.equals(s.constant);
  }

  @Override
  public int hashCode() {
    return constant != null ? constant.hashCode() : System.identityHashCode(this);
  }

  @Override
  public String toString() {
    return constant != null ? constant.toString() : kind == Kind.INT ? dim.toString() : "a " + kind.name().toLowerCase(java.util.Locale.ROOT);
  }
}
