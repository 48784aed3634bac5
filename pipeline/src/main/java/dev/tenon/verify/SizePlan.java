package dev.tenon.verify;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;

/**
 * Which sizes a model with dynamic dimensions is tried at: several batch sizes, and for each a different height, width, length or
 * sequence where those are dynamic. ONNX does not say which sizes a model takes, so this is a list of candidates; ONNX Runtime
 * decides.
 */
final class SizePlan {

  /** What a dynamic dimension is taken for. */
  enum Role {
    BATCH, CHANNELS, DEPTH, HEIGHT, WIDTH, SEQUENCE, LENGTH
  }

  /** An input as the plan sees it. */
  record Input(String name, DataType dtype, Shape shape) {}

  /** Candidates in the order they are tried: height unlike width, multiples of 32 first; then what some networks insist on. */
  private static final List<Map<Role, Long>> CANDIDATES = List.of(
      candidate(2, 8, 64, 96, 7, 400),
      candidate(3, 6, 96, 64, 12, 641),
      candidate(1, 8, 128, 160, 16, 800),
      candidate(2, 16, 48, 160, 32, 1600),
      candidate(3, 12, 48, 192, 9, 3200),
      candidate(1, 16, 32, 100, 64, 16000),
      candidate(2, 8, 224, 224, 10, 128),
      candidate(1, 4, 32, 32, 5, 64),
      candidate(1, 16, 256, 192, 1, 32));

  private final List<Input> inputs;
  private final Map<String, Role> roles = new LinkedHashMap<>();

  SizePlan(List<Input> inputs) {
    this.inputs = List.copyOf(inputs);
    for (Input in : inputs) {
      for (int axis = 0; axis < Math.max(0, in.shape.rank()); axis++) {
        Role role = role(in, axis);
        in.shape.dim(axis).symbols().forEach(s -> roles.putIfAbsent(s, role));
      }
    }
  }

  private static Map<Role, Long> candidate(long batch, long depth, long height, long width, long sequence, long length) {
    return Map.of(Role.BATCH, batch, Role.CHANNELS, 3L, Role.DEPTH, depth, Role.HEIGHT, height, Role.WIDTH, width,
        Role.SEQUENCE, sequence, Role.LENGTH, length);
  }

  private static Role role(Input in, int axis) {
    Dim d = in.shape.dim(axis);
    String name = d.isSymbol() && !d.isAnonymous() ? d.toString().toLowerCase(Locale.ROOT) : "";
    if (name.contains("batch")) {
      return Role.BATCH;
    } else if (name.contains("seq") || name.contains("token")) {
      return Role.SEQUENCE;
    } else if (name.contains("height")) {
      return Role.HEIGHT;
    } else if (name.contains("width")) {
      return Role.WIDTH;
    } else if (axis == 0) {
      return Role.BATCH;
    }
    int rank = in.shape.rank();
    if (rank == 4 && in.shape.dim(3).isConstant() && in.shape.dim(3).constant() <= 4) {
      return axis == 1 ? Role.HEIGHT : Role.WIDTH; // channels last
    }
    return switch (rank) {
      case 2 -> in.dtype.isFloat() ? Role.LENGTH : Role.SEQUENCE;
      case 3 -> axis == 1 ? Role.SEQUENCE : Role.LENGTH;
      case 4 -> axis == 1 ? Role.CHANNELS : axis == 2 ? Role.HEIGHT : Role.WIDTH;
      default -> axis == 1 ? Role.CHANNELS : axis == 2 ? Role.DEPTH : axis == 3 ? Role.HEIGHT : Role.WIDTH;
    };
  }

  boolean isStatic() {
    return roles.isEmpty();
  }

  /** True if anything but the batch is dynamic. */
  boolean hasDynamicShape() {
    return roles.values().stream().anyMatch(r -> r != Role.BATCH);
  }

  /** True if these sizes differ from no dimension that is fixed. */
  boolean allows(Map<String, long[]> sizes) {
    for (Input in : inputs) {
      long[] dims = sizes.get(in.name);
      if (dims == null || in.shape.hasRank() && in.shape.rank() != dims.length) {
        return false;
      }
      for (int i = 0; i < Math.max(0, in.shape.rank()); i++) {
        if (in.shape.dim(i).isConstant() && !in.shape.dim(i).is(dims[i])) {
          return false;
        }
      }
    }
    return true;
  }

  /** All sizes worth a try, each input's name to its dimensions; without duplicates. */
  List<Map<String, long[]>> candidates() {
    Set<Map<String, List<Long>>> seen = new LinkedHashSet<>();
    List<Map<String, long[]>> result = new ArrayList<>();
    List<Map<Role, Long>> all = new ArrayList<>(CANDIDATES);
    // Models that take one item at a time, whatever they declare.
    CANDIDATES.forEach(c -> {
      Map<Role, Long> single = new HashMap<>(c);
      single.put(Role.BATCH, 1L);
      all.add(single);
    });
    for (Map<Role, Long> c : all) {
      Map<String, long[]> sizes = sizes(c);
      Map<String, List<Long>> key = new HashMap<>();
      sizes.forEach((n, d) -> key.put(n, Arrays.stream(d).boxed().toList()));
      if (seen.add(key)) {
        result.add(sizes);
      }
    }
    return result;
  }

  private Map<String, long[]> sizes(Map<Role, Long> values) {
    Map<String, Long> symbols = new HashMap<>();
    roles.forEach((symbol, role) -> symbols.put(symbol, values.get(role)));
    Map<String, long[]> sizes = new LinkedHashMap<>();
    for (Input in : inputs) {
      long[] dims = new long[Math.max(0, in.shape.rank())];
      for (int i = 0; i < dims.length; i++) {
        OptionalLong d = in.shape.dim(i).evaluate(symbols);
        dims[i] = d.orElse(1);
      }
      sizes.put(in.name, dims);
    }
    return sizes;
  }
}
