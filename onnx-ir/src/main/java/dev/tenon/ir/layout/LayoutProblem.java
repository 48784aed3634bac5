package dev.tenon.ir.layout;

import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.Use;
import dev.tenon.ir.Value;
import dev.tenon.ir.layout.BinaryProblem.Literal;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The choice of layouts for a model as a problem over yes-or-no variables, one for each operator that works in either layout: which
 * roles the axes of each value have, what moving each value costs, and who wants it how.
 */
final class LayoutProblem {
  /** A transpose that moves no bytes is still an operation: few of them are better than many. */
  private static final double PER_OPERATION = 0x1p-12;
  /** Of equally good layouts the one that keeps activations beside their convolutions. */
  private static final double PREFERENCE = 0x1p-20;
  private static final int MAX_RANK = 8;

  private final Model model;
  private final Carriers carriers;
  private final LayoutOptions options;
  private final SizeEstimates sizes;
  private final Map<Value, Roles> roles = new HashMap<>();
  private final Map<Node, Site> sites = new LinkedHashMap<>();
  private final Map<Boundary, Choice> boundaries = new LinkedHashMap<>();
  private final Map<Value, List<Boundary>> boundariesOf = new HashMap<>();
  private final Map<Value, Boundary> writers = new HashMap<>();
  /** What a boundary reads: an input of its owner (null as the graph), or an output of a body. */
  private final Map<Slot, Boundary> readers = new HashMap<>();
  /** Operands of products that may come transposed. */
  private final Map<Use, Choice> operands = new LinkedHashMap<>();
  private final Map<Boundary, Roles> boundaryRoles = new LinkedHashMap<>();
  private final BinaryProblem binary = new BinaryProblem();
  private final Deque<Node> queue = new ArrayDeque<>();
  private final Set<Node> queued = new HashSet<>();

  private record Slot(Node owner, Graph body, int index) {}

  /** How a value is delivered or wanted: by a layout's choice, or in one order. */
  private record Order(Choice choice, int[] first, int[] last) {
    static Order of(Roles roles, Choice choice) {
      return choice.given() == null ? new Order(choice, roles.perm(Layout.CHANNELS_FIRST), roles.perm(Layout.CHANNELS_LAST))
          : fixed(roles.perm(choice.given()));
    }

    static Order fixed(int[] perm) {
      return new Order(null, perm, perm);
    }

    boolean isFixed() {
      return Arrays.equals(first, last);
    }

    int[] perm(boolean answer) {
      return answer ? last : first;
    }
  }

  private LayoutProblem(Model model, LayoutOptions options) {
    this.model = model;
    this.options = options;
    this.carriers = new Carriers(model.opset(), options.elementwise());
    this.sizes = new SizeEstimates(model.graph());
  }

  /** The problem of a model whose types have been inferred. */
  static LayoutProblem of(Model model, LayoutOptions options) {
    LayoutProblem p = new LayoutProblem(model, options);
    p.findRoles();
    p.addCosts();
    return p;
  }

  BinaryProblem binary() {
    return binary;
  }

  SizeEstimates sizes() {
    return sizes;
  }

  Map<Node, Site> sites() {
    return sites;
  }

  /** The boundaries that carry a layout, each with its choice. */
  Map<Boundary, Choice> boundaries() {
    return boundaries;
  }

  /** For operands of products: the choice of which the second layout is the transposed one; null for other reads. */
  Choice operand(Use u) {
    return operands.get(u);
  }

  Roles rolesOf(Boundary b) {
    return boundaryRoles.get(b);
  }

  /** The order that an input or output of the model is stored in by the options. */
  int[] interfacePerm(Value v) {
    int rank = Math.max(v.rank(), 0);
    boolean named = options.named().containsKey(v.name()) && rank >= 3 && rank <= 5;
    boolean image = rank == 4 && Roles.channelsFirst(4).equals(roles.get(v));
    boolean moved = options.of(v.name()) == LayoutOptions.Io.NHWC && (named || image);
    return moved ? Permutations.toChannelsLast(rank) : Permutations.identity(rank);
  }

  // ---- roles ----

  private void findRoles() {
    collect(model.graph());
    spread();
    guess(model.graph());
  }

  private void spread() {
    while (!queue.isEmpty()) {
      Node n = queue.poll();
      queued.remove(n);
      visit(n);
    }
  }

  /**
   * Where no operator has a layout, transposes between the two orders of axes may cancel each other all the same. Any roles will do for
   * that: they only say which orders to choose from.
   */
  private void guess(Graph graph) {
    for (Node n : graph.nodes()) {
      n.subgraphs().forEach(this::guess);
      int[] perm = isOwnTranspose(n) && !roles.containsKey(n.output()) ? Permutations.of(n) : null;
      if (perm == null || perm.length < 3 || perm.length > 5) {
        continue;
      }
      if (Arrays.equals(perm, Permutations.toChannelsLast(perm.length))) {
        learn(n.input(0), Roles.channelsFirst(perm.length));
      } else if (Arrays.equals(perm, Permutations.toChannelsFirst(perm.length))) {
        learn(n.output(), Roles.channelsFirst(perm.length));
      } else if (Arrays.equals(perm, TransposedMatMul.swapped(perm.length))) {
        AxisRole[] matrices = new AxisRole[perm.length];
        Arrays.fill(matrices, AxisRole.BATCH);
        matrices[perm.length - 2] = AxisRole.SPACE;
        matrices[perm.length - 1] = AxisRole.CHANNEL;
        learn(n.input(0), Roles.of(matrices));
      }
      spread();
    }
  }

  /** Operators with a layout of their own are where roles come from. */
  private void collect(Graph graph) {
    for (Node n : graph.nodes()) {
      for (Boundary b : Boundary.of(n, model.opset())) {
        b.writes().forEach(v -> {
          boundariesOf.computeIfAbsent(v, k -> new ArrayList<>()).add(b);
          writers.put(v, b);
        });
        b.reads().forEach(h -> {
          boundariesOf.computeIfAbsent(h.value(n), k -> new ArrayList<>()).add(b);
          readers.put(new Slot(n, h.body(), h.index()), b);
        });
      }
      n.subgraphs().forEach(this::collect);
      boolean global = n.isOp("GlobalAveragePool") || n.isOp("GlobalMaxPool");
      if (!global && ChannelsLastOps.nameFor(n).isPresent()) {
        pin(n, ChannelsLastOps.rank(ChannelsLastOps.nameFor(n).get()));
      } else if (global) {
        visit(n);
      }
    }
  }

  private void pin(Node n, int rank) {
    Roles r = Roles.channelsFirst(rank);
    Choice last = Choice.given(Layout.CHANNELS_LAST);
    sites.put(n, new Site(n, Frame.of(n).input(0, r).output(0, r), null, last));
    learn(n.input(0), r);
    learn(n.output(0), r);
  }

  private void learn(Value v, Roles r) {
    if (v == null || v.constant() != null || v.rank() != r.rank() && v.rank() >= 0 || r.rank() > MAX_RANK || !r.hasChoice()
        || roles.putIfAbsent(v, r) != null) {
      return;
    }
    enqueue(v.producer());
    v.uses().forEach(u -> enqueue(u.node()));
    for (Boundary b : boundariesOf.getOrDefault(v, List.of())) {
      if (boundaryRoles.containsKey(b) || !hasRank(b, r.rank())) {
        continue;
      }
      boundaryRoles.put(b, r);
      boundaries.put(b, Choice.of(binary.variable()));
      b.writes().forEach(w -> learn(w, r));
      b.reads().forEach(h -> learn(h.value(b.owner()), r));
    }
  }

  private static boolean hasRank(Boundary b, int rank) {
    return b.writes().stream().allMatch(v -> v.rank() == rank) && b.reads().stream().allMatch(h -> h.value(b.owner()).rank() == rank);
  }

  private void enqueue(Node n) {
    if (n != null && !sites.containsKey(n) && queued.add(n)) {
      queue.add(n);
    }
  }

  private void visit(Node n) {
    if (sites.containsKey(n)) {
      return;
    }
    if (isOwnTranspose(n)) {
      learnBehindTranspose(n);
      return;
    }
    Carrier carrier = carriers.of(n);
    Frame f = carrier == null ? null : carrier.frame(n, roles::get);
    f = f == null ? null : f.normalized(n);
    if (f == null || Arrays.stream(f.inputs()).allMatch(r -> r == null) && Arrays.stream(f.outputs()).allMatch(r -> r == null)) {
      return;
    }
    sites.put(n, new Site(n, f, carrier, Choice.of(binary.variable())));
    for (int i = 0; i < f.outputs().length; i++) {
      if (f.outputs()[i] != null) {
        learn(n.output(i), f.outputs()[i]);
      }
    }
    for (int i = 0; i < f.inputs().length; i++) {
      if (f.inputs()[i] != null) {
        learn(n.input(i), f.inputs()[i]);
      }
    }
  }

  /** A value behind a transpose of the model is the value in front of it, read in another order. */
  private void learnBehindTranspose(Node n) {
    int[] perm = Permutations.of(n);
    Roles in = roles.get(n.input(0));
    Roles out = roles.get(n.output());
    if (in != null) {
      learn(n.output(), in.permute(perm));
    } else if (out != null) {
      learn(n.input(0), out.permute(Permutations.inverse(perm)));
    }
  }

  static boolean isOwnTranspose(Node n) {
    if (n == null || !n.isOp("Transpose") || n.input(0) == null) {
      return false;
    }
    int[] perm = Permutations.of(n);
    return perm != null && n.input(0).rank() == perm.length;
  }

  // ---- costs ----

  private void addCosts() {
    addCosts(model.graph());
    for (Site s : sites.values()) {
      if (!s.isPinned()) {
        addMoves(s);
      }
    }
  }

  private void addCosts(Graph graph) {
    graph.inputs().forEach(v -> addMovesOf(v, graph == model.graph() && v.constant() == null ? interfacePerm(v) : null));
    for (Node n : graph.nodes()) {
      if (!isOwnTranspose(n)) {
        n.outputs().forEach(v -> addMovesOf(v, null));
      }
      n.subgraphs().forEach(this::addCosts);
    }
  }

  /** What TensorFlow's form of an operator moves by itself. */
  private void addMoves(Site s) {
    int variable = s.choice().variable();
    for (Layout layout : Layout.values()) {
      boolean last = layout == Layout.CHANNELS_LAST;
      int moves = s.carrier().moves(s.node(), s.frame(), layout);
      binary.addUnconditional(moves * (double) sizes.bytes(s.node().output(0)) + (last ? 0 : PREFERENCE), new Literal(variable, last));
    }
  }

  /** The cost of the copies of one value: once for each order that some reader wants and the producer does not deliver. */
  private void addMovesOf(Value v, int[] given) {
    if (v == null || v.constant() != null || v.rank() < 0) {
      return;
    }
    Map<List<Integer>, Want> wants = new LinkedHashMap<>();
    addWants(wants, v, Permutations.identity(v.rank()));
    Order producer = given != null ? Order.fixed(given) : delivered(v);
    wants.values().forEach(w -> addCopy(v, producer, w));
  }

  /**
   * What the readers of {@code v} want, those behind transposes of the model included.
   *
   * @param axes axis i of {@code v} is axis {@code axes[i]} of the value that is stored
   */
  private void addWants(Map<List<Integer>, Want> wants, Value v, int[] axes) {
    for (Use u : v.uses()) {
      if (isOwnTranspose(u.node())) {
        addWants(wants, u.node().output(), Permutations.compose(axes, Permutations.of(u.node())));
      } else {
        want(wants, wanted(u), axes);
      }
    }
    if (v.isGraphOutput()) {
      Graph g = v.graph();
      for (int i = 0; i < g.outputs().size(); i++) {
        if (g.outputs().get(i) == v) {
          want(wants, wantedAsOutput(v, g, i), axes);
        }
      }
    }
  }

  private Order wantedAsOutput(Value v, Graph g, int i) {
    Boundary b = g.owner() == null ? null : readers.get(new Slot(g.owner(), g, i));
    if (b != null && boundaries.containsKey(b)) {
      return Order.of(boundaryRoles.get(b), boundaries.get(b));
    }
    return Order.fixed(g == model.graph() ? interfacePerm(v) : Permutations.identity(v.rank()));
  }

  private static final class Want {
    private final int[] perm;
    private final List<Literal> literals = new ArrayList<>();
    private boolean always;

    Want(int[] perm) {
      this.perm = perm;
    }
  }

  private static void want(Map<List<Integer>, Want> wants, Order order, int[] axes) {
    if (order == null || order.first.length != axes.length) {
      return;
    }
    for (boolean answer : new boolean[] {false, true}) {
      int[] perm = Permutations.compose(axes, order.perm(answer));
      Want w = wants.computeIfAbsent(Arrays.stream(perm).boxed().toList(), k -> new Want(perm));
      if (order.isFixed()) {
        w.always = true;
      } else {
        w.literals.add(new Literal(order.choice.variable(), answer));
      }
    }
  }

  private void addCopy(Value v, Order producer, Want w) {
    double ifFirst = move(v, producer.first, w.perm);
    double ifLast = move(v, producer.last, w.perm);
    if (producer.isFixed() || ifFirst == ifLast) {
      addCopy(ifFirst, null, w);
      return;
    }
    addCopy(ifFirst, new Literal(producer.choice.variable(), false), w);
    addCopy(ifLast, new Literal(producer.choice.variable(), true), w);
  }

  private void addCopy(double cost, Literal trigger, Want w) {
    if (cost == 0) {
      return;
    }
    if (w.always) {
      binary.addUnconditional(cost, trigger);
    } else {
      binary.add(cost, trigger, w.literals);
    }
  }

  private double move(Value v, int[] from, int[] to) {
    int[] perm = Permutations.between(from, to);
    if (Permutations.isIdentity(perm)) {
      return 0;
    }
    boolean onlyOnes = v.rank() == from.length && Permutations.movesOnlyOnes(v.shape().permute(from), perm);
    return PER_OPERATION + (onlyOnes ? 0 : sizes.bytes(v));
  }

  private Order delivered(Value v) {
    Boundary b = writers.get(v);
    if (b != null && boundaries.containsKey(b)) {
      return Order.of(boundaryRoles.get(b), boundaries.get(b));
    }
    Site s = v.producer() == null ? null : sites.get(v.producer());
    Roles r = s == null ? null : s.frame().outputs()[v.outputIndex()];
    return r == null ? Order.fixed(Permutations.identity(v.rank())) : Order.of(r, s.choice());
  }

  /** What a reader wants; null if any order will do. */
  private Order wanted(Use u) {
    if (isOrderFree(u)) {
      return null;
    }
    Boundary b = readers.get(new Slot(u.node(), null, u.index()));
    if (b != null && boundaries.containsKey(b)) {
      return Order.of(boundaryRoles.get(b), boundaries.get(b));
    }
    if (TransposedMatMul.reads(u)) {
      int rank = u.node().input(0).rank();
      return new Order(operands.computeIfAbsent(u, k -> operandChoice()), Permutations.identity(rank), TransposedMatMul.swapped(rank));
    }
    Site s = sites.get(u.node());
    Roles r = s == null ? null : s.frame().inputs()[u.index()];
    return r == null ? Order.fixed(Permutations.identity(Math.max(u.node().input(u.index()).rank(), 0))) : Order.of(r, s.choice());
  }

  private Choice operandChoice() {
    Choice c = Choice.of(binary.variable());
    binary.addUnconditional(PREFERENCE, new Literal(c.variable(), true));
    return c;
  }

  /** Readers of a shape, a size or a type. */
  static boolean isOrderFree(Use u) {
    return u.index() == 0 && (u.node().isOp("Shape") || u.node().isOp("Size")) || u.index() == 1 && u.node().isOp("CastLike");
  }
}
