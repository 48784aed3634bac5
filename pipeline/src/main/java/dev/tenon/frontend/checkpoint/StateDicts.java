package dev.tenon.frontend.checkpoint;

import dev.tenon.frontend.archive.StoredTensor;
import dev.tenon.frontend.pickle.PickleObject;
import dev.tenon.frontend.pickle.PickleTuple;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.io.Quote;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Finds the weights in what a training script saved: a state_dict, or one beside an optimizer's state, an epoch and whatever else.
 * Where it is not clear which of several is meant nothing is guessed.
 */
final class StateDicts {
  /** The names under which training scripts save the weights, the plainest first; averages of weights come last. */
  private static final List<String> PREFERRED = List.of("state_dict", "model_state_dict", "model_state", "model", "net", "network",
      "module", "weights", "params", "model_ema", "model_ema_state_dict", "state_dict_ema", "ema_state_dict", "params_ema", "ema",
      "ema_model");
  private static final Pattern NO_WEIGHTS = Pattern.compile(
      "(.*_)?optim(izer)?s?(_.*)?|.*scheduler.*|(grad_|loss_)?scaler|amp|(.*_)?rng(_.*)?|callbacks|loops");
  private static final int MAX_DEPTH = 5;
  private static final int MAX_KEY = 100;
  private static final int MAX_VISITS = 100_000;

  private final Object file;
  private final List<Candidate> candidates = new ArrayList<>();
  private final List<String> notes = new ArrayList<>();
  private int visits;

  /** A dict with tensors in it. */
  private record Candidate(String path, Map<?, ?> map, long tensors) {
    int rank() {
      int i = PREFERRED.indexOf(path.substring(path.lastIndexOf('.') + 1));
      return i < 0 ? PREFERRED.size() : i;
    }
  }

  /**
   * Weights by name, and what was decided on the way.
   *
   * @param metadata the numbers and short texts that were saved beside them
   */
  record Found(Map<String, StoredTensor> tensors, Map<String, String> metadata, List<String> notes) {}

  private StateDicts(Object file) {
    this.file = file;
  }

  /**
   * Finds the state_dict.
   *
   * @param key the dotted path of the one that is meant, or null to find it
   * @throws BadInputException if there is none, or several
   */
  static Found find(Object file, Object root, String key) {
    StateDicts s = new StateDicts(file);
    s.collect(root, "", 0);
    Candidate chosen = s.choose(key);
    if (!chosen.path().isEmpty() && key == null) {
      s.notes.add("the weights are those under \"" + chosen.path() + '"' + s.others(chosen));
    }
    Map<String, StoredTensor> tensors = s.tensors(chosen.map());
    return new Found(s.withoutPrefixes(tensors), metadata(root), s.notes);
  }

  private void collect(Object value, String path, int depth) {
    if (depth > MAX_DEPTH || ++visits > MAX_VISITS) {
      return;
    }
    if (value instanceof Map<?, ?> map) {
      if (map.containsKey("param_groups") && map.containsKey("state")) {
        // An optimizer's own state.
        return;
      }
      long tensors = map.entrySet().stream().filter(e -> e.getKey() instanceof String && tensor(e.getValue()).isPresent()).count();
      if (tensors > 0) {
        candidates.add(new Candidate(path, map, tensors));
      }
      map.forEach((k, v) -> {
        if (k instanceof String name && name.length() <= MAX_KEY && !NO_WEIGHTS.matcher(name.toLowerCase(Locale.ROOT)).matches()) {
          collect(v, path.isEmpty() ? name : path + "." + name, depth + 1);
        }
      });
    } else if (value instanceof PickleTuple || value instanceof List<?>) {
      List<?> items = value instanceof PickleTuple t ? t.items() : (List<?>) value;
      for (int i = 0; i < Math.min(items.size(), 16); i++) {
        collect(items.get(i), path.isEmpty() ? String.valueOf(i) : path + "." + i, depth + 1);
      }
    }
  }

  /** A tensor, or a NumPy array. */
  private static Optional<StoredTensor> tensor(Object value) {
    if (value instanceof StoredTensor t) {
      return Optional.of(t);
    }
    return value instanceof PickleObject o && o.state() instanceof StoredTensor t ? Optional.of(t) : Optional.empty();
  }

  private Candidate choose(String key) {
    if (key != null) {
      return candidates.stream().filter(c -> c.path().equals(key)).findFirst()
          .orElseThrow(() -> BadInputException.of(file, "", "no tensors under " + shown(key), candidates.isEmpty() ? "a state_dict"
              : "one of " + paths(candidates)));
    }
    if (candidates.isEmpty()) {
      throw BadInputException.of(file, "", "no tensors by name", "a state_dict, as torch.save(model.state_dict(), path) saves");
    }
    long most = candidates.stream().mapToLong(Candidate::tensors).max().orElseThrow();
    // A few tensors among the metrics are not the weights.
    List<Candidate> large = candidates.stream().filter(c -> c.tensors() * 4 >= most).toList();
    Candidate first = large.get(0);
    boolean flat = first.path().isEmpty() && first.tensors() == most
        && large.stream().allMatch(c -> c == first || c.rank() == PREFERRED.size());
    if (large.size() == 1 || flat) {
      return first;
    }
    List<Candidate> inner = large.stream().filter(c -> !c.path().isEmpty()).toList();
    int best = inner.stream().mapToInt(Candidate::rank).min().orElseThrow();
    List<Candidate> equals = inner.stream().filter(c -> c.rank() == best).toList();
    if (equals.size() == 1 && (best < PREFERRED.size() || inner.size() == 1)) {
      return equals.get(0);
    }
    throw BadInputException.of(file, "", "several dicts of tensors (" + paths(large) + ")",
        "one, chosen with --key; or in Python: torch.save(torch.load(path)" + subscripts(equals.get(0).path()) + ", \"weights.pth\")");
  }

  private static String subscripts(String path) {
    return Stream.of(path.split("\\.")).map(p -> p.matches("[0-9]+") ? "[" + p + "]" : "[\"" + p + "\"]").collect(Collectors.joining());
  }

  private static String paths(List<Candidate> all) {
    return all.stream().limit(6).map(c -> c.path().isEmpty() ? "the top" : shown(c.path())).collect(Collectors.joining(", "))
        + (all.size() > 6 ? ", …" : "");
  }

  private static String shown(String name) {
    return '"' + Quote.of(name, 60) + '"';
  }

  private String others(Candidate chosen) {
    List<Candidate> rest = candidates.stream().filter(c -> c != chosen && !c.path().isEmpty()).toList();
    return rest.isEmpty() ? "" : ", not those under " + paths(rest);
  }

  private Map<String, StoredTensor> tensors(Map<?, ?> map) {
    Map<String, StoredTensor> tensors = new LinkedHashMap<>();
    List<String> left = new ArrayList<>();
    map.forEach((k, v) -> {
      Optional<StoredTensor> t = k instanceof String ? tensor(v) : Optional.empty();
      if (t.isPresent()) {
        tensors.put((String) k, t.get());
      } else if (!NO_WEIGHTS.matcher(String.valueOf(k instanceof String ? k : "")).matches()) {
        left.add(k instanceof String s ? shown(s) : "an entry without a name");
      }
    });
    if (!left.isEmpty()) {
      notes.add(left.size() + (left.size() == 1 ? " entry that is no tensor is" : " entries that are no tensors are") + " left out: "
          + left.stream().limit(5).collect(Collectors.joining(", ")) + (left.size() > 5 ? ", …" : ""));
    }
    return tensors;
  }

  /** Takes away what wrappers put before all names: DataParallel, torch.compile, averaged models. */
  private Map<String, StoredTensor> withoutPrefixes(Map<String, StoredTensor> tensors) {
    Map<String, StoredTensor> result = tensors;
    for (String prefix = common(result); prefix != null; prefix = common(result)) {
      String p = prefix;
      Map<String, StoredTensor> shorter = new LinkedHashMap<>();
      result.forEach((name, t) -> {
        if (name.startsWith(p)) {
          shorter.put(name.substring(p.length()), t);
        }
      });
      notes.add("the prefix \"" + p + "\" is removed from all names");
      result = shorter;
    }
    return result;
  }

  private static String common(Map<String, StoredTensor> tensors) {
    for (String prefix : List.of("module.", "_orig_mod.")) {
      // AveragedModel counts beside its module.
      if (tensors.keySet().stream().anyMatch(n -> n.startsWith(prefix))
          && tensors.keySet().stream().allMatch(n -> n.startsWith(prefix) && n.length() > prefix.length() || n.equals("n_averaged"))) {
        return prefix;
      }
    }
    return null;
  }

  private static Map<String, String> metadata(Object root) {
    Map<String, String> metadata = new LinkedHashMap<>();
    if (root instanceof Map<?, ?> map) {
      map.forEach((k, v) -> {
        boolean plain = v instanceof Long || v instanceof Double || v instanceof Boolean || v instanceof String s && s.length() <= 200;
        if (k instanceof String name && plain && metadata.size() < 100) {
          metadata.put(name, v.toString());
        }
      });
    }
    return metadata;
  }
}
