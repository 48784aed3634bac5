package dev.tenon.tf;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Node;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Use;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.Diagnostics;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.tensorflow.Output;

/** What an {@link Emitter} sees: one node, its inputs as TensorFlow tensors, and a place to bind its outputs. */
public final class EmitContext {
  private final GraphEmission emission;
  private final Node node;

  EmitContext(GraphEmission emission, Node node) {
    this.emission = emission;
    this.node = node;
  }

  public Node node() {
    return node;
  }

  public Tf tf() {
    return emission.tf();
  }

  /** The opset that the model imports for the node's domain. */
  public int opset() {
    return emission.model().opset(node.domain());
  }

  /** The opset of ONNX's own domain, which a channels-last operator's attributes are written in. */
  public int onnxOpset() {
    return emission.model().opset();
  }

  public Diagnostics diagnostics() {
    return emission.diagnostics();
  }

  /** True if weights are constants: the graph is for inference, not for training. */
  public boolean isFrozen() {
    return emission.isFrozen();
  }

  // ---- inputs ----

  /** True if input i is there (optional inputs may be left out). */
  public boolean has(int i) {
    return node.hasInput(i);
  }

  public int inputCount() {
    return node.inputs().size();
  }

  /** Input i as a tensor: what its producer bound, a variable's value for a parameter, or a constant. */
  public Output<?> in(int i) {
    return emission.tensor(required(i), node);
  }

  /** All inputs, which must all be there (for variadic operators). */
  public List<Output<?>> ins() {
    List<Output<?>> all = new ArrayList<>();
    for (int i = 0; i < inputCount(); i++) {
      all.add(in(i));
    }
    return all;
  }

  public DataType dtype(int i) {
    return required(i).dtype();
  }

  /** The symbolic shape of input i. */
  public Shape shape(int i) {
    return required(i).shape();
  }

  /** The rank of input i; -1 if unknown. */
  public int rank(int i) {
    return shape(i).rank();
  }

  private Value required(int i) {
    Value v = node.input(i);
    if (v == null) {
      throw new IllegalArgumentException(node.label() + ": input " + i + " of " + node.qualifiedOp() + " is missing");
    }
    return v;
  }

  /** The elements of input i if they are known at conversion, else null (also if the input is left out). */
  public Tensor constant(int i) {
    return node.input(i) == null ? null : node.input(i).constant();
  }

  public boolean isConstant(int i) {
    return constant(i) != null;
  }

  /** The elements of a constant integer input; null if it is left out or not constant. */
  public long[] constantLongs(int i) {
    Tensor t = constant(i);
    return t == null ? null : t.toLongs();
  }

  /** What is known of the elements of an integer input, symbolically: the target of a Reshape, say. */
  public Optional<List<Dim>> knownData(int i) {
    return node.input(i) == null ? Optional.empty() : emission.knownData(node.input(i));
  }

  /** An attribute list of integers that became an input in a later opset: whichever is there; null if neither is known. */
  public long[] intsAttrOrInput(String attr, int i) {
    return node.hasAttr(attr) ? node.intsAttr(attr, null) : constantLongs(i);
  }

  /**
   * A parameter, rearranged at conversion: the value of a variable whose elements are {@code transform} of the input's. Only for
   * constant inputs ({@link #isConstant}).
   */
  public Output<?> parameter(int i, ParameterRole role, UnaryOperator<Tensor> transform) {
    return emission.parameter(required(i), transform.apply(constant(i)), node, role);
  }

  /** A parameter as it is. */
  public Output<?> parameter(int i, ParameterRole role) {
    return isConstant(i) ? parameter(i, role, UnaryOperator.identity()) : in(i);
  }

  /** Input i with dimension j of the result being its dimension {@code perm[j]}: at conversion if it is constant, else at run time. */
  public Output<?> permuted(int i, ParameterRole role, int... perm) {
    return isConstant(i) ? parameter(i, role, t -> t.permute(perm)) : tf().transpose(in(i), perm);
  }

  /** True if this tensor is an embedding: some Gather looks up its rows. */
  public boolean isLookedUp(Tensor t) {
    return emission.isLookedUp(t);
  }

  // ---- outputs ----

  /** True if output i is there and something reads it. */
  public boolean wants(int i) {
    return node.output(i) != null && !node.output(i).isUnused();
  }

  public DataType outputDtype(int i) {
    return node.output(i).dtype();
  }

  /** The symbolic shape that inference found for output i. */
  public Shape outputShape(int i) {
    return node.output(i).shape();
  }

  /** Says which tensor output i of the node is. */
  public void bind(int i, Output<?> tensor) {
    if (node.output(i) != null) {
      emission.bind(node.output(i), tensor);
    }
  }

  /** The node that alone reads output 0, for emitting the two together with {@link #bindFollower}; null if there is none. */
  public Node follower() {
    return follower(node);
  }

  /** The node that alone reads output 0 of this node or of one of its followers; null if there is none. */
  public Node follower(Node n) {
    Use use = n.output().onlyUse();
    return use == null || use.node().graph() != node.graph() ? null : use.node();
  }

  /** A parameter that the follower reads: a bias behind a product, say. */
  public Output<?> followerParameter(Node follower, Value parameter, ParameterRole role) {
    return emission.parameter(parameter, parameter.constant(), follower, role);
  }

  /**
   * Says which tensor the output of a follower is, or of a follower's follower; they are not emitted themselves, and nothing else
   * reads the outputs in between.
   */
  public void bindFollower(Node last, Output<?> tensor) {
    for (Node n = node; n != last; n = follower(n)) {
      emission.absorb(n.output(), tensor);
    }
    emission.bind(last.output(), tensor);
  }

  // ---- subgraphs ----

  /** A function to be built beside the graph, for the operators that take functions. Must be closed. */
  public FunctionBody newFunction() {
    return new FunctionBody(emission);
  }

  /** Emits a subgraph of the node in its place; its outputs. */
  public List<Output<?>> inline(Graph subgraph, List<? extends Output<?>> arguments) {
    return emission.subgraph(subgraph, arguments);
  }

  // ---- findings ----

  /**
   * Reports that this node cannot be emitted and goes on with the next: its outputs become placeholders, so that one run finds all
   * that is unsupported.
   *
   * @param what found and expected, one line
   * @param hint what the user can do; may be empty
   */
  public void unsupported(String what, String hint) {
    emission.unsupported(node, "unsupported-attribute", node.qualifiedOp() + ": " + what, hint);
  }
}
