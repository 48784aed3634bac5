package dev.tenon.ir.io;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Function;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.SparseTensor;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Prints graphs for people, and for tests that compare whole graphs: one line a node, subgraphs indented below theirs.
 *
 * <pre>
 * %out:float32[batch,64,56,56] = Conv(%in, %conv1.weight) {kernel_shape=[3,3], pads=[1,1,1,1]}  # layer1.0.conv1
 * </pre>
 *
 * In braces after an argument stand its elements, if it is a constant of at most {@value #INLINE} of them, or the recipe it is
 * computed by, if that is not just its name. The text depends on nothing but the graph: anonymous dimensions are all {@code ?},
 * attributes come in order of name.
 */
public final class GraphText {
  private static final int INLINE = 8;
  private static final int MAX_RECIPE = 160;
  private static final int MAX_STRING = 60;

  private final StringBuilder out = new StringBuilder();

  private GraphText() {}

  /** The whole model: versions, graph and functions. */
  public static String of(Model model) {
    GraphText t = new GraphText();
    t.out.append("model ir ").append(model.irVersion());
    new TreeMap<>(model.opsetImports()).forEach((domain, version) -> t.out.append(", ")
        .append(domain.isEmpty() ? "opset" : domain).append(' ').append(version));
    t.out.append('\n');
    t.graph(model.graph(), "graph", "");
    for (Function f : model.functions().values()) {
      t.function(f);
    }
    return t.out.toString();
  }

  public static String of(Graph graph) {
    GraphText t = new GraphText();
    t.graph(graph, "graph", "");
    return t.out.toString();
  }

  /** One node on one line, its subgraphs on the lines below. */
  public static String of(Node node) {
    GraphText t = new GraphText();
    t.node(node, "");
    return t.out.toString().stripTrailing();
  }

  private void function(Function f) {
    out.append("function ").append(f.domain().isEmpty() ? "" : f.domain() + "::").append(f.name());
    out.append(f.overload().isEmpty() ? "" : ":" + f.overload());
    List<String> parameters = new ArrayList<>(f.attributeNames());
    f.attributeDefaults().values().forEach(a -> parameters.add(a.name() + "=" + value(a)));
    out.append('<').append(String.join(", ", parameters)).append('>');
    new TreeMap<>(f.opsetImports()).forEach((domain, version) -> out.append(", ").append(domain.isEmpty() ? "opset" : domain)
        .append(' ').append(version));
    out.append('\n');
    body(f.body(), "  ");
  }

  private void graph(Graph g, String heading, String indent) {
    out.append(indent).append(heading).append(g.name().isEmpty() ? "" : " " + g.name()).append('\n');
    body(g, indent + "  ");
  }

  private void body(Graph g, String indent) {
    for (Value v : g.inputs()) {
      out.append(indent).append("input ").append(typed(v)).append(v.isInitializer() ? " = " + summary(v.initializer()) : "").append('\n');
    }
    for (Value v : g.initializers()) {
      if (!v.isGraphInput()) {
        out.append(indent).append("const ").append(typed(v)).append(" = ").append(summary(v.initializer())).append('\n');
      }
    }
    g.nodes().forEach(n -> node(n, indent));
    for (Value v : g.outputs()) {
      out.append(indent).append("output ").append(typed(v)).append('\n');
    }
  }

  private void node(Node n, String indent) {
    String outputs = n.outputs().stream().map(v -> v == null ? "_" : typed(v)).collect(Collectors.joining(", "));
    String inputs = n.inputs().stream().map(GraphText::argument).collect(Collectors.joining(", "));
    out.append(indent).append(outputs).append(" = ").append(n.qualifiedOp()).append(n.overload().isEmpty() ? "" : ":" + n.overload());
    out.append('(').append(inputs).append(')');
    List<Attribute> attributes = n.attributes().stream().sorted(Comparator.comparing(Attribute::name)).toList();
    String plain = attributes.stream().filter(a -> a.graphs().isEmpty()).map(a -> a.name() + "=" + value(a)).collect(Collectors.joining(", "));
    out.append(plain.isEmpty() ? "" : " {" + plain + "}");
    out.append(n.provenance().modulePath().isEmpty() ? "" : "  # " + n.provenance().modulePath()).append('\n');
    for (Attribute a : attributes) {
      for (Graph g : a.graphs()) {
        graph(g, a.name() + ":", indent + "  ");
      }
    }
  }

  private static String typed(Value v) {
    return "%" + v.name() + (v.type() == null ? "" : ":" + v.type().toString().replaceAll("\\?\\d+", "?"));
  }

  private static String argument(Value v) {
    if (v == null) {
      return "-";
    }
    Tensor t = v.isGraphInput() ? null : v.initializer();
    if (t == null) {
      return "%" + v.name();
    }
    String summary = t.numel() <= INLINE ? summary(t) : recipe(t);
    return "%" + v.name() + (summary.equals(v.name()) ? "" : "{" + summary + "}");
  }

  // ---- values ----

  /** The elements of a small tensor, the recipe of a large one. */
  private static String summary(Tensor t) {
    return t.numel() <= INLINE ? elements(t) : recipe(t);
  }

  private static String recipe(Tensor t) {
    String text = t.recipe().toString();
    return text.length() <= MAX_RECIPE ? text : text.substring(0, MAX_RECIPE) + "…";
  }

  private static String elements(Tensor t) {
    String list;
    if (t.dtype() == DataType.STRING) {
      list = t.toStrings().stream().map(GraphText::quoted).collect(Collectors.joining(","));
    } else if (t.dtype().isFloat()) {
      list = Arrays.stream(t.toDoubles()).mapToObj(d -> number(d, t.dtype())).collect(Collectors.joining(","));
    } else if (t.dtype().isInteger() || t.dtype() == DataType.BOOL) {
      list = Arrays.stream(t.toLongs()).mapToObj(i -> t.dtype() == DataType.UINT64 ? Long.toUnsignedString(i) : Long.toString(i))
          .collect(Collectors.joining(","));
    } else {
      return recipe(t);
    }
    return t.rank() == 0 ? list : "[" + list + "]";
  }

  /** In as few digits as the type needs: 0.1 as a float32 is not 0.10000000149011612. */
  private static String number(double d, DataType dtype) {
    return dtype == DataType.DOUBLE ? Double.toString(d) : Float.toString((float) d);
  }

  private static String quoted(String s) {
    String shown = s.length() <= MAX_STRING ? s : s.substring(0, MAX_STRING) + "…";
    return "\"" + shown.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n") + "\"";
  }

  private static String value(Attribute a) {
    return a.isReference() ? "@" + a.refName() : value(a.value());
  }

  private static String value(Object o) {
    if (o instanceof String s) {
      return quoted(s);
    } else if (o instanceof Tensor t) {
      return t + "(" + summary(t) + ")";
    } else if (o instanceof long[] l) {
      return Arrays.toString(l).replace(", ", ",");
    } else if (o instanceof float[] f) {
      return Arrays.toString(f).replace(", ", ",");
    } else if (o instanceof List<?> list) {
      return list.stream().map(GraphText::value).collect(Collectors.joining(",", "[", "]"));
    } else if (o instanceof SparseTensor s) {
      return "sparse" + Arrays.toString(s.dims()).replace(", ", ",") + "(" + summary(s.values()) + " at " + summary(s.indices()) + ")";
    }
    return String.valueOf(o);
  }
}
