package dev.tenon.custom;

import dev.tenon.ir.Node;
import dev.tenon.tf.EmitContext;
import dev.tenon.tf.custom.CustomOperator;
import dev.tenon.tf.custom.LayoutKind;

/** An emitter as somebody who embeds Tenon writes it: {@code tests::Twice} is x + x. */
public final class TwiceEmitter implements CustomOperator {
  @Override
  public String operator() {
    return "tests::Twice";
  }

  @Override
  public LayoutKind layout() {
    return LayoutKind.ELEMENTWISE;
  }

  @Override
  public void infer(Node node) {
    node.output().setType(node.input(0).type());
  }

  @Override
  public void emit(EmitContext c) {
    c.bind(0, c.tf().add(c.in(0), c.in(0)));
  }
}
