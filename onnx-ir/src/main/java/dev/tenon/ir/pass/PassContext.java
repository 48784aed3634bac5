package dev.tenon.ir.pass;

import dev.tenon.ir.Dim;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.rewrite.RewriteContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The model that passes work on, where they report to, and what they may ask. */
public final class PassContext {
  private final Model model;
  private final Diagnostics diagnostics;
  private final Shapes shapes;
  private boolean shapesAreFresh;

  public PassContext(Model model, Diagnostics diagnostics, Shapes shapes) {
    this.model = model;
    this.diagnostics = diagnostics;
    this.shapes = shapes;
  }

  /** A context without shape inference: passes use the types that the values have. */
  public static PassContext of(Model model) {
    return new PassContext(model, new Diagnostics(), Shapes.none());
  }

  public Model model() {
    return model;
  }

  public Graph graph() {
    return model.graph();
  }

  public Diagnostics diagnostics() {
    return diagnostics;
  }

  /** Runs shape inference if the model may have changed since it last ran. */
  public void refreshShapes() {
    if (!shapesAreFresh) {
      shapes.infer(model, diagnostics);
      shapesAreFresh = true;
    }
  }

  /** Notes that the model has changed: the next {@link #refreshShapes} infers again. */
  public void markChanged() {
    shapesAreFresh = false;
  }

  /** The elements of a small integer value where shape inference knows them; empty for values made since it last ran. */
  public Optional<List<Dim>> knownData(Value value) {
    return shapes.knownData(value);
  }

  public RewriteContext rewriting() {
    return new RewriteContext(model, this::knownData);
  }

  /** The model's graph and all subgraphs, outer before inner. */
  public List<Graph> graphs() {
    List<Graph> all = new ArrayList<>();
    all.add(graph());
    graph().forEachNode(n -> all.addAll(n.subgraphs()));
    return all;
  }

  /** The number of nodes, subgraphs included. */
  public int nodeCount() {
    return graphs().stream().mapToInt(Graph::nodeCount).sum();
  }

  /** True for the operators of domain {@code dev.tenon}, which a function of the model gives their meaning. */
  static boolean isTenonOperator(Node n) {
    return n.domain().equals(dev.tenon.ir.rewrite.Rule.TENON_DOMAIN);
  }
}
