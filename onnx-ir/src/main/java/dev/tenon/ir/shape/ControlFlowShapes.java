package dev.tenon.ir.shape;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** If, Loop, Scan and SequenceMap: operators with bodies. */
final class ControlFlowShapes {
  /** Loops nested deeper than this get unknown carried dimensions at once, so that walking them stays linear. */
  private static final int MAX_EXACT_DEPTH = 3;

  private ControlFlowShapes() {}

  static void register(Registry r) {
    r.op("If", 1, ControlFlowShapes::branch);
    r.op("Loop", 1, ControlFlowShapes::loop);
    r.op("Scan", 8, ControlFlowShapes::oldScan);
    r.op("Scan", 9, ControlFlowShapes::scan);
    r.op("SequenceMap", 1, ControlFlowShapes::sequenceMap);
  }

  // ---- If ----

  private static void branch(NodeContext c) {
    Graph then = c.graphAttr("then_branch");
    Graph otherwise = c.graphAttr("else_branch");
    long[] condition = c.constants(0);
    boolean known = condition != null && condition.length == 1;
    List<Type> a = branchTypes(c, then, !known || condition[0] != 0);
    List<Type> b = branchTypes(c, otherwise, !known || condition[0] == 0);
    for (int i = 0; i < c.outputCount(); i++) {
      Type t = i < a.size() ? a.get(i) : null;
      Type e = i < b.size() ? b.get(i) : null;
      c.output(i, known ? (condition[0] != 0 ? t : e) : Types.join(t, e));
      Graph taken = condition != null && condition[0] != 0 ? then : otherwise;
      if (known && i < taken.outputs().size()) {
        c.outputData(i, c.engine().data(taken.outputs().get(i)));
      }
    }
  }

  /** The types of a branch; what is wrong in one that is never taken is nothing to warn of. */
  private static List<Type> branchTypes(NodeContext c, Graph branch, boolean taken) {
    if (taken) {
      return c.engine().body(branch, List.of(), c.frame());
    }
    var outer = c.engine().hold();
    List<Type> types = c.engine().body(branch, List.of(), c.frame());
    c.engine().discard(outer);
    return types;
  }

  // ---- Loop ----

  /** Inputs: trip count, condition, carried values. Body: iteration, condition, carried; condition, carried, scan outputs. */
  private static void loop(NodeContext c) {
    Graph body = c.graphAttr("body");
    int carried = Math.max(0, c.inputCount() - 2);
    List<Type> in = new ArrayList<>(List.of(Type.tensor(DataType.INT64, Shape.SCALAR), Type.tensor(DataType.BOOL, Shape.SCALAR)));
    for (int i = 0; i < carried; i++) {
      in.add(c.type(i + 2));
    }
    List<Type> out = fixpoint(c, body, in, 2, 1, carried);
    Dim trips = tripCount(c, body);
    for (int i = 0; i < c.outputCount(); i++) {
      Type t = i + 1 < out.size() ? out.get(i + 1) : null;
      c.output(i, i < carried ? in.get(i + 2) : stacked(t, 0, trips));
    }
  }

  /**
   * Walks a body until the types of its carried inputs include those of its carried outputs, giving up first the dimensions that
   * change, then the ranks. On return {@code in} holds the types that hold in every iteration.
   */
  private static List<Type> fixpoint(NodeContext c, Graph body, List<Type> in, int firstIn, int firstOut, int carried) {
    boolean deep = c.engine().enterLoop() > MAX_EXACT_DEPTH;
    List<Type> out = fixpoint(c, body, in, firstIn, firstOut, carried, deep);
    c.engine().leaveLoop();
    return out;
  }

  private static List<Type> fixpoint(NodeContext c, Graph body, List<Type> in, int firstIn, int firstOut, int carried, boolean deep) {
    Set<Dim> open = new HashSet<>();
    for (int pass = 0;; pass++) {
      if (deep || pass == 3) {
        in.replaceAll(ControlFlowShapes::widest);
      }
      var outer = c.engine().hold();
      List<Type> out = c.engine().body(body, in, c.frame());
      boolean stable = true;
      for (int i = 0; i < carried; i++) {
        Type before = in.get(firstIn + i);
        Type after = firstOut + i < out.size() ? out.get(firstOut + i) : null;
        if (!Types.includes(before, after, open)) {
          stable = false;
          in.set(firstIn + i, emptySequence(c, firstIn + i) && pass == 0 && after != null ? after
              : Types.join(before, after, open));
        }
      }
      if (stable || deep || pass == 3) {
        c.engine().keep(outer);
        return out;
      }
      c.engine().discard(outer);
    }
  }

  /** Starting from an empty sequence, its elements are what the body puts into it. */
  private static boolean emptySequence(NodeContext c, int input) {
    List<Type> elements = c.has(input) ? c.engine().sequence(c.input(input)) : null;
    return elements != null && elements.isEmpty();
  }

  /** The element type alone: what a loop surely keeps of a value. */
  private static Type widest(Type t) {
    if (t instanceof Type.TensorType x) {
      return Type.tensor(x.dtype(), Shape.unknown());
    }
    return t instanceof Type.SequenceType s ? Types.sequence(widest(s.element())) : t;
  }

  /** The number of iterations where nothing but the trip count ends the loop; else unknown. */
  private static Dim tripCount(NodeContext c, Graph body) {
    boolean startsAlways = !c.has(1) || isTrue(c.constants(1));
    if (!c.has(0) || !startsAlways || body.outputs().isEmpty()) {
      return Dim.unknown();
    }
    Value goesOn = body.outputs().get(0);
    while (goesOn.isProducedBy("Identity") && goesOn.producer().hasInput(0)) {
      goesOn = goesOn.producer().input(0);
    }
    Data d = c.engine().data(goesOn);
    boolean always = body.inputs().size() > 1 && goesOn == body.inputs().get(1) || d != null && isTrue(d.constants());
    List<Dim> count = always ? c.dims(0) : null;
    if (count == null || count.size() != 1) {
      return Dim.unknown();
    }
    return c.isNonNegative(count.get(0)) ? count.get(0) : count.get(0).positivePart();
  }

  private static boolean isTrue(long[] condition) {
    return condition != null && condition.length == 1 && condition[0] != 0;
  }

  /** The type of tensors of this type, one per iteration, put together along a new axis. */
  private static Type stacked(Type t, int axis, Dim count) {
    if (!(t instanceof Type.TensorType x)) {
      return null;
    }
    if (!x.shape().hasRank()) {
      return x;
    }
    List<Dim> dims = new ArrayList<>(x.shape().dims());
    dims.add(axis, count);
    return Type.tensor(x.dtype(), Shape.of(dims));
  }

  // ---- Scan ----

  private static void scan(NodeContext c) {
    int states = c.inputCount() - (int) c.requiredInt("num_scan_inputs");
    if (states < 0 || states > c.outputCount()) {
      throw c.invalid(c.inputCount() + " inputs, of which " + (c.inputCount() - states) + " are scanned");
    }
    runScan(c, states, 0, c.intsAttr("scan_input_axes", new long[c.inputCount() - states]),
        c.intsAttr("scan_output_axes", new long[c.outputCount() - states]));
  }

  /** Opset 8: an optional input of lengths in front, a batch axis before the axis that is scanned. */
  private static void oldScan(NodeContext c) {
    int states = c.inputCount() - 1 - (int) c.requiredInt("num_scan_inputs");
    if (states < 0 || states > c.outputCount()) {
      throw c.invalid(c.inputCount() + " inputs");
    }
    long[] in = new long[c.inputCount() - 1 - states];
    long[] out = new long[c.outputCount() - states];
    Arrays.fill(in, 1);
    Arrays.fill(out, 1);
    runScan(c, states, 1, in, out);
  }

  private static void runScan(NodeContext c, int states, int batch, long[] inAxes, long[] outAxes) {
    Graph body = c.graphAttr("body");
    List<Type> in = new ArrayList<>();
    Dim length = Dim.unknown();
    Dim batchSize = Dim.unknown();
    for (int i = batch; i < c.inputCount(); i++) {
      Shape s = c.shape(i);
      if (batch > 0 && s.hasRank() && s.rank() > 0) {
        batchSize = c.same(batchSize, s.dim(0));
      }
      List<Dim> dims = s.hasRank() ? new ArrayList<>(s.dims()) : null;
      int scanned = i - batch - states;
      if (scanned >= 0 && dims != null && scanned < inAxes.length) {
        length = c.same(length, dims.remove(c.axis(inAxes[scanned], dims.size())));
      }
      if (dims != null && batch > 0 && !dims.isEmpty()) {
        dims.remove(0);
      }
      in.add(Type.tensor(c.dtype(i), dims == null ? s : Shape.of(dims)));
    }
    List<Type> out = fixpoint(c, body, in, 0, 0, states);
    for (int i = 0; i < c.outputCount(); i++) {
      Type t = i < states ? in.get(i) : i < out.size() ? out.get(i) : null;
      if (i >= states && t instanceof Type.TensorType x && x.shape().hasRank()) {
        long axis = i - states < outAxes.length ? outAxes[i - states] - batch : 0;
        t = stacked(t, c.axis(axis, x.shape().rank() + 1), length);
      }
      c.output(i, batch > 0 && t instanceof Type.TensorType ? stacked(t, 0, batchSize) : t);
    }
  }

  // ---- SequenceMap ----

  /** The body sees the elements of sequences, and other inputs whole. */
  private static void sequenceMap(NodeContext c) {
    Graph body = c.graphAttr("body");
    List<Type> in = new ArrayList<>();
    for (int i = 0; i < c.inputCount(); i++) {
      in.add(c.type(i) instanceof Type.SequenceType s ? s.element() : c.type(i));
    }
    List<Type> out = c.engine().body(body, in, c.frame());
    for (int i = 0; i < c.outputCount(); i++) {
      c.output(i, Types.sequence(i < out.size() ? out.get(i) : null));
    }
  }
}
