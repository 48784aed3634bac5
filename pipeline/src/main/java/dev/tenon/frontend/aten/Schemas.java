package dev.tenon.frontend.aten;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The schemas of PyTorch's own operators, those of torchvision and of {@code quantized_decomposed}: which parameters an operator has,
 * their defaults, what it writes to and what its results are views of. The list is a resource that
 * {@code testmodels/export/aten_schemas.py} writes; a schema is parsed when it is first asked for.
 */
public final class Schemas {
  private static final Schemas BUILTIN = load();

  /** Operator name to its schemas' texts, and once parsed, the schemas. */
  private final Map<String, List<String>> texts;
  private final Map<String, List<Schema>> parsed = new HashMap<>();

  private Schemas(Map<String, List<String>> texts) {
    this.texts = texts;
  }

  public static Schemas builtin() {
    return BUILTIN;
  }

  private static Schemas load() {
    Map<String, List<String>> texts = new HashMap<>();
    try (BufferedReader in = new BufferedReader(
        new InputStreamReader(Schemas.class.getResourceAsStream("schemas.txt"), StandardCharsets.UTF_8))) {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        if (line.startsWith("#")) {
          continue;
        }
        String qualified = line.substring(0, line.indexOf('('));
        int dot = qualified.indexOf('.');
        texts.computeIfAbsent(dot < 0 ? qualified : qualified.substring(0, dot), k -> new ArrayList<>()).add(line);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new Schemas(texts);
  }

  /** All overloads of {@code aten::add}; empty if the operator is unknown. */
  public synchronized List<Schema> overloads(String name) {
    return parsed.computeIfAbsent(name, n -> texts.getOrDefault(n, List.of()).stream().map(SchemaParser::parse).toList());
  }

  /** One overload, null if unknown. */
  public Schema find(String name, String overload) {
    return overloads(name).stream().filter(s -> s.overload().equals(overload)).findFirst().orElse(null);
  }

  public boolean knows(String name) {
    return texts.containsKey(name);
  }
}
