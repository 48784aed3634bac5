package dev.tenon.verify.reference;

import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.IValueUtils;
import ai.djl.pytorch.jni.JniUtils;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Storage;
import dev.tenon.ir.Tensor;
import dev.tenon.verify.reference.ScriptArchive.Method;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;

/**
 * Copies tensors between the IR and libtorch.
 *
 * <p>DJL's native code ends the process when it meets an element type that it has no number for, bfloat16 and int16 among them. So a
 * little TorchScript module looks at each tensor first, and such tensors pass as float32 and int32, which hold their values exactly.
 */
final class LibtorchTensors implements AutoCloseable {
  /** An element type: its number in PyTorch, and the type in which it passes to and from Java. */
  private record Passage(int number, DataType passesAs) {}

  private static final Map<DataType, Passage> PASSAGES = Map.ofEntries(
      Map.entry(DataType.UINT8, new Passage(0, DataType.UINT8)),
      Map.entry(DataType.INT8, new Passage(1, DataType.INT8)),
      Map.entry(DataType.INT16, new Passage(2, DataType.INT32)),
      Map.entry(DataType.INT32, new Passage(3, DataType.INT32)),
      Map.entry(DataType.INT64, new Passage(4, DataType.INT64)),
      Map.entry(DataType.FLOAT16, new Passage(5, DataType.FLOAT16)),
      Map.entry(DataType.FLOAT, new Passage(6, DataType.FLOAT)),
      Map.entry(DataType.DOUBLE, new Passage(7, DataType.DOUBLE)),
      Map.entry(DataType.BOOL, new Passage(11, DataType.BOOL)),
      Map.entry(DataType.BFLOAT16, new Passage(15, DataType.FLOAT)));

  private static final List<Method> METHODS = List.of(
      new Method("number", List.of("x: Tensor"), "int", List.of("return ops.prim.dtype(x)")),
      new Method("cast", List.of("x: Tensor", "number: int"), "Tensor", List.of("return torch.to(x, number)")),
      new Method("none", List.of(), "NoneType", List.of("return None")),
      new Method("dense", List.of("x: Tensor"), "bool", List.of("return torch.__not__(ops.prim.is_sparse(x))")));

  private final PtSymbolBlock module;

  LibtorchTensors(PtNDManager manager) {
    ByteArrayOutputStream archive = new ByteArrayOutputStream();
    ScriptArchive.write(archive, METHODS);
    try {
      module = JniUtils.loadModule(manager, new ByteArrayInputStream(archive.toByteArray()), false, false);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static ai.djl.ndarray.types.DataType inDjl(DataType t) {
    return switch (t) {
      case UINT8 -> ai.djl.ndarray.types.DataType.UINT8;
      case INT8 -> ai.djl.ndarray.types.DataType.INT8;
      case INT32 -> ai.djl.ndarray.types.DataType.INT32;
      case INT64 -> ai.djl.ndarray.types.DataType.INT64;
      case FLOAT16 -> ai.djl.ndarray.types.DataType.FLOAT16;
      case FLOAT -> ai.djl.ndarray.types.DataType.FLOAT32;
      case DOUBLE -> ai.djl.ndarray.types.DataType.FLOAT64;
      case BOOL -> ai.djl.ndarray.types.DataType.BOOLEAN;
      default -> throw new IllegalArgumentException(t.label());
    };
  }

  /** A tensor as an argument; the caller closes it, the manager frees the elements. */
  IValue toLibtorch(PtNDManager manager, Tensor t) {
    Passage passage = PASSAGES.get(t.dtype());
    if (passage == null) {
      throw ReferenceFailure.unusable("libtorch takes no tensors of type " + t.dtype().label(), null);
    }
    ByteBuffer source = (t.dtype() == passage.passesAs ? t : t.cast(passage.passesAs)).bytes();
    ByteBuffer direct = ByteBuffer.allocateDirect(source.remaining()).order(ByteOrder.nativeOrder());
    direct.put(source).flip();
    IValue value = IValue.from(manager.create(direct, new Shape(t.dims()), inDjl(passage.passesAs)));
    return t.dtype() == passage.passesAs ? value : cast(value, passage.number);
  }

  /** Python's None; the caller closes it. */
  IValue none() {
    return IValueUtils.runMethod(module, "none");
  }

  private IValue cast(IValue value, long number) {
    try (value; IValue n = IValue.from(number)) {
      return IValueUtils.runMethod(module, "cast", value, n);
    }
  }

  /** A copy on Java's side, in row-major order whatever the strides. */
  Tensor fromLibtorch(String name, IValue value, PtNDManager manager) {
    DataType dtype = typeOf(name, value);
    Passage passage = PASSAGES.get(dtype);
    if (dtype == passage.passesAs) {
      return copy(name, dtype, value, manager);
    }
    try (IValue n = IValue.from((long) PASSAGES.get(passage.passesAs).number);
        IValue passing = IValueUtils.runMethod(module, "cast", value, n)) {
      return copy(name, passage.passesAs, passing, manager).cast(dtype).evaluated();
    }
  }

  private DataType typeOf(String name, IValue value) {
    try (IValue dense = IValueUtils.runMethod(module, "dense", value); IValue number = IValueUtils.runMethod(module, "number", value)) {
      if (!dense.toBoolean()) {
        throw ReferenceFailure.unusable("libtorch cannot return " + name + ", a sparse tensor", null);
      }
      long n = number.toLong();
      return PASSAGES.entrySet().stream().filter(e -> e.getValue().number == n).map(Map.Entry::getKey).findFirst()
          .orElseThrow(() -> ReferenceFailure.unusable("libtorch cannot return " + name + ", a tensor of PyTorch's type number " + n, null));
    }
  }

  private static Tensor copy(String name, DataType dtype, IValue value, PtNDManager manager) {
    PtNDArray array = value.toTensor(manager);
    ByteBuffer bytes = JniUtils.getByteBuffer(array, true);
    ByteBuffer copy = ByteBuffer.allocate(bytes.remaining()).order(ByteOrder.LITTLE_ENDIAN);
    copy.put(bytes).flip();
    return Tensor.constant(name, dtype, array.getShape().getShape(), Storage.of(copy));
  }

  @Override
  public void close() {
    module.close();
  }
}
