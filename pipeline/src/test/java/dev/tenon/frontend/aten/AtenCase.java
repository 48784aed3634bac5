package dev.tenon.frontend.aten;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Storage;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.io.OnnxWriter;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A call of a PyTorch operator with what PyTorch gave, of a file that {@code testmodels/export/aten_cases.py} wrote: replayed, it must
 * give the same elements, element types and shapes.
 */
final class AtenCase {
  private static final Map<DataType, TorchScalar.Kind> KINDS =
      Map.of(DataType.BOOL, TorchScalar.Kind.BOOL, DataType.INT64, TorchScalar.Kind.INT, DataType.DOUBLE, TorchScalar.Kind.FLOAT);

  private final String family;
  private final int number;
  private final JsonNode json;

  private AtenCase(String family, int number, JsonNode json) {
    this.family = family;
    this.number = number;
    this.json = json;
  }

  static List<AtenCase> family(String family) throws IOException {
    List<AtenCase> all = new ArrayList<>();
    try (InputStream in = AtenCase.class.getResourceAsStream(family + ".json")) {
      for (JsonNode n : new ObjectMapper().readTree(in)) {
        all.add(new AtenCase(family, all.size(), n));
      }
    }
    return all;
  }

  @Override
  public String toString() {
    String overload = json.path("overload").asText();
    return family + " " + number + " " + json.get("op").asText() + (overload.isEmpty() ? "" : "." + overload)
        + (json.has("note") ? " " + json.get("note").asText() : "");
  }

  boolean hasSymbolicReplay() {
    return !json.has("static");
  }

  /** Calls the operator and compares; {@code symbolic} if the sizes of all inputs are unknown to the lowering. */
  void replay(boolean symbolic) {
    AtenTester t = new AtenTester();
    int[] inputs = {0};
    List<TorchValue> positional = new ArrayList<>();
    json.get("args").forEach(a -> positional.add(value(t, a, symbolic, inputs)));
    Map<String, TorchValue> named = new LinkedHashMap<>();
    json.get("kwargs").properties().forEach(e -> named.put(e.getKey(), value(t, e.getValue(), symbolic, inputs)));
    String overload = json.has("overload") ? json.get("overload").asText() : null;
    List<Type> resultTypes = json.has("counted") ? Collections.nCopies(json.get("results").size(), null) : List.of();
    List<TorchValue> views = new ArrayList<>();
    if (json.has("views")) {
      views.add(positional.get(0));
      json.get("views").forEach(v -> views.add(view(t, v, views.get(views.size() - 1))));
      positional.set(0, views.get(views.size() - 1));
    }
    TorchValue result = t.aten().call(json.get("op").asText(), overload, positional, named, resultTypes);
    if (json.has("views")) {
      result = TorchTuple.of(views.get(0), views.get(views.size() - 1), views.get(1));
    }
    if (json.has("refused")) {
      String said = t.diagnostics().errors().toString();
      assertTrue(said.contains(json.get("refused").asText()), () -> "expected to be refused: " + said);
      return;
    }
    assertEquals(List.of(), t.diagnostics().errors());
    List<TorchValue> results = new ArrayList<>();
    for (TorchValue r : elements(result)) {
      // Numbers that the graph computes are seen as tensors.
      results.add(r instanceof TorchScalar s && !s.isConstant() ? TorchTensor.of(s.scalar(t.aten().onnx())) : r);
    }
    List<TorchTensor> tensors = new ArrayList<>();
    flatten(results, tensors);
    if (System.getProperty("tenon.cases.dump") != null) {
      dump(t, tensors, symbolic);
    }
    List<Tensor> found = json.has("invalid") || tensors.isEmpty() ? null : t.runAll(tensors);
    compare(results, json.get("results"), tensors, found);
  }

  /** A view of the tensor: {@code [operator, further arguments, which result]}. */
  private TorchValue view(AtenTester t, JsonNode json, TorchValue of) {
    List<TorchValue> arguments = new ArrayList<>(List.of(of));
    json.get(1).forEach(a -> arguments.add(value(t, a, false, new int[1])));
    TorchValue made = t.call(json.get(0).asText(), arguments.toArray(TorchValue[]::new));
    return json.has(2) ? elements(made).get(json.get(2).asInt()) : made;
  }

  private static List<TorchValue> elements(TorchValue v) {
    return v instanceof TorchTuple t ? t.elements() : v instanceof TorchList l ? l.elements() : List.of(v);
  }

  private static void flatten(List<TorchValue> values, List<TorchTensor> into) {
    for (TorchValue v : values) {
      if (v instanceof TorchTensor t) {
        into.add(t);
      } else if (v instanceof TorchTuple || v instanceof TorchList) {
        flatten(elements(v), into);
      }
    }
  }

  /** A model a case, for the ONNX checker. */
  private void dump(AtenTester t, List<TorchTensor> tensors, boolean symbolic) {
    t.withOutputs(tensors, outputs -> {
      Path file = Path.of(System.getProperty("tenon.cases.dump"), toString().replaceAll("[^\\w.]+", "_") + (symbolic ? "_s" : "") + ".onnx");
      OnnxWriter.write(t.model(), file, OnnxWriter.Options.defaults());
      return null;
    });
  }

  // ---- arguments ----

  private TorchValue value(AtenTester t, JsonNode n, boolean symbolic, int[] inputs) {
    if (n.isNull()) {
      return TorchNone.NONE;
    } else if (n.isBoolean()) {
      return TorchScalar.of(n.asBoolean());
    } else if (n.isIntegralNumber()) {
      return TorchScalar.of(n.asLong());
    } else if (n.isTextual()) {
      return new TorchString(n.asText());
    } else if (n.isArray()) {
      List<TorchValue> all = new ArrayList<>();
      n.forEach(e -> all.add(value(t, e, symbolic, inputs)));
      return new TorchList(all);
    } else if (n.has("float")) {
      return TorchScalar.of(number(n.get("float").asText()));
    } else if (n.has("size")) {
      int input = inputs[0]++;
      long size = n.get("size").asLong();
      TorchTensor sized = t.input(Tensor.of(new float[(int) size], size), symbolic ? Shape.of(Dim.symbol("s" + input)) : Shape.of(size));
      return t.aten().onnx().size(sized.value(), 0);
    } else if (n.has("item")) {
      inputs[0]++;
      TorchTensor item = t.input(tensor(n.get("item")));
      return t.aten().onnx().number(KINDS.get(item.dtype()), item.value());
    } else if (n.has("dtype")) {
      return new TorchDtype(DataType.ofLabel(n.get("dtype").asText()).orElseThrow());
    }
    Tensor elements = tensor(n);
    if (n.has("param")) {
      return TorchTensor.of(t.model().graph().newInitializer("param", elements));
    }
    int input = inputs[0]++;
    return t.input(elements, symbolic ? symbolic(elements.shape(), input) : elements.shape());
  }

  private Shape symbolic(Shape shape, int input) {
    List<Integer> kept = new ArrayList<>();
    json.path("keep").path(String.valueOf(input)).forEach(a -> kept.add(a.asInt()));
    List<Dim> dims = new ArrayList<>();
    for (int i = 0; i < shape.rank(); i++) {
      dims.add(kept.contains(i) ? shape.dim(i) : Dim.symbol("d" + input + "_" + i));
    }
    return Shape.of(dims);
  }

  private static double number(String python) {
    return switch (python) {
      case "inf" -> Double.POSITIVE_INFINITY;
      case "-inf" -> Double.NEGATIVE_INFINITY;
      case "nan" -> Double.NaN;
      default -> Double.parseDouble(python);
    };
  }

  private static Tensor tensor(JsonNode n) {
    long[] dims = new long[n.get("shape").size()];
    for (int i = 0; i < dims.length; i++) {
      dims[i] = n.get("shape").get(i).asLong();
    }
    DataType dtype = DataType.ofLabel(n.get("tensor").asText()).orElseThrow();
    return Tensor.constant("recorded", dtype, dims, Storage.of(ByteBuffer.wrap(Base64.getDecoder().decode(n.get("data").asText()))));
  }

  // ---- results ----

  private void compare(List<TorchValue> results, JsonNode expected, List<TorchTensor> tensors, List<Tensor> found) {
    assertTrue(results.size() >= expected.size(), () -> results.size() + " results of " + expected.size());
    for (int i = 0; i < expected.size(); i++) {
      JsonNode e = expected.get(i);
      TorchValue r = results.get(i);
      String where = "result " + i;
      if (e.isArray()) {
        compare(elements(r), e, tensors, found);
      } else if (e.isObject() && e.has("tensor")) {
        Tensor wanted = tensor(e);
        TorchTensor t = r instanceof TorchTensor x ? x : fail(where + " is no tensor: " + r);
        assertFits(where, t.value().dtype(), t.value().shape(), wanted);
        if (found != null) {
          Tensor elements = found.get(tensors.indexOf(t));
          assertEquals(wanted.type(), elements.type(), where);
          assertClose(where, wanted, elements);
        }
      } else if (!e.isNull() && r instanceof TorchTensor t) {
        assertEquals(scalar(e), found.get(tensors.indexOf(t)).toDoubles()[0], 1e-9, where);
      } else if (!e.isNull()) {
        assertEquals(scalar(e), ((TorchScalar) r).toDouble(), 1e-9, where);
      }
    }
  }

  private static double scalar(JsonNode e) {
    return e.isObject() ? number(e.get("float").asText()) : e.isBoolean() ? (e.asBoolean() ? 1 : 0) : e.asDouble();
  }

  /** What the lowering believed about the result must be true. */
  private static void assertFits(String where, DataType dtype, Shape inferred, Tensor wanted) {
    assertEquals(wanted.dtype(), dtype, where + ": element type");
    if (inferred.hasRank()) {
      assertEquals(wanted.rank(), inferred.rank(), where + ": rank");
      for (int i = 0; i < inferred.rank(); i++) {
        if (inferred.dim(i).isConstant()) {
          assertEquals(wanted.dim(i), inferred.dim(i).constant(), where + ": inferred " + inferred + " for " + wanted.shape());
        }
      }
    }
  }

  private void assertClose(String where, Tensor wanted, Tensor found) {
    double[] w = wanted.toDoubles();
    double[] f = found.toDoubles();
    double largest = 1e-3;
    for (double v : w) {
      largest = Double.isFinite(v) ? Math.max(largest, Math.abs(v)) : largest;
    }
    // Sums of a few dozen terms in another order; float16 has eleven bits, and PyTorch rounds intermediate results.
    double relative = json.has("tol") ? json.get("tol").asDouble() : wanted.dtype().isFloat() && wanted.dtype().bits() == 16 ? 5e-3 : 1e-5;
    double tolerance = wanted.dtype().isFloat() || json.has("tol") ? relative * largest : 0;
    for (int i = 0; i < w.length; i++) {
      boolean same = Double.compare(w[i], f[i]) == 0 || Math.abs(w[i] - f[i]) <= tolerance;
      if (!same) {
        fail(where + ", element " + i + " of " + wanted.type() + ": expected " + w[i] + ", found " + f[i] + "\nexpected "
            + java.util.Arrays.toString(w) + "\nfound    " + java.util.Arrays.toString(f));
      }
    }
  }
}
