package dev.tenon.tf;

import dev.tenon.ir.Node;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Which emitter serves which operator from which opset on: the greatest registered version not above the model's opset wins, so
 * only a break in an operator's meaning needs a new registration.
 */
public final class EmitterRegistry {

  private record Key(String domain, String opType) {}

  private final Map<Key, TreeMap<Integer, Emitter>> emitters = new HashMap<>();

  /** Registers an emitter for an operator of ONNX's own domain, from an opset on. */
  public EmitterRegistry op(String opType, int sinceOpset, Emitter emitter) {
    return op(Node.ONNX_DOMAIN, opType, sinceOpset, emitter);
  }

  public EmitterRegistry op(String domain, String opType, int sinceOpset, Emitter emitter) {
    Emitter old = emitters.computeIfAbsent(new Key(domain, opType), k -> new TreeMap<>()).put(sinceOpset, emitter);
    if (old != null) {
      throw new IllegalStateException(domain + "::" + opType + " is registered twice for opset " + sinceOpset);
    }
    return this;
  }

  /** The emitter for an operator at an opset. */
  public Optional<Emitter> find(String domain, String opType, int opset) {
    TreeMap<Integer, Emitter> versions = emitters.get(new Key(domain, opType));
    return versions == null ? Optional.empty() : Optional.ofNullable(versions.floorEntry(opset)).map(Map.Entry::getValue);
  }

  /** The operators of a domain that have an emitter, sorted. */
  public Set<String> operators(String domain) {
    Set<String> names = new TreeSet<>();
    emitters.keySet().stream().filter(k -> k.domain.equals(domain)).forEach(k -> names.add(k.opType));
    return names;
  }
}
