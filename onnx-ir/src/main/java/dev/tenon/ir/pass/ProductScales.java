package dev.tenon.ir.pass;

import static dev.tenon.ir.rewrite.Pattern.any;
import static dev.tenon.ir.rewrite.Pattern.op;

import dev.tenon.ir.Node;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.rewrite.Match;
import dev.tenon.ir.rewrite.Outcome;
import dev.tenon.ir.rewrite.Patch;
import dev.tenon.ir.rewrite.Refusal;
import dev.tenon.ir.rewrite.Rule;
import java.util.List;

/**
 * Multiplies by a scalar once where both factors of a matrix product are multiplied by one, as exporters write PyTorch's scaled dot
 * product attention: {@code (s q) (t k)} becomes {@code (s t q) k}.
 */
public final class ProductScales extends RulePass {
  static final Rule BOTH_FACTORS = Rule.of("both-factors", op("MatMul", op("Mul", any(), any()), op("Mul", any(), any())), ProductScales::merge);

  public ProductScales() {
    super("merge-scales", "multiply by scalars once where both factors of a matrix product are multiplied", List.of(BOTH_FACTORS));
  }

  private static Outcome merge(Match m, Patch p) {
    Node product = m.root();
    Refusal shared = m.refuseIfShared();
    Scaled left = Scaled.of(product.input(0).producer());
    Scaled right = Scaled.of(product.input(1).producer());
    if (shared != null || left == null || right == null || left.scale.dtype() != right.scale.dtype() || m.context().opset() < 7) {
      return shared != null ? shared : m.refuse("the factors are not both multiplied by a scalar");
    }
    Value scale = p.constant(product.output().name() + "_scale", left.scale.times(right.scale));
    Node scaled = p.add(p.newNode("Mul").inputs(left.x, scale).output(product.input(0).name(), left.x.type()));
    Node n = p.add(p.newNode("MatMul").inputs(scaled.output(), right.x)
        .output(product.output().name(), product.output().type()));
    return p.shuntRoot(n.output());
  }

  /** A tensor multiplied by a constant of one element that does not change its shape. */
  private record Scaled(Value x, Tensor scale) {
    static Scaled of(Node mul) {
      for (int i = 0; i < 2; i++) {
        Tensor c = mul.input(i).constant();
        Value x = mul.input(1 - i);
        if (c != null && c.numel() == 1 && c.dtype().isFloat() && x.constant() == null && Constants.keepsShapeOf(c, x)
            && Constants.all(c, Double::isFinite)) {
          return new Scaled(x, c.reshape());
        }
      }
      return null;
    }
  }
}
