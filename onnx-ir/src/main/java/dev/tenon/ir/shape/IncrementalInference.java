package dev.tenon.ir.shape;

import dev.tenon.ir.Dim;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.Diagnostics;
import java.util.List;
import java.util.Optional;

/**
 * Shape inference while a model is being built: node by node, in the order in which they are added. For frontends, whose next step
 * depends on the types so far.
 */
public final class IncrementalInference {
  private final Engine engine;
  private final ShapeInference.Result result;

  /** Of a model whose opsets are set; its inputs may still be added. */
  public IncrementalInference(Model model) {
    this.engine = new Engine(model, Registry.standard());
    this.result = new ShapeInference.Result(engine);
  }

  /** Sets the types of a node's outputs. Types that they have already are hints. */
  public void visit(Node node) {
    engine.visitMain(node);
  }

  /** A graph input has been added, or its type has become known. */
  public void visitInput(Value input) {
    engine.rememberSizes(input.type());
  }

  /** The elements of an integer or bool tensor as far as known, see {@link ShapeInference.Result#knownData}. */
  public Optional<List<Dim>> knownData(Value v) {
    return result.knownData(v);
  }

  /** Hands over the contradictions met so far. */
  public void report(Diagnostics diagnostics) {
    engine.report(diagnostics);
  }
}
