package dev.tenon.frontend.aten;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * One call of a PyTorch operator, its arguments bound to the parameters of its schema: given ones by position or name, the others by
 * default. A {@link Lowering} reads them here by the parameter's name. Reading an argument as something that it is not, or that is not
 * known at conversion time, throws a {@link LoweringException} that says so.
 */
public final class AtenCall {
  private final Aten aten;
  private final Schema schema;
  private final TorchValue[] arguments;
  private final int resultCount;

  AtenCall(Aten aten, Schema schema, TorchValue[] arguments, int resultCount) {
    this.aten = aten;
    this.schema = schema;
    this.arguments = arguments;
    this.resultCount = resultCount;
  }

  /** How many results the program has for this call, the length of a list that is the result; 0 if it does not say. */
  public int resultCount() {
    return resultCount;
  }

  public Schema schema() {
    return schema;
  }

  /** The overload's name, {@code Tensor} of {@code aten::add.Tensor}; may be empty. */
  public String overload() {
    return schema.overload();
  }

  public Onnx onnx() {
    return aten.onnx();
  }

  /** Calls another operator: positional arguments in the order of its schema, the rest by default. */
  public TorchValue call(String name, TorchValue... positional) {
    return aten.call(name, Arrays.asList(positional));
  }

  // ---- arguments ----

  /** The argument as it is; {@link TorchNone} where it is left out and has no default. */
  public TorchValue get(String parameter) {
    int i = schema.indexOf(parameter);
    if (i < 0) {
      throw new IllegalArgumentException(schema.qualifiedName() + " has no parameter '" + parameter + "'");
    }
    return arguments[i] == null ? TorchNone.NONE : arguments[i];
  }

  /** True if the operator has such a parameter: overloads differ. */
  public boolean has(String parameter) {
    return schema.indexOf(parameter) >= 0;
  }

  public boolean isNone(String parameter) {
    return get(parameter) == TorchNone.NONE;
  }

  private LoweringException bad(String parameter, String expected) {
    return new LoweringException(schema.qualifiedName() + ": " + parameter + " is " + describe(get(parameter)) + ", not " + expected);
  }

  private static String describe(TorchValue v) {
    return v instanceof TorchTensor t ? "a tensor " + t.value().type() : v instanceof TorchScalar s && !s.isConstant() ? "computed at run time"
        : String.valueOf(v);
  }

  /** The value of a tensor; of a number, that as a tensor of rank 0 and PyTorch's default type. */
  public Value tensor(String parameter) {
    TorchValue v = get(parameter);
    if (v instanceof TorchTensor t) {
      return t.value();
    } else if (v instanceof TorchScalar s) {
      return s.scalar(onnx(), s.defaultDtype());
    }
    throw bad(parameter, "a tensor");
  }

  /** The value of a tensor, null for None. */
  public Value tensorOrNull(String parameter) {
    return isNone(parameter) ? null : tensor(parameter);
  }

  /** The values of a list of tensors. */
  public List<Value> tensors(String parameter) {
    List<Value> all = new ArrayList<>();
    for (TorchValue v : list(parameter)) {
      if (!(v instanceof TorchTensor t)) {
        throw bad(parameter, "a list of tensors");
      }
      all.add(t.value());
    }
    return all;
  }

  /** The elements of a list or tuple. */
  public List<TorchValue> list(String parameter) {
    TorchValue v = get(parameter);
    if (v instanceof TorchList l) {
      return l.elements();
    } else if (v instanceof TorchTuple t) {
      return t.elements();
    }
    throw bad(parameter, "a list");
  }

  public DataType dtypeOf(String parameter) {
    return tensor(parameter).dtype();
  }

  /** The rank of a tensor, which must be known. */
  public int rank(String parameter) {
    return onnx().rank(tensor(parameter));
  }

  /**
   * The rank of a tensor, where the operator takes only these: an input of the model of unknown rank gets the first of them that is
   * given, as nothing else could be fed.
   */
  public int rank(String parameter, Shape demanded) {
    aten.demand(tensor(parameter), demanded);
    return rank(parameter);
  }

  public Shape shape(String parameter) {
    return tensor(parameter).shape();
  }

  /** A number or bool, constant or computed; the only element of a tensor of rank 0. */
  public TorchScalar scalar(String parameter) {
    TorchValue v = get(parameter);
    if (v instanceof TorchScalar s) {
      return s;
    } else if (v instanceof TorchTensor t && t.rank() == 0) {
      return onnx().number(kindOf(t.dtype()), t.value());
    }
    throw bad(parameter, "a number");
  }

  private static TorchScalar.Kind kindOf(DataType t) {
    return t == DataType.BOOL ? TorchScalar.Kind.BOOL : t.isFloat() ? TorchScalar.Kind.FLOAT : TorchScalar.Kind.INT;
  }

  private TorchScalar constant(String parameter) {
    TorchScalar s = scalar(parameter);
    if (!s.isConstant()) {
      throw bad(parameter, "known at conversion time");
    }
    return s;
  }

  /** A constant integer. */
  public long integer(String parameter) {
    return constant(parameter).toLong();
  }

  /** A constant number. */
  public double number(String parameter) {
    return constant(parameter).toDouble();
  }

  /** A constant number, the other for None. */
  public double number(String parameter, double ifNone) {
    return isNone(parameter) ? ifNone : number(parameter);
  }

  public boolean bool(String parameter) {
    return !isNone(parameter) && constant(parameter).toBoolean();
  }

  public String string(String parameter) {
    if (get(parameter) instanceof TorchString s) {
      return s.text();
    }
    throw bad(parameter, "a string");
  }

  /** An axis of a tensor of this rank, made non-negative. */
  public int axis(String parameter, int rank) {
    return axis(integer(parameter), rank);
  }

  /** An axis of a tensor of this rank, made non-negative; a tensor of rank 0 is taken for one of rank 1. */
  public int axis(long dim, int rank) {
    int r = Math.max(rank, 1);
    if (dim < -r || dim >= r) {
      throw new LoweringException(schema.qualifiedName() + ": dimension " + dim + " of a tensor of rank " + rank);
    }
    return (int) (dim < 0 ? dim + r : dim);
  }

  /** Constant integers; a single number is a list of one. */
  public long[] ints(String parameter) {
    return numbers(parameter).stream().mapToLong(s -> {
      if (!s.isConstant()) {
        throw bad(parameter, "known at conversion time");
      }
      return s.toLong();
    }).toArray();
  }

  /** Constant integers, one for each of n dimensions: a single one stands for n equal ones. */
  public long[] ints(String parameter, int n) {
    long[] given = ints(parameter);
    if (given.length == 1 && n != 1) {
      long[] all = new long[n];
      Arrays.fill(all, given[0]);
      return all;
    }
    return given;
  }

  /** Constant axes of a tensor of this rank, made non-negative; empty for None or none. */
  public int[] axes(String parameter, int rank) {
    return isNone(parameter) ? new int[0] : Arrays.stream(ints(parameter)).mapToInt(d -> axis(d, rank)).toArray();
  }

  /** Constant floating-point numbers. */
  public double[] doubles(String parameter) {
    return numbers(parameter).stream().mapToDouble(s -> {
      if (!s.isConstant()) {
        throw bad(parameter, "known at conversion time");
      }
      return s.toDouble();
    }).toArray();
  }

  /** Sizes and the like, constant or computed; a single number is a list of one. Tensors of rank 0 count as numbers. */
  public List<TorchScalar> numbers(String parameter) {
    if (get(parameter) instanceof TorchScalar s) {
      return List.of(s);
    }
    List<TorchScalar> all = new ArrayList<>();
    for (TorchValue v : list(parameter)) {
      if (v instanceof TorchScalar s) {
        all.add(s);
      } else if (v instanceof TorchTensor t && t.rank() <= 0) {
        all.add(onnx().number(kindOf(t.dtype()), t.value()));
      } else {
        throw bad(parameter, "a list of numbers");
      }
    }
    return all;
  }

  /** An element type, given as such or by c10's number; the other for None. */
  public DataType dtype(String parameter, DataType ifNone) {
    TorchValue v = get(parameter);
    if (v == TorchNone.NONE) {
      return ifNone;
    } else if (v instanceof TorchDtype d) {
      return d.dtype();
    } else if (v instanceof TorchScalar s && s.isConstant()) {
      return aten.dtypeOfNumber(s.toLong());
    }
    throw bad(parameter, "an element type");
  }

  // ---- promotion ----

  /** The common element type of some arguments, see {@link Promotion}. */
  public DataType promoted(String... parameters) {
    return Promotion.of(Arrays.stream(parameters).map(this::get).toList());
  }

  /** An argument, tensor or number, as a tensor of this element type. */
  public Value tensor(String parameter, DataType dtype) {
    TorchValue v = get(parameter);
    return v instanceof TorchScalar s ? s.scalar(onnx(), dtype) : onnx().cast(tensor(parameter), dtype);
  }

  // ---- results ----

  /** The result: a new tensor. */
  public TorchTensor result(Value v) {
    return TorchTensor.of(v);
  }

  /** Several new tensors, as a tuple. */
  public TorchTuple results(List<Value> values) {
    return new TorchTuple(values.stream().map(v -> (TorchValue) TorchTensor.of(v)).toList());
  }

  public TorchTuple results(Value... values) {
    return results(Arrays.asList(values));
  }

  /** Several new tensors, as a list. */
  public TorchList resultList(List<Value> values) {
    return new TorchList(values.stream().map(TorchTensor::of).toList());
  }

  /** For what cannot be expressed. */
  public LoweringException unsupported(String what) {
    return new LoweringException(schema.qualifiedName() + ": " + what);
  }

  @Override
  public String toString() {
    return schema.qualifiedName() + Arrays.toString(arguments);
  }
}
