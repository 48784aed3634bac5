package dev.tenon.ir.layout;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jgrapht.alg.flow.PushRelabelMFImpl;
import org.jgrapht.graph.DefaultWeightedEdge;
import org.jgrapht.graph.SimpleDirectedWeightedGraph;

/**
 * Minimizes a sum of costs over yes-or-no variables. Each cost falls due once if its trigger holds and any one of its conditions
 * does: a copy of a tensor is made if its producer stores it otherwise and at least one reader wants it so.
 *
 * <p>Where all conditions of a term ask for the same answer and its trigger for the opposite one, the minimum is a minimum s-t cut,
 * with an auxiliary node for each shared cost. Variables are negated where that makes a term so (both orders of a pair of layouts
 * are the same problem). What stays is frustrated: small pieces are then solved exactly by enumeration, large ones by improvement
 * from the cut without these terms, whose value is a lower bound.
 */
final class BinaryProblem {
  /** A piece with a frustrated term is enumerated up to this many variables. */
  private static final int ENUMERABLE = 16;
  private static final int SOURCE = -1;
  private static final int SINK = -2;

  private final List<Term> terms = new ArrayList<>();
  private double constant;
  private int variables;

  /** A variable and the answer asked for. */
  record Literal(int variable, boolean answer) {
    boolean holds(boolean[] answers) {
      return answers[variable] == answer;
    }
  }

  private record Term(double cost, Literal trigger, List<Literal> any) {
    double cost(boolean[] answers) {
      if (trigger != null && !trigger.holds(answers)) {
        return 0;
      }
      for (Literal l : any) {
        if (l.holds(answers)) {
          return cost;
        }
      }
      return 0;
    }

    List<Literal> literals() {
      List<Literal> all = new ArrayList<>(any);
      if (trigger != null) {
        all.add(trigger);
      }
      return all;
    }
  }

  /**
   * An assignment and what is known of it.
   *
   * @param cost its cost
   * @param bound no assignment costs less than this; for a plain cut the value of the maximum flow
   * @param frustrated terms that no cut can express
   */
  record Solution(boolean[] answers, double cost, double bound, int frustrated) {
    /** True if no assignment is cheaper, up to rounding of the costs' sum. */
    boolean isOptimal() {
      return cost <= bound + Math.max(1e-6, cost * 1e-12);
    }
  }

  int variable() {
    return variables++;
  }

  int variables() {
    return variables;
  }

  /**
   * Adds a cost.
   *
   * @param trigger null if it always holds
   * @param any literals of which one is enough; none: the cost never falls due
   */
  void add(double cost, Literal trigger, List<Literal> any) {
    List<Literal> distinct = any.stream().distinct().toList();
    for (Literal l : distinct) {
      if (distinct.contains(new Literal(l.variable, !l.answer))) {
        // Always true: the trigger decides alone.
        addUnconditional(cost, trigger);
        return;
      }
    }
    if (trigger != null) {
      Literal opposite = new Literal(trigger.variable, !trigger.answer);
      if (distinct.contains(trigger)) {
        addUnconditional(cost, trigger);
        return;
      }
      distinct = distinct.stream().filter(l -> !l.equals(opposite)).toList();
    }
    if (cost > 0 && !distinct.isEmpty()) {
      terms.add(new Term(cost, trigger, distinct));
    }
  }

  /** Adds a cost that the trigger alone decides on; null: it is always due. */
  void addUnconditional(double cost, Literal trigger) {
    if (trigger == null) {
      constant += cost;
    } else if (cost > 0) {
      terms.add(new Term(cost, null, List.of(trigger)));
    }
  }

  double cost(boolean[] answers) {
    double sum = constant;
    for (Term t : terms) {
      sum += t.cost(answers);
    }
    return sum;
  }

  Solution solve() {
    Parities parities = new Parities(variables);
    List<Term> plain = new ArrayList<>();
    List<Term> frustrated = new ArrayList<>();
    // Where not all terms can be had, the dearest matter most.
    terms.stream().sorted(Comparator.comparingDouble((Term t) -> -t.cost)).forEach(t -> (parities.admit(t) ? plain : frustrated).add(t));
    boolean[] answers = new boolean[variables];
    double bound = constant + cut(plain, parities, answers);
    if (!frustrated.isEmpty()) {
      bound = repair(plain, frustrated, answers);
    }
    return new Solution(answers, cost(answers), bound, frustrated.size());
  }

  /** Which variables are negated so that terms become submodular: union-find with the parity to the representative. */
  private static final class Parities {
    private final int[] parent;
    private final boolean[] odd;

    Parities(int n) {
      parent = new int[n];
      odd = new boolean[n];
      Arrays.setAll(parent, i -> i);
    }

    /** The representative; afterwards {@code odd[v]} is the parity to it. */
    private int find(int v) {
      int root = v;
      boolean parity = false;
      while (parent[root] != root) {
        parity ^= odd[root];
        root = parent[root];
      }
      for (int at = v; parent[at] != root && at != root;) {
        int next = parent[at];
        boolean rest = parity ^ odd[at];
        parent[at] = root;
        odd[at] = parity;
        parity = rest;
        at = next;
      }
      return root;
    }

    boolean isNegated(int v) {
      return find(v) != v && odd[v];
    }

    /** Makes all conditions ask for the same and the trigger for the opposite, if what was admitted before allows it. */
    boolean admit(Term t) {
      List<Literal> literals = t.literals();
      if (literals.size() < 2) {
        return true;
      }
      Map<Integer, Boolean> wanted = new LinkedHashMap<>();
      for (Literal l : literals) {
        boolean asks = l.answer ^ (l == t.trigger) ^ isNegated(l.variable);
        Boolean other = wanted.putIfAbsent(find(l.variable), asks);
        if (other != null && other != asks) {
          return false;
        }
      }
      int root = -1;
      boolean reference = false;
      for (Map.Entry<Integer, Boolean> e : wanted.entrySet()) {
        if (root < 0) {
          root = e.getKey();
          reference = e.getValue();
        } else {
          parent[e.getKey()] = root;
          odd[e.getKey()] = e.getValue() ^ reference;
        }
      }
      return true;
    }
  }

  // ---- the cut ----

  /** Sets the answers to a cheapest assignment for these terms, which all are submodular after the negations; its cost. */
  private double cut(List<Term> plain, Parities parities, boolean[] answers) {
    if (plain.isEmpty()) {
      return 0;
    }
    Capacities c = new Capacities(variables);
    for (Term t : plain) {
      boolean asks = t.any.get(0).answer ^ parities.isNegated(t.any.get(0).variable);
      // Variables on the source's side are false. A condition that asks for true costs where the trigger is false.
      int gate = t.any.size() == 1 ? t.any.get(0).variable : c.auxiliary();
      if (t.any.size() > 1) {
        for (Literal l : t.any) {
          c.add(asks ? gate : l.variable, asks ? l.variable : gate, Capacities.ENDLESS);
        }
      }
      int trigger = t.trigger == null ? asks ? SOURCE : SINK : t.trigger.variable;
      c.add(asks ? trigger : gate, asks ? gate : trigger, t.cost);
    }
    boolean[] onSourceSide = new boolean[variables];
    double value = c.minimumCut(onSourceSide);
    for (int v = 0; v < variables; v++) {
      answers[v] = !onSourceSide[v] ^ parities.isNegated(v);
    }
    return value;
  }

  /** A flow network under construction; parallel edges are added up. */
  private static final class Capacities {
    /** More than any cut of finite edges: sizes of tensors are estimated to at most 2^40 bytes. */
    static final double ENDLESS = 0x1p60;

    private final Map<Long, Double> edges = new LinkedHashMap<>();
    private int nodes;

    Capacities(int variables) {
      nodes = variables;
    }

    int auxiliary() {
      return nodes++;
    }

    void add(int from, int to, double capacity) {
      edges.merge((long) from << 32 | to & 0xffffffffL, capacity, Double::sum);
    }

    double minimumCut(boolean[] onSourceSide) {
      SimpleDirectedWeightedGraph<Integer, DefaultWeightedEdge> g = new SimpleDirectedWeightedGraph<>(DefaultWeightedEdge.class);
      g.addVertex(SOURCE);
      g.addVertex(SINK);
      edges.forEach((ends, capacity) -> {
        int from = (int) (ends >> 32);
        int to = (int) (long) ends;
        g.addVertex(from);
        g.addVertex(to);
        g.setEdgeWeight(g.addEdge(from, to), capacity);
      });
      PushRelabelMFImpl<Integer, DefaultWeightedEdge> flow = new PushRelabelMFImpl<>(g);
      double value = flow.calculateMinCut(SOURCE, SINK);
      for (int v : flow.getSourcePartition()) {
        if (v >= 0 && v < onSourceSide.length) {
          onSourceSide[v] = true;
        }
      }
      return value;
    }
  }

  // ---- what no cut expresses ----

  /** Solves the pieces that hold frustrated terms anew; the lower bound of the whole cost afterwards. */
  private double repair(List<Term> plain, List<Term> frustrated, boolean[] answers) {
    int[] piece = pieces();
    Map<Integer, List<Term>> hard = new LinkedHashMap<>();
    frustrated.forEach(t -> hard.put(piece[t.any.get(0).variable], new ArrayList<>()));
    double bound = constant;
    for (Term t : plain) {
      if (!hard.containsKey(piece[t.any.get(0).variable])) {
        bound += t.cost(answers);
      }
    }
    for (Term t : terms) {
      hard.computeIfPresent(piece[t.any.get(0).variable], (p, list) -> {
        list.add(t);
        return list;
      });
    }
    for (Map.Entry<Integer, List<Term>> e : hard.entrySet()) {
      int[] members = java.util.stream.IntStream.range(0, variables).filter(v -> piece[v] == e.getKey()).toArray();
      double relaxed = e.getValue().stream().filter(t -> !frustrated.contains(t)).mapToDouble(t -> t.cost(answers)).sum();
      bound += members.length <= ENUMERABLE ? enumerate(members, e.getValue(), answers) : relaxed;
      if (members.length > ENUMERABLE) {
        improve(members, e.getValue(), answers);
      }
    }
    return bound;
  }

  /** Variables that share a term, directly or through others, have the same number. */
  private int[] pieces() {
    int[] parent = new int[variables];
    Arrays.setAll(parent, i -> i);
    for (Term t : terms) {
      int root = root(parent, t.any.get(0).variable);
      for (Literal l : t.literals()) {
        parent[root(parent, l.variable)] = root;
      }
    }
    int[] piece = new int[variables];
    Arrays.setAll(piece, v -> root(parent, v));
    return piece;
  }

  private static int root(int[] parent, int v) {
    int at = v;
    while (parent[at] != at) {
      parent[at] = parent[parent[at]];
      at = parent[at];
    }
    return at;
  }

  private static double sum(List<Term> terms, boolean[] answers) {
    double sum = 0;
    for (Term t : terms) {
      sum += t.cost(answers);
    }
    return sum;
  }

  /** Tries every assignment of these variables and keeps the cheapest. */
  private static double enumerate(int[] members, List<Term> terms, boolean[] answers) {
    double best = Double.POSITIVE_INFINITY;
    int bestCode = 0;
    for (int code = 0; code < 1 << members.length; code++) {
      assign(members, code, answers);
      double cost = sum(terms, answers);
      if (cost < best) {
        best = cost;
        bestCode = code;
      }
    }
    assign(members, bestCode, answers);
    return best;
  }

  private static void assign(int[] members, int code, boolean[] answers) {
    for (int i = 0; i < members.length; i++) {
      answers[members[i]] = (code >> i & 1) == 1;
    }
  }

  /** Changes one answer at a time as long as that is cheaper. */
  private static void improve(int[] members, List<Term> terms, boolean[] answers) {
    Map<Integer, List<Term>> incident = new HashMap<>();
    for (Term t : terms) {
      t.literals().stream().map(Literal::variable).distinct().forEach(v -> incident.computeIfAbsent(v, k -> new ArrayList<>()).add(t));
    }
    for (boolean changed = true; changed;) {
      changed = false;
      for (int v : members) {
        List<Term> of = incident.getOrDefault(v, List.of());
        double before = sum(of, answers);
        answers[v] = !answers[v];
        if (sum(of, answers) < before - 1e-9) {
          changed = true;
        } else {
          answers[v] = !answers[v];
        }
      }
    }
  }
}
