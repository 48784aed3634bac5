package dev.tenon.ir.pass;

import static dev.tenon.ir.testing.RuleTester.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.Model;
import dev.tenon.ir.Value;
import dev.tenon.ir.testing.Graphs;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class NestedConcatsTest {

  @Test
  void aDenseBlockJoinsEachNewMapToThoseBefore() {
    Graphs g = Graphs.opset(17);
    List<Value> features = new ArrayList<>(List.of(g.input("x", "n", 3, 4)));
    for (int i = 0; i < 4; i++) {
      Value all = features.size() == 1 ? features.get(0) : g.op("Concat", features, Attribute.ofInt("axis", 1));
      features.add(g.op("Relu", all));
    }
    Model m = assertThat(new NestedConcats()).on(g.output("y", g.op("Concat", features, Attribute.ofInt("axis", 1))))
        .fires("Relu", "Concat", "Relu", "Concat", "Relu", "Concat", "Relu", "Concat");
    m.graph().nodeList().stream().filter(n -> n.isOp("Concat")).forEach(n -> assertEquals(2, n.inputs().size()));
  }

  @Test
  void anotherAxisOrAnotherOrderIsAnotherJoin() {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", "n", 3, 4);
    Value y = g.op("Neg", x);
    g.output("a", g.op("Concat", List.of(x, y), Attribute.ofInt("axis", 1)));
    g.output("b", g.op("Concat", List.of(x, y, y), Attribute.ofInt("axis", 2)));
    g.output("c", g.op("Concat", List.of(y, x, y), Attribute.ofInt("axis", 1)));
    assertThat(new NestedConcats()).on(g).doesNotFire("");
  }
}
