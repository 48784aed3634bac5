package dev.tenon.frontend.pickle;

import dev.tenon.frontend.archive.Quantization;
import dev.tenon.frontend.archive.ScalarType;
import dev.tenon.frontend.archive.StoredTensor;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Storage;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The functions of {@code torch._utils} and {@code torch._tensor} that make tensors of storages. */
final class Rebuild {
  private Rebuild() {}

  static void register(Map<String, PickleGlobal> to) {
    // _rebuild_tensor(storage, offset, size, stride)
    Globals.add(to, "torch._utils._rebuild_tensor", (place, args) -> window(place, args, typed(place, args)));
    // _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks, metadata=None)
    Globals.add(to, "torch._utils._rebuild_tensor_v2", (place, args) -> {
      checkMetadata(place, args, 6);
      return window(place, args, typed(place, args));
    });
    // _rebuild_tensor_v3(storage, offset, size, stride, requires_grad, hooks, dtype, metadata=None)
    Globals.add(to, "torch._utils._rebuild_tensor_v3", (place, args) -> {
      checkMetadata(place, args, 7);
      return window(place, args, scalarType(place, place.arg(args, 6, "_rebuild_tensor_v3")));
    });
    // _rebuild_parameter(data, requires_grad, hooks) and _rebuild_parameter_with_state(data, requires_grad, hooks, state)
    PickleGlobal.Call data = (place, args) -> Globals.tensor(place, place.arg(args, 0, "_rebuild_parameter"));
    Globals.add(to, "torch._utils._rebuild_parameter", data);
    Globals.add(to, "torch._utils._rebuild_parameter_with_state", data);
    // _rebuild_qtensor(storage, offset, size, stride, quantizer, requires_grad, hooks)
    Globals.add(to, "torch._utils._rebuild_qtensor", Rebuild::quantized);
    // _rebuild_device_tensor_from_numpy(data, dtype, device, requires_grad), and the same with a tensor on the CPU
    Globals.add(to, "torch._utils._rebuild_device_tensor_from_numpy", Rebuild::onDevice);
    Globals.add(to, "torch._utils._rebuild_device_tensor_from_cpu_tensor", Rebuild::onDevice);
    // _rebuild_from_type_v2(function, type, arguments, state): tensors with attributes of their own, which weights do not need.
    PickleGlobal.Call fromType = (place, args) -> Globals.callArgument(place, place.arg(args, 0, "_rebuild_from_type_v2"),
        place.arg(args, 2, "_rebuild_from_type_v2"));
    Globals.add(to, "torch._tensor._rebuild_from_type_v2", fromType);
    Globals.add(to, "torch._tensor._rebuild_from_type", fromType);
    Globals.add(to, "torch.tensor._rebuild_from_type", fromType);
  }

  private static StorageValue storage(PicklePlace place, List<Object> args) {
    if (place.arg(args, 0, "a tensor's function") instanceof StorageValue s) {
      return s;
    }
    throw place.bad(PicklePlace.describe(args.get(0)) + " as a tensor's storage", "a storage");
  }

  private static ScalarType typed(PicklePlace place, List<Object> args) {
    StorageValue s = storage(place, args);
    return s.id().type().orElseThrow(() -> place.bad("an untyped storage for a tensor without a type of its own", "a typed one"));
  }

  private static ScalarType scalarType(PicklePlace place, Object value) {
    if (value instanceof ScalarType t) {
      return t;
    }
    throw place.bad(PicklePlace.describe(value) + " as a tensor's type", "torch.float32 or its kin");
  }

  private static StoredTensor window(PicklePlace place, List<Object> args, ScalarType type) {
    StorageValue s = storage(place, args);
    if (args.size() < 4) {
      throw place.bad("a tensor's function with " + args.size() + " arguments", "storage, offset, size and stride");
    }
    DataType dtype = type.dtype().orElseThrow(() -> place.bad("a tensor of type " + type + ", which ONNX has not", "another type"));
    long offset = place.integer(args.get(1), "a storage offset");
    List<Long> sizes = place.integers(args.get(2), "sizes");
    List<Long> strides = place.integers(args.get(3), "strides");
    Storage bytes = s.storage();
    Optional<StorageId.View> view = s.id().view();
    if (view.isPresent()) {
      StorageId.View v = view.get();
      if (v.offset() < 0 || v.numel() < 0 || v.offset() > s.id().numel() || v.numel() > s.id().numel() - v.offset()) {
        throw place.bad("a view of " + v.numel() + " elements at " + v.offset(), "one within the storage's " + s.id().numel());
      }
      if (offset > v.numel()) {
        throw place.bad("the offset " + offset + " in a view of " + v.numel(), "one within the view");
      }
      // The tensor's offset counts from the view's beginning.
      offset = Math.max(offset, offset + v.offset());
    }
    return StoredTensor.of(place.file(), place.position(), dtype, sizes, strides, offset, bytes, s.id().key());
  }

  /** Elements that are to be conjugated or negated when they are read: {@code {'conj': True}}. */
  private static void checkMetadata(PicklePlace place, List<Object> args, int index) {
    if (args.size() > index && args.get(index) instanceof Map<?, ?> m && m.values().stream().anyMatch(v -> !Boolean.FALSE.equals(v))) {
      throw place.bad("a conjugated or negated view as a tensor", "stored elements; save tensor.resolve_conj().resolve_neg()");
    }
  }

  private static Object onDevice(PicklePlace place, List<Object> args) {
    StoredTensor t = Globals.tensor(place, place.arg(args, 0, "a tensor's function"));
    ScalarType type = scalarType(place, place.arg(args, 1, "a tensor's function"));
    if (type.dtype().filter(d -> d == t.dtype()).isEmpty()) {
      throw place.bad("elements of type " + t.dtype() + " for a tensor of type " + type, "the same type");
    }
    return t;
  }

  private static Object quantized(PicklePlace place, List<Object> args) {
    StoredTensor t = window(place, args, typed(place, args));
    List<?> q = place.sequence(place.arg(args, 4, "_rebuild_qtensor"), "a quantizer");
    String scheme = q.isEmpty() ? "" : q.get(0) instanceof PickleGlobal g ? g.name() : PicklePlace.describe(q.get(0));
    switch (scheme) {
      case "torch.per_tensor_affine", "torch.per_tensor_symmetric" -> {
        if (q.size() != 3) {
          throw place.bad("a quantizer of " + q.size() + " fields", "scheme, scale and zero point");
        }
        return t.withQuantization(new Quantization.PerTensor(place.number(q.get(1), "a scale"), place.integer(q.get(2), "a zero point")));
      }
      case "torch.per_channel_affine", "torch.per_channel_symmetric", "torch.per_channel_affine_float_qparams" -> {
        if (q.size() != 4) {
          throw place.bad("a quantizer of " + q.size() + " fields", "scheme, scales, zero points and axis");
        }
        return perChannel(place, t, q);
      }
      default -> throw place.bad("the quantization scheme " + scheme, "torch.per_tensor_affine or torch.per_channel_affine");
    }
  }

  private static StoredTensor perChannel(PicklePlace place, StoredTensor t, List<?> q) {
    StoredTensor scales = parameters(place, q.get(1), DataType.DOUBLE);
    StoredTensor zeroPoints = parameters(place, q.get(2), DataType.INT64);
    long axis = place.integer(q.get(3), "an axis");
    if (axis < 0 || axis >= t.rank()) {
      throw place.bad("the quantization axis " + axis + " of a tensor of rank " + t.rank(), "one of its axes");
    }
    List<Long> expected = List.of(t.sizes().get((int) axis));
    if (!scales.sizes().equals(expected) || !zeroPoints.sizes().equals(expected)) {
      throw place.bad(scales.numel() + " scales and " + zeroPoints.numel() + " zero points", expected + ", one for each channel");
    }
    return t.withQuantization(new Quantization.PerChannel(scales, zeroPoints, (int) axis));
  }

  /** Scales or zero points: a tensor, or in older files a list of numbers. */
  private static StoredTensor parameters(PicklePlace place, Object value, DataType listType) {
    if (value instanceof StoredTensor t) {
      return t;
    }
    List<?> numbers = place.sequence(value, "scales or zero points");
    ByteBuffer bytes = ByteBuffer.allocate(Math.multiplyExact(8, numbers.size())).order(ByteOrder.LITTLE_ENDIAN);
    for (Object n : numbers) {
      if (listType == DataType.DOUBLE) {
        bytes.putDouble(place.number(n, "a scale"));
      } else {
        bytes.putLong(place.integer(n, "a zero point"));
      }
    }
    return StoredTensor.dense(place.file(), place.position(), listType, List.of((long) numbers.size()), Storage.of(bytes.flip()),
        "inline " + place.serial());
  }
}
