package dev.tenon.ir.pass;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Node;
import dev.tenon.ir.NodeBuilder;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Use;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Replaces a sequence that is made in one place and only indexed with constants by its tensors: PyTorch's {@code chunk} and
 * {@code split} are exported as {@code SplitToSequence} and {@code SequenceAt}, and are a plain {@code Split}.
 */
public final class UnpackSequences implements Pass {
  @Override
  public String name() {
    return "unpack-sequences";
  }

  @Override
  public String description() {
    return "replace sequences that are indexed with constants only by their tensors";
  }

  @Override
  public PassResult run(PassContext context) {
    List<Node> makers = new ArrayList<>();
    context.graph().forEachNode(n -> {
      if (n.isOp("SplitToSequence") || n.isOp("SequenceConstruct")) {
        makers.add(n);
      }
    });
    int count = 0;
    for (Node n : makers) {
      count += unpack(n, context.model().opset()) ? 1 : 0;
    }
    return PassResult.of("sequences", count);
  }

  private static boolean unpack(Node n, int opset) {
    Value sequence = n.output();
    if (sequence.isGraphOutput() || sequence.uses().isEmpty()) {
      return false;
    }
    long[] sizes = n.isOp("SplitToSequence") ? sizes(n) : new long[n.inputs().size()];
    if (sizes == null || sizes.length == 0) {
      return false;
    }
    for (Use use : sequence.uses()) {
      if (!use.node().isOp("SequenceLength") && !(use.node().isOp("SequenceAt") && position(use.node(), sizes.length) >= 0)) {
        return false;
      }
    }
    List<Value> elements = n.isOp("SplitToSequence") ? split(n, sizes, opset) : n.inputs();
    for (Use use : List.copyOf(sequence.uses())) {
      Node reader = use.node();
      Value replacement = reader.isOp("SequenceAt") ? elements.get(position(reader, sizes.length))
          : reader.graph().newInitializer(reader.output().name() + "_length", Tensor.scalar((long) sizes.length));
      reader.graph().replaceAllUses(reader.output(), replacement);
      reader.graph().remove(reader);
    }
    n.graph().remove(n);
    return true;
  }

  /** The element that a SequenceAt asks for; -1 if it is not known, or out of range. */
  private static int position(Node at, int length) {
    Tensor t = at.input(1) == null ? null : at.input(1).constant();
    if (t == null || t.numel() != 1) {
      return -1;
    }
    long p = t.toLongs()[0];
    long position = p < 0 ? p + length : p;
    return position >= 0 && position < length ? (int) position : -1;
  }

  /** How long the pieces are along the axis; null if that is not known. */
  private static long[] sizes(Node n) {
    Value x = n.input(0);
    if (x == null || !x.shape().hasRank() || x.rank() == 0) {
      return null;
    }
    int axis = axis(n);
    if (!x.shape().dim(axis).isConstant()) {
      return null;
    }
    long whole = x.shape().dim(axis).constant();
    if (!n.hasInput(1)) {
      return equal(whole, 1);
    }
    Tensor split = n.input(1).constant();
    if (split == null) {
      return null;
    }
    long[] given = split.toLongs();
    if (split.rank() == 0) {
      return given[0] > 0 ? equal(whole, given[0]) : null;
    }
    return Arrays.stream(given).sum() == whole ? given : null;
  }

  private static int axis(Node n) {
    long axis = n.intAttr("axis", 0);
    return (int) (axis < 0 ? axis + n.input(0).rank() : axis);
  }

  /** Pieces of one length, the last one maybe shorter; null if there are absurdly many. */
  private static long[] equal(long whole, long piece) {
    long count = (whole + piece - 1) / piece;
    if (count > 4096) {
      return null;
    }
    long[] sizes = new long[(int) count];
    Arrays.fill(sizes, piece);
    if (count > 0) {
      sizes[sizes.length - 1] = whole - (count - 1) * piece;
    }
    return sizes;
  }

  private static List<Value> split(Node n, long[] sizes, int opset) {
    Graph g = n.graph();
    int axis = axis(n);
    NodeBuilder b = g.newNode("Split").name(n.name()).provenance(n.provenance()).inputs(n.input(0)).attr("axis", axis);
    if (opset >= 13) {
      b.inputs(g.newInitializer("split", Tensor.vector(sizes)));
    } else {
      b.attribute(Attribute.ofInts("split", sizes));
    }
    for (int i = 0; i < sizes.length; i++) {
      b.output(n.output().name() + "_" + i);
    }
    List<Value> parts = b.insertBefore(n).outputs();
    // keepdims counts only where the pieces have length one because no split is given.
    if (n.hasInput(1) || n.intAttr("keepdims", 1) == 1) {
      return parts;
    }
    List<Value> squeezed = new ArrayList<>();
    for (Value part : parts) {
      NodeBuilder s = g.newNode("Squeeze").provenance(n.provenance()).inputs(part);
      if (opset >= 13) {
        s.inputs(g.newInitializer("axes", Tensor.vector(axis)));
      } else {
        s.attribute(Attribute.ofInts("axes", axis));
      }
      squeezed.add(s.output(part.name() + "_squeezed").insertBefore(n).output());
    }
    return squeezed;
  }
}
