package dev.tenon.weights.match;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/**
 * Matches the layers of two sides. Candidates of a layer have a largest part of the same number of elements, so the problem falls apart
 * into one for each such number. What candidates resemble each other by: the parts they have, their names, their places among the
 * candidates, and what other matches say: how often the beginnings and endings of their paths have met, and whether a norm's
 * convolution is matched with the other norm's. As that changes with every match, it is done several times over.
 */
final class LayerMatcher {
  private static final int ROUNDS = 4;
  private static final double PARTS = 0.3;
  private static final double NAMES = 0.3;
  private static final double ORDER = 0.2;
  private static final double SAME_PATH = 1;
  private static final double COMPANIONS = 0.2;
  private static final double PATHS = 0.6;
  /** One meeting proves less than many. */
  private static final double DOUBT = 1;

  private final List<Layer> variables;
  private final List<Layer> tensors;
  private final Map<Layer, NameTokens> tokens = new IdentityHashMap<>();
  private final Map<Layer, Layer> companions = new IdentityHashMap<>();
  private final Map<Layer, Layer> found = new IdentityHashMap<>();
  private final Map<Layer, Layer> foundBack = new IdentityHashMap<>();
  /** Beginnings and endings of variables' paths, to those of tensors' that they have met, to how often. */
  private final Map<String, Map<String, Integer>> meetings = new HashMap<>();
  private final Map<String, Integer> variableMeetings = new HashMap<>();
  private final Map<String, Integer> tensorMeetings = new HashMap<>();

  /** Layers of both sides that are candidates for each other. */
  private record Group(List<Layer> variables, List<Layer> tensors, LayerFit[][] fits) {}

  private LayerMatcher(List<Layer> variables, List<Layer> tensors) {
    this.variables = variables;
    this.tensors = tensors;
    variables.forEach(l -> tokens.put(l, NameTokens.of(l.path())));
    tensors.forEach(l -> tokens.put(l, NameTokens.of(l.path())));
    for (List<Layer> side : List.of(variables, tensors)) {
      side.stream().filter(l -> l.has(Role.GAMMA) || l.has(Role.MEAN)).forEach(l -> companions.put(l, companion(l, side)));
    }
  }

  /** The matches, in the order of the variables. */
  static List<LayerMatch> match(List<Layer> variables, List<Layer> tensors) {
    return new LayerMatcher(variables, tensors).run();
  }

  private List<LayerMatch> run() {
    // Where there is little choice first: what is found there tells how paths correspond.
    List<Group> groups = groups();
    groups.sort(Comparator.comparingInt(g -> g.variables.size() * g.tensors.size()));
    for (int round = 0; round < ROUNDS; round++) {
      for (Group g : groups) {
        assign(g);
        count();
      }
    }
    Map<Layer, LayerMatch> matches = new IdentityHashMap<>();
    for (Group g : groups) {
      double[][] values = values(g);
      for (int i = 0; i < values.length; i++) {
        Layer v = g.variables.get(i);
        if (found.containsKey(v)) {
          matches.put(v, explain(g, values, i, g.tensors.indexOf(found.get(v))));
        }
      }
    }
    return variables.stream().filter(matches::containsKey).map(matches::get).toList();
  }

  private List<Group> groups() {
    Map<Long, Group> bySize = new LinkedHashMap<>();
    for (Layer v : variables) {
      bySize.computeIfAbsent(v.largest().numel(), n -> new Group(new ArrayList<>(), new ArrayList<>(), null)).variables.add(v);
    }
    for (Layer t : tensors) {
      Group g = bySize.get(t.largest().numel());
      if (g != null) {
        g.tensors.add(t);
      }
    }
    List<Group> groups = new ArrayList<>();
    for (Group g : bySize.values()) {
      LayerFit[][] fits = new LayerFit[g.variables.size()][g.tensors.size()];
      for (int i = 0; i < fits.length; i++) {
        for (int j = 0; j < fits[i].length; j++) {
          fits[i][j] = LayerFit.of(g.variables.get(i), g.tensors.get(j)).orElse(null);
        }
      }
      groups.add(new Group(g.variables, g.tensors, fits));
    }
    return groups;
  }

  private void assign(Group g) {
    int[] columns = Assignment.solve(values(g));
    g.variables.forEach(found::remove);
    g.tensors.forEach(foundBack::remove);
    for (int i = 0; i < columns.length; i++) {
      if (columns[i] >= 0) {
        found.put(g.variables.get(i), g.tensors.get(columns[i]));
        foundBack.put(g.tensors.get(columns[i]), g.variables.get(i));
      }
    }
  }

  private double[][] values(Group g) {
    double[][] values = new double[g.variables.size()][g.tensors.size()];
    for (int i = 0; i < values.length; i++) {
      for (int j = 0; j < values[i].length; j++) {
        values[i][j] = g.fits[i][j] == null ? 0 : value(g, i, j);
      }
    }
    return values;
  }

  private double value(Group g, int i, int j) {
    Layer v = g.variables.get(i);
    Layer t = g.tensors.get(j);
    double order = Math.exp(-Math.abs(rank(g, i, j, true) - rank(g, i, j, false)) / 8.0);
    return PARTS * g.fits[i][j].coverage() + NAMES * tokens.get(v).similarity(tokens.get(t)) + ORDER * order + PATHS * paths(v, t)
        + COMPANIONS * companions(v, t) + (samePath(v, t) ? SAME_PATH : 0);
  }

  /** True for names that differ by slashes and dots only. */
  private static boolean samePath(Layer v, Layer t) {
    return v.path().replace('/', '.').equals(t.path().replace('/', '.'));
  }

  /** 1 if the layers are norms, and those that they follow are matched with each other. */
  private double companions(Layer v, Layer t) {
    Layer a = companions.get(v);
    Layer b = companions.get(t);
    return a != null && b != null && found.get(a) == b ? 1 : 0;
  }

  /** The layer with a kernel that a norm belongs to: of those with the longest path in common the one before it, or else behind it. */
  private static Layer companion(Layer norm, List<Layer> layers) {
    List<String> own = NameTokens.beginnings(norm.path());
    Layer best = null;
    int bestCommon = -1;
    for (Layer l : layers) {
      if (!l.has(Role.KERNEL)) {
        continue;
      }
      List<String> other = NameTokens.beginnings(l.path());
      int common = 0;
      while (common < Math.min(own.size(), other.size()) && own.get(common).equals(other.get(common))) {
        common++;
      }
      if (common > bestCommon || common == bestCommon && l.position() < norm.position()) {
        best = l;
        bestCommon = common;
      }
    }
    return best;
  }

  /** The place of a layer among those of its side that fit the same one of the other side. */
  private static int rank(Group g, int i, int j, boolean ofVariables) {
    int rank = 0;
    for (int k = 0; k < (ofVariables ? i : j); k++) {
      rank += (ofVariables ? g.fits[k][j] : g.fits[i][k]) != null ? 1 : 0;
    }
    return rank;
  }

  // ---- what matches of other layers say ----

  private void count() {
    meetings.clear();
    variableMeetings.clear();
    tensorMeetings.clear();
    found.forEach((v, t) -> {
      count(NameTokens.beginnings(v.path()), NameTokens.beginnings(t.path()));
      count(NameTokens.endings(v.path()), NameTokens.endings(t.path()));
    });
  }

  private void count(List<String> ofVariable, List<String> ofTensor) {
    ofTensor.forEach(b -> tensorMeetings.merge(b, 1, Integer::sum));
    for (String a : ofVariable) {
      variableMeetings.merge(a, 1, Integer::sum);
      Map<String, Integer> of = meetings.computeIfAbsent(a, k -> new HashMap<>());
      ofTensor.forEach(b -> of.merge(b, 1, Integer::sum));
    }
  }

  /** From 0 to 1: how well the beginnings and endings of the two paths correspond elsewhere. */
  private double paths(Layer v, Layer t) {
    return 0.75 * correspondence(v, t, NameTokens::beginnings) + 0.25 * correspondence(v, t, NameTokens::endings);
  }

  /** What the two layers themselves are matched with is not counted; longer beginnings and endings count for more. */
  private double correspondence(Layer v, Layer t, Function<String, List<String>> pieces) {
    Layer ofVariable = found.get(v);
    Layer ofTensor = foundBack.get(t);
    List<String> others = ofVariable == null ? List.of() : pieces.apply(ofVariable.path());
    List<String> otherVariables = ofTensor == null || ofTensor == v ? List.of() : pieces.apply(ofTensor.path());
    double sum = 0;
    double weights = 0;
    int weight = 0;
    for (String a : pieces.apply(v.path())) {
      double best = 0;
      Map<String, Integer> of = meetings.getOrDefault(a, Map.of());
      for (String b : pieces.apply(t.path())) {
        int together = of.getOrDefault(b, 0) - (others.contains(b) ? 1 : 0) - (otherVariables.contains(a) ? 1 : 0);
        int all = variableMeetings.getOrDefault(a, 0) - (ofVariable == null ? 0 : 1) - (otherVariables.contains(a) ? 1 : 0)
            + tensorMeetings.getOrDefault(b, 0) - (ofTensor == null ? 0 : 1) - (ofTensor != v && others.contains(b) ? 1 : 0);
        best = Math.max(best, 2.0 * together / (all + DOUBT));
      }
      sum += ++weight * best;
      weights += weight;
    }
    return weights == 0 ? 0 : sum / weights;
  }

  // ---- words ----

  private LayerMatch explain(Group g, double[][] value, int i, int j) {
    int candidates = 0;
    double second = 0;
    for (int k = 0; k < value[i].length; k++) {
      candidates += g.fits[i][k] != null ? 1 : 0;
      second = Math.max(second, k == j ? 0 : value[i][k]);
    }
    for (int k = 0; k < value.length; k++) {
      second = Math.max(second, k == i ? 0 : value[k][j]);
    }
    Layer v = g.variables.get(i);
    Layer t = g.tensors.get(j);
    boolean only = second == 0;
    double margin = value[i][j] - second;
    double confidence = only ? 0.99 : Math.max(0.05, Math.min(0.98, 0.55 + 1.5 * margin));
    List<String> reasons = new ArrayList<>();
    reasons.add(only ? "the only layer of this shape" : "1 of " + candidates + " layers of this shape");
    if (samePath(v, t)) {
      reasons.add("the same path");
    } else if (!only) {
      Set<String> common = tokens.get(v).common(tokens.get(t));
      reasons.add(common.isEmpty() ? "no common words" : "common words " + String.join(" ", common));
      boolean sameRank = rank(g, i, j, true) == rank(g, i, j, false);
      reasons.add(sameRank ? "the same place in order" : "another place in order");
      double paths = paths(v, t);
      if (paths > 0) {
        reasons.add(String.format(Locale.ROOT, "paths that correspond elsewhere too (%.0f %%)", 100 * paths));
      }
    }
    return new LayerMatch(v, t, g.fits[i][j], confidence, String.join(", ", reasons));
  }
}
