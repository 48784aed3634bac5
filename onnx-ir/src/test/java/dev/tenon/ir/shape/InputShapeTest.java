package dev.tenon.ir.shape;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.testing.Graphs;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Shapes given on the command line with {@code --input NAME:1,3,224,224}. */
class InputShapeTest {
  private final Graphs g = Graphs.opset(17);
  private final Value image = g.input("image", "batch", 3, "h", "w");
  private final Value mask = g.input("mask", "batch", 1, "h", 7);
  private final Value sum = g.op("Add", image, mask);
  private final Diagnostics diagnostics = new Diagnostics();

  @Test
  void fixingASymbolInOneInputFixesItInAll() {
    sum.setType(Type.tensor(DataType.FLOAT, Graphs.shape("batch", 3, "2*h", "w")));
    ShapeInference.setInputShape(g.model(), "image", Graphs.shape(2, 3, 5, "w"));
    assertEquals("[2,1,5,7]", mask.shape().toString());
    assertEquals("[2,3,10,w]", sum.shape().toString(), "what the model declares");
  }

  @Test
  void aSymbolMayBeRenamed() {
    ShapeInference.setInputShape(g.model(), "image", Graphs.shape("n", 3, "h", "w"));
    ShapeInference.infer(g.model(), diagnostics);
    assertEquals("[n,3,h,7]", sum.shape().toString());
  }

  @Test
  void anotherNumberMakesDeclaredTypesStale() {
    Graphs fixed = Graphs.opset(17);
    Value x = fixed.input("x", 1, 3, 224);
    Value y = fixed.op("Relu", x);
    y.setType(Type.tensor(DataType.FLOAT, Shape.of(1, 3, 224)));
    ShapeInference.setInputShape(fixed.model(), "x", Shape.of(4, 3, 320));
    ShapeInference.infer(fixed.model(), diagnostics);
    assertEquals(Shape.of(4, 3, 320), y.shape());
    assertEquals(List.of(), diagnostics.all());
  }

  @Test
  void whatCannotBeIsBadInputInOneLine() {
    assertMessage("input picture", () -> ShapeInference.setInputShape(g.model(), "picture", Shape.of(1)), "one of image, mask");
    assertMessage("input image", () -> ShapeInference.setInputShape(g.model(), "image", Shape.of(1, 3)), "rank 4");
    Graphs square = Graphs.opset(17);
    square.input("x", "n", "n");
    assertMessage("input x", () -> ShapeInference.setInputShape(square.model(), "x", Shape.of(2, 3)), "one size for n");
  }

  private static void assertMessage(String place, org.junit.jupiter.api.function.Executable call, String expected) {
    String message = assertThrows(BadInputException.class, call).getMessage();
    assertTrue(message.contains(place) && message.contains(expected) && !message.contains("\n"), message);
  }
}
