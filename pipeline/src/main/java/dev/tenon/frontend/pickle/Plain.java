package dev.tenon.frontend.pickle;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The classes and functions of Python's own that checkpoints name. */
final class Plain {
  private static final int MAX_BYTES = 1 << 28;

  private Plain() {}

  static void register(Map<String, PickleGlobal> to) {
    Globals.add(to, "collections.OrderedDict", Plain::dict);
    Globals.add(to, "collections.Counter", Plain::dict);
    Globals.add(to, "collections.defaultdict", (place, args) -> dict(place, args.isEmpty() ? args : args.subList(1, args.size())));
    Globals.add(to, "collections.deque", (place, args) -> new ArrayList<Object>(args.isEmpty() ? args
        : place.sequence(args.get(0), "a deque")));
    Globals.add(to, "builtins.set", Plain::set);
    Globals.add(to, "builtins.frozenset", Plain::set);
    Globals.add(to, "builtins.complex", (place, args) -> new PickleComplex(place.number(place.arg(args, 0, "complex"), "a real part"),
        place.number(place.arg(args, 1, "complex"), "an imaginary part")));
    Globals.add(to, "builtins.bytearray", Plain::bytes);
    Globals.add(to, "builtins.bytes", Plain::bytes);
    Globals.add(to, "_codecs.encode", (place, args) -> encode(place, args));
    for (String value : List.of("list", "dict", "tuple", "int", "float", "bool", "str", "object")) {
      // Named as the factory of a defaultdict, or as a type in a configuration; there is nothing to call.
      Globals.add(to, "builtins." + value, null);
    }
    for (String name : List.of("builtins.slice", "builtins.range", "argparse.Namespace", "types.SimpleNamespace", "pathlib.PosixPath",
        "pathlib.WindowsPath", "pathlib.PurePosixPath", "pathlib.PureWindowsPath", "pathlib.Path", "pathlib._local.PosixPath",
        "pathlib._local.WindowsPath", "datetime.datetime", "datetime.timedelta", "torch.device", "torch.serialization._get_layout")) {
      Globals.add(to, name, (place, args) -> new PickleObject(name, new PickleTuple(args)));
    }
    Globals.add(to, "torch.Size", (place, args) -> new PickleTuple(new ArrayList<>(place.sequence(place.arg(args, 0, "Size"), "a size"))));
    for (String scheme : List.of("per_tensor_affine", "per_tensor_symmetric", "per_channel_affine", "per_channel_symmetric",
        "per_channel_affine_float_qparams")) {
      Globals.add(to, "torch." + scheme, null);
    }
    for (String type : List.of("torch.Tensor", "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer")) {
      Globals.add(to, type, null);
    }
  }

  private static Unpickler unpickler(PicklePlace place) {
    return (Unpickler) place;
  }

  private static Object dict(PicklePlace place, List<Object> args) {
    Map<Object, Object> map = new LinkedHashMap<>();
    if (!args.isEmpty()) {
      if (args.get(0) instanceof Map<?, ?> m) {
        // Its keys have been checked.
        map.putAll(m);
      } else {
        for (Object item : place.sequence(args.get(0), "the items of a dict")) {
          List<?> pair = place.sequence(item, "an item of a dict");
          if (pair.size() != 2) {
            throw place.bad("an item of " + pair.size(), "a key and a value");
          }
          unpickler(place).put(map, pair.get(0), pair.get(1));
        }
      }
    }
    return map;
  }

  private static Object set(PicklePlace place, List<Object> args) {
    if (args.isEmpty()) {
      return unpickler(place).setOf(List.of());
    }
    return unpickler(place).setOf(args.get(0) instanceof Set<?> s ? List.copyOf(s) : place.sequence(args.get(0), "the elements of a set"));
  }

  private static Object bytes(PicklePlace place, List<Object> args) {
    if (args.isEmpty()) {
      return new byte[0];
    }
    if (args.get(0) instanceof byte[] b) {
      return b;
    }
    return encode(place, args);
  }

  /** {@code _codecs.encode(text, encoding)}: how protocol 2, which has no bytes, writes them. */
  private static byte[] encode(PicklePlace place, List<Object> args) {
    String text = place.string(place.arg(args, 0, "encode"), "the bytes");
    String encoding = args.size() < 2 ? "utf-8" : place.string(args.get(1), "an encoding");
    if (text.length() > MAX_BYTES) {
      throw place.bad(text.length() + " bytes", "at most " + MAX_BYTES);
    }
    switch (encoding) {
      case "latin1", "latin-1", "iso-8859-1" -> {
        if (text.chars().anyMatch(c -> c > 255)) {
          throw place.bad("a character beyond latin-1 in bytes", "none");
        }
        return text.getBytes(StandardCharsets.ISO_8859_1);
      }
      case "utf-8", "utf8", "ascii" -> {
        return text.getBytes(StandardCharsets.UTF_8);
      }
      default -> throw place.bad("the encoding " + PicklePlace.describe(encoding), "latin1");
    }
  }
}
