package dev.tenon.frontend.aten;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import org.junit.jupiter.api.Test;

class SchemasTest {

  @Test
  void everySchemaOfTheResourceCanBeParsed() throws Exception {
    List<String> lines;
    try (BufferedReader in = new BufferedReader(new InputStreamReader(Schemas.class.getResourceAsStream("schemas.txt"), StandardCharsets.UTF_8))) {
      lines = in.lines().filter(l -> !l.startsWith("#")).toList();
    }
    assertTrue(lines.size() > 2000, lines.size() + " schemas");
    HashMap<String, Schema> byName = new HashMap<>();
    for (String line : lines) {
      Schema s = SchemaParser.parse(line);
      assertEquals(line.substring(0, line.indexOf('(')), s.qualifiedName());
      assertEquals(null, byName.put(s.qualifiedName() + line, s));
    }
  }

  @Test
  void parametersHaveTypesDefaultsAndAliases() {
    Schema s = Schemas.builtin().find("aten::slice", "Tensor");
    assertEquals("[self, dim, start, end, step]", s.parameters().stream().map(Schema.Parameter::name).toList().toString());
    assertEquals("int?", s.parameters().get(2).type().toString());
    assertEquals(TorchNone.NONE, s.parameters().get(2).byDefault());
    assertEquals(TorchScalar.of(1L), s.parameters().get(4).byDefault());
    assertEquals("self", s.viewedBy(0).name());
    assertEquals("self", Schemas.builtin().find("aten::relu_", "").mutated().name());
    assertEquals("int[2]", Schemas.builtin().find("aten::conv2d", "").parameters().get(3).type().toString());
    assertEquals("self", Schemas.builtin().find("aten::split", "Tensor").viewedBy(0).name());
  }
}
