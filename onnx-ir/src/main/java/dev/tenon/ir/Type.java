package dev.tenon.ir;

/** The type of a value: a tensor nearly always; sequences, optionals, maps and sparse tensors as the standard has them. */
public sealed interface Type {

  /** A dense tensor. */
  record TensorType(DataType dtype, Shape shape) implements Type {
    @Override
    public String toString() {
      return dtype + shape.toString();
    }
  }

  record SparseTensorType(DataType dtype, Shape shape) implements Type {
    @Override
    public String toString() {
      return "sparse(" + dtype + shape + ")";
    }
  }

  record SequenceType(Type element) implements Type {
    @Override
    public String toString() {
      return "seq(" + element + ")";
    }
  }

  record OptionalType(Type element) implements Type {
    @Override
    public String toString() {
      return "optional(" + element + ")";
    }
  }

  record MapType(DataType key, Type value) implements Type {
    @Override
    public String toString() {
      return "map(" + key + "," + value + ")";
    }
  }

  record OpaqueType(String domain, String name) implements Type {
    @Override
    public String toString() {
      return "opaque(" + domain + "," + name + ")";
    }
  }

  static TensorType tensor(DataType dtype, Shape shape) {
    return new TensorType(dtype, shape);
  }
}
