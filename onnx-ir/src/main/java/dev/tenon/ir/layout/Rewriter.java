package dev.tenon.ir.layout;

import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.NodeBuilder;
import dev.tenon.ir.Provenance;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Use;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/** Carries an assignment of layouts out: every node is made anew in its layout, and copies of values are made where they are needed. */
final class Rewriter {
  private final Model model;
  private final LayoutProblem problem;
  private final boolean[] answers;
  /** Where the elements of a value of the source's graph are now. */
  private final Map<Value, Stored> stored = new HashMap<>();
  private final Map<CopyKey, Value> copies = new HashMap<>();
  private final Map<CopyKey, Value> constants = new HashMap<>();
  /** Transposes that were made, and why. */
  private final Map<Node, String> made = new IdentityHashMap<>();
  /** Transposes of the model whose name a copy has taken over. */
  private final Set<Node> named = new HashSet<>();
  private final List<Node> spatial = new ArrayList<>();
  private final Map<Value, int[]> interfacePerms = new LinkedHashMap<>();
  private int assigned;

  private record Stored(Value value, int[] perm) {}

  private record CopyKey(Object what, List<Integer> perm) {}

  Rewriter(Model model, LayoutProblem problem, boolean[] answers) {
    this.model = model;
    this.problem = problem;
    this.answers = answers;
  }

  void run() {
    Graph graph = model.graph();
    for (Value v : graph.inputs()) {
      int[] perm = problem.interfacePerm(v);
      if (v.constant() == null && !Permutations.isIdentity(perm)) {
        store(v, v, perm);
        v.setType(Permutations.permuted(v.type(), perm));
        interfacePerms.put(v, perm);
      }
    }
    // Asked before anything changes: roles are those of the source's values.
    List<int[]> outputPerms = graph.outputs().stream().map(problem::interfacePerm).toList();
    rewrite(graph);
    for (int i = 0; i < outputPerms.size(); i++) {
      setOutput(graph, i, outputPerms.get(i));
      if (!Permutations.isIdentity(outputPerms.get(i))) {
        interfacePerms.put(graph.outputs().get(i), outputPerms.get(i));
      }
    }
    removeUnused(graph);
    if (!spatial.isEmpty()) {
      model.opsetImports().put(ChannelsLastOps.DOMAIN, 1);
      ChannelsLastOps.functionsFor(spatial, model.opset()).values().forEach(model::addFunction);
    }
  }

  int opset() {
    return model.opset();
  }

  /** Operators in the form that works channels-last. */
  int assigned() {
    return assigned;
  }

  /** The transposes that were made, each with the reason for it. */
  Map<Node, String> made() {
    return made;
  }

  /** Inputs and outputs that are stored otherwise than in the source, each with the order of its axes. */
  Map<Value, int[]> interfacePerms() {
    return interfacePerms;
  }

  // ---- nodes ----

  private void rewrite(Graph graph) {
    for (Node n : graph.nodeList()) {
      if (!n.subgraphs().isEmpty()) {
        rewriteControlFlow(n);
        continue;
      }
      Site s = problem.sites().get(n);
      if (LayoutProblem.isOwnTranspose(n)) {
        // Its readers read what is in front of it.
        continue;
      }
      if (s == null && !product(n)) {
        readInSourceOrder(n);
      } else if (s == null) {
        continue;
      } else if (s.isPinned()) {
        pinned(n, s);
      } else {
        carried(n, s);
      }
    }
  }

  /** Makes a product that transposes operands as it reads them; false if none comes transposed. */
  private boolean product(Node n) {
    Value[] in = new Value[2];
    boolean[] transposed = new boolean[2];
    for (int i = 0; i < 2; i++) {
      Choice c = n.isOp("MatMul") ? problem.operand(new Use(n, i)) : null;
      transposed[i] = c != null && c.in(answers) == Layout.CHANNELS_LAST;
    }
    if (!transposed[0] && !transposed[1]) {
      return false;
    }
    int rank = n.input(0).rank();
    for (int i = 0; i < 2; i++) {
      in[i] = read(n.input(i), transposed[i] ? TransposedMatMul.swapped(rank) : Permutations.identity(rank), n);
    }
    Node made = n.graph().newNode(TransposedMatMul.name(transposed[0], transposed[1], rank)).domain(ChannelsLastOps.DOMAIN).name(n.name())
        .docString(n.docString()).provenance(n.provenance()).inputs(in).output(n.output().name(), n.output().type()).insertBefore(n);
    made.metadata().putAll(n.metadata());
    spatial.add(made);
    n.graph().replaceAllUses(n.output(), made.output());
    return true;
  }

  private void readInSourceOrder(Node n) {
    for (int i = 0; i < n.inputs().size(); i++) {
      Value v = n.input(i);
      if (v == null || v.constant() != null || !stored.containsKey(v) && !LayoutProblem.isOwnTranspose(v.producer())) {
        continue;
      }
      if (LayoutProblem.isOrderFree(new Use(n, i))) {
        readAnyOrder(n, i, anyOrder(v));
      } else {
        n.graph().setInput(n, i, read(v, Permutations.identity(v.rank()), n));
      }
    }
  }

  /** A value as it happens to be stored. */
  private Stored anyOrder(Value v) {
    if (LayoutProblem.isOwnTranspose(v.producer())) {
      Stored s = anyOrder(v.producer().input(0));
      return new Stored(s.value, Permutations.compose(Permutations.inverse(Permutations.of(v.producer())), s.perm));
    }
    return stored.getOrDefault(v, new Stored(v, Permutations.identity(v.rank())));
  }

  /** The shape of a tensor in another order is its shape in another order. */
  private void readAnyOrder(Node n, int i, Stored s) {
    if (!n.isOp("Shape") || Permutations.isIdentity(s.perm)) {
      n.graph().setInput(n, i, s.value);
      return;
    }
    int rank = s.perm.length;
    int start = clip(n.intAttr("start", 0), rank);
    int end = clip(n.intAttr("end", rank), rank);
    long[] at = Permutations.toLongs(Permutations.inverse(s.perm));
    Node shape = n.graph().newNode("Shape").provenance(n.provenance()).inputs(s.value).output(n.output().name() + "_t",
        Type.tensor(n.output().dtype(), Shape.of(rank))).insertBefore(n);
    Node ordered = n.graph().newNode("Gather").name(n.name()).provenance(n.provenance())
        .inputs(shape.output(), vector("order", Arrays.copyOfRange(at, start, Math.max(start, end)))).attr("axis", 0)
        .output(n.output().name(), n.output().type()).insertBefore(n);
    n.graph().replaceAllUses(n.output(), ordered.output());
  }

  private static int clip(long axis, int rank) {
    return (int) Math.max(0, Math.min(rank, axis < 0 ? axis + rank : axis));
  }

  private void pinned(Node n, Site s) {
    String op = ChannelsLastOps.nameFor(n).orElseThrow();
    Node last = new Rebuild(this, n, s.frame(), Layout.CHANNELS_LAST).inDomain(op);
    adopt(n, last, s.frame(), Layout.CHANNELS_LAST);
  }

  private void carried(Node n, Site s) {
    Layout layout = s.choice().in(answers);
    if (isSourceOrder(s, layout)) {
      readInSourceOrder(n);
      return;
    }
    adopt(n, s.carrier().rebuild(new Rebuild(this, n, s.frame(), layout)), s.frame(), layout);
  }

  private static boolean isSourceOrder(Site s, Layout layout) {
    for (Roles[] all : List.of(s.frame().inputs(), s.frame().outputs())) {
      for (Roles r : all) {
        if (r != null && !Permutations.isIdentity(r.perm(layout))) {
          return false;
        }
      }
    }
    return true;
  }

  private void adopt(Node old, Node made, Frame f, Layout layout) {
    made.metadata().putAll(old.metadata());
    if (made.domain().equals(ChannelsLastOps.DOMAIN) && !made.opType().equals(old.opType())) {
      spatial.add(made);
      assigned++;
    }
    for (int i = 0; i < old.outputs().size(); i++) {
      Value before = old.output(i);
      if (before == null) {
        continue;
      }
      int[] perm = f.outputs()[i] == null ? Permutations.identity(Math.max(before.rank(), 0)) : f.outputs()[i].perm(layout);
      Value after = made.output(i);
      after.setType(before.rank() < 0 ? before.type() : Permutations.permuted(before.type(), perm));
      takeOrigin(after, before, perm);
      store(before, after, perm);
    }
  }

  private static void takeOrigin(Value after, Value before, int[] perm) {
    Value.Origin origin = before.origin();
    if (origin == null) {
      return;
    }
    int[] whole = origin.perm().isEmpty() ? perm
        : Permutations.compose(origin.perm().stream().mapToInt(i -> i).toArray(), perm);
    after.setOrigin(new Value.Origin(origin.name(), Permutations.isIdentity(whole) ? List.of() : Arrays.stream(whole).boxed().toList()));
  }

  private void store(Value before, Value after, int[] perm) {
    stored.put(before, new Stored(after, perm));
  }

  // ---- control flow ----

  private void rewriteControlFlow(Node n) {
    Map<Boundary, int[]> perms = new LinkedHashMap<>();
    for (Boundary b : Boundary.of(n, model.opset())) {
      Choice choice = problem.boundaries().get(b);
      if (choice != null) {
        perms.put(b, problem.rolesOf(b).perm(choice.in(answers)));
      }
    }
    Map<Integer, int[]> inputPerms = new HashMap<>();
    perms.forEach((b, perm) -> b.reads().stream().filter(h -> h.body() == null).forEach(h -> inputPerms.put(h.index(), perm)));
    for (int i = 0; i < n.inputs().size(); i++) {
      Value v = n.input(i);
      if (v != null && v.constant() == null || inputPerms.containsKey(i)) {
        n.graph().setInput(n, i, read(v, inputPerms.getOrDefault(i, Permutations.identity(Math.max(v.rank(), 0))), n));
      }
    }
    perms.forEach((b, perm) -> {
      if (!Permutations.isIdentity(perm)) {
        for (Value v : b.writes()) {
          takeOrigin(v, v, perm);
          v.setType(Permutations.permuted(v.type(), perm));
          store(v, v, perm);
        }
      }
    });
    for (Graph body : n.subgraphs()) {
      rewrite(body);
      Map<Integer, int[]> outputPerms = new HashMap<>();
      perms.forEach((b, perm) -> b.reads().stream().filter(h -> h.body() == body).forEach(h -> outputPerms.put(h.index(), perm)));
      for (int i = 0; i < body.outputs().size(); i++) {
        setOutput(body, i, outputPerms.getOrDefault(i, Permutations.identity(Math.max(body.outputs().get(i).rank(), 0))));
      }
      removeUnused(body);
    }
  }

  /** Gives output i the order {@code perm}; it keeps its name. */
  private void setOutput(Graph graph, int i, int[] perm) {
    Value out = graph.outputs().get(i);
    Value y = read(out, perm, null);
    if (y == out) {
      return;
    }
    if (y.graph() != graph || y.producer() == null || y.isGraphOutput()) {
      y = graph.newNode("Identity").inputs(y).provenance(y.producer() == null ? Provenance.NONE : y.producer().provenance())
          .output(out.name(), y.type()).append().output();
    }
    graph.setOutput(i, y);
    if (out.graph() == graph && !out.isGraphInput()) {
      graph.swapNames(out, y);
    }
  }

  // ---- values ----

  /** A value of the source's graph, stored by {@code perm}: as it is, or a copy that all who want it so share. */
  Value read(Value v, int[] perm, Node reader) {
    if (v.constant() != null) {
      return v.rank() == perm.length && !Permutations.isIdentity(perm) ? constant(v, v.constant().permute(perm)) : v;
    }
    Value root = v;
    int[] order = perm;
    if (v.rank() < 0 && perm.length == 0) {
      // Its rank is known only if it was given an order.
      if (!stored.containsKey(v)) {
        return v;
      }
      order = Permutations.identity(stored.get(v).perm.length);
    }
    while (LayoutProblem.isOwnTranspose(root.producer())) {
      order = Permutations.compose(Permutations.of(root.producer()), order);
      root = root.producer().input(0);
    }
    if (root != v && root.constant() != null) {
      return read(root, order, reader);
    }
    Stored s = stored.getOrDefault(root, new Stored(root, Permutations.identity(order.length)));
    if (Arrays.equals(s.perm, order)) {
      return s.value;
    }
    CopyKey key = new CopyKey(root, Arrays.stream(order).boxed().toList());
    Value known = copies.get(key);
    if (known == null) {
      known = move(s.value, Permutations.between(s.perm, order), v, reason(v, root, reader));
      takeOrigin(known, v, perm.length == order.length ? perm : order);
      copies.put(key, known);
    }
    return known;
  }

  /** {@code x} transposed by {@code perm}, right behind its producer: by reshapes if only axes of size one move. */
  private Value move(Value x, int[] perm, Value copied, String reason) {
    Node from = copied.producer() != null ? copied.producer() : x.producer();
    Provenance provenance = from == null ? Provenance.NONE : from.provenance();
    Type type = Permutations.permuted(x.type(), perm);
    if (Permutations.movesOnlyOnes(x.shape(), perm)) {
      return withOnesMoved(x, perm, type, provenance);
    }
    NodeBuilder b = x.graph().newNode("Transpose").inputs(x).attr("perm", Permutations.toLongs(perm)).provenance(provenance)
        .output(x.name() + "_t", type);
    if (LayoutProblem.isOwnTranspose(copied.producer()) && named.add(copied.producer())) {
      b.name(copied.producer().name());
    }
    Node n = insertBehind(x, b);
    made.put(n, reason);
    return n.output();
  }

  private static Node insertBehind(Value x, NodeBuilder b) {
    if (x.producer() != null) {
      return b.insertAfter(x.producer());
    }
    return x.graph().firstNode() == null ? b.append() : b.insertBefore(x.graph().firstNode());
  }

  private Value withOnesMoved(Value x, int[] perm, Type type, Provenance provenance) {
    long[] target = reshapeTarget(x.shape(), perm);
    if (target != null) {
      return insertBehind(x, x.graph().newNode("Reshape").inputs(x, vector("shape", target)).provenance(provenance)
          .output(x.name() + "_t", type)).output();
    }
    long[] before = IntStream.range(0, perm.length).filter(i -> x.shape().dim(i).is(1)).asLongStream().toArray();
    long[] behind = IntStream.range(0, perm.length).filter(i -> x.shape().dim(perm[i]).is(1)).asLongStream().toArray();
    Node squeeze = insertBehind(x, withAxes(x, "Squeeze", before, provenance)
        .output(x.name() + "_s", Type.tensor(x.dtype(), Shape.of(x.shape().dims().stream().filter(d -> !d.is(1)).toList()))));
    NodeBuilder unsqueeze = withAxes(squeeze.output(), "Unsqueeze", behind, provenance).output(x.name() + "_t", type);
    return insertBehind(squeeze.output(), unsqueeze).output();
  }

  private NodeBuilder withAxes(Value x, String op, long[] axes, Provenance provenance) {
    NodeBuilder b = x.graph().newNode(op).provenance(provenance);
    return opset() < 13 ? b.inputs(x).attr("axes", axes) : b.inputs(x, vector("axes", axes));
  }

  private String reason(Value v, Value root, Node reader) {
    if (v != root) {
      return "the model's own: " + (v.producer().name().isEmpty() ? "a transpose" : v.producer().name())
          + (reader == null || !problem.sites().containsKey(reader) ? "" : ", joined with a change of layout");
    }
    if (v.producer() == null && v.graph() == model.graph()) {
      return "the input is stored as in the source";
    }
    if (reader == null) {
      return "the output is stored as in the source";
    }
    if (!problem.sites().containsKey(reader) && reader.subgraphs().isEmpty()) {
      return reader.opType() + " reads its axes in the source's order";
    }
    if (v.producer() != null && !problem.sites().containsKey(v.producer()) && v.producer().subgraphs().isEmpty()) {
      return v.producer().opType() + " makes its axes in the source's order";
    }
    return "the cheapest place between operators that need different layouts";
  }

  /** Null if more than one unknown dimension changes its place. */
  private static long[] reshapeTarget(Shape x, int[] perm) {
    long[] target = new long[perm.length];
    int open = 0;
    for (int i = 0; i < perm.length; i++) {
      if (x.dim(perm[i]).isConstant()) {
        target[i] = x.dim(perm[i]).constant();
        if (target[i] == 0) {
          return null;
        }
      } else if (perm[i] != i) {
        target[i] = -1;
        open++;
      }
    }
    return open > 1 ? null : target;
  }

  /** A constant in another form, made once for all who read it so. */
  Value constant(Value original, Tensor moved) {
    CopyKey key = new CopyKey(original, Arrays.stream(moved.dims()).mapToObj(d -> (int) d).toList());
    Value known = constants.get(key);
    if (known == null || !known.initializer().recipe().equals(moved.recipe())) {
      known = model.graph().newInitializer(original.name() + "_t", moved);
      constants.put(key, known);
    }
    return known;
  }

  Value vector(String name, long... values) {
    return constants.computeIfAbsent(new CopyKey(Arrays.stream(values).boxed().toList(), List.of()),
        k -> model.graph().newInitializer(name, Tensor.vector(values)));
  }

  /** Takes away the nodes that were replaced, and copies that nothing reads. */
  private static void removeUnused(Graph graph) {
    for (Node n = graph.lastNode(); n != null;) {
      Node previous = n.previous();
      if (n.outputs().stream().allMatch(v -> v == null || v.isUnused())) {
        graph.remove(n);
      }
      n = previous;
    }
  }
}
