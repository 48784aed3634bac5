package dev.tenon.frontend.aten;

import java.util.List;

/**
 * The signature of a PyTorch operator: {@code aten::relu_(Tensor(a!) self) -> Tensor(a!)}.
 *
 * @param name namespace and name, {@code aten::relu_}
 * @param overload empty for the operator's unnamed overload
 * @param parameters in order
 * @param results in order; empty for an operator that only acts
 */
public record Schema(String name, String overload, List<Parameter> parameters, List<Result> results) {

  /**
   * A parameter.
   *
   * @param keywordOnly true after the {@code *}
   * @param byDefault the default; null if there is none
   * @param alias the alias set, {@code a} say; empty if there is none
   * @param mutated true for {@code Tensor(a!)}: the operator writes to the argument
   */
  public record Parameter(String name, SchemaType type, boolean keywordOnly, TorchValue byDefault, String alias, boolean mutated) {}

  /** A result; {@code alias} is the alias set that it shares with a parameter, empty for a fresh value. */
  public record Result(String name, SchemaType type, String alias, boolean mutated) {}

  public Schema {
    parameters = List.copyOf(parameters);
    results = List.copyOf(results);
  }

  /**
   * Parses {@code aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor}.
   *
   * @throws IllegalArgumentException if the text is no schema
   */
  public static Schema parse(String text) {
    if (!text.matches("[A-Za-z_][\\w.]*::[A-Za-z_][\\w.]*\\(.*\\).*")) {
      throw new IllegalArgumentException("'" + text + "' is no schema");
    }
    try {
      return SchemaParser.parse(text);
    } catch (IndexOutOfBoundsException e) {
      throw new IllegalArgumentException("'" + text + "' is no whole schema", e);
    }
  }

  /** {@code aten::add.Tensor}. */
  public String qualifiedName() {
    return overload.isEmpty() ? name : name + "." + overload;
  }

  /** The part before {@code ::}. */
  public String namespace() {
    int at = name.indexOf("::");
    return at < 0 ? "" : name.substring(0, at);
  }

  /** The part after {@code ::}. */
  public String baseName() {
    int at = name.indexOf("::");
    return at < 0 ? name : name.substring(at + 2);
  }

  /** The position of the parameter with this name, or -1. */
  public int indexOf(String parameter) {
    for (int i = 0; i < parameters.size(); i++) {
      if (parameters.get(i).name().equals(parameter)) {
        return i;
      }
    }
    return -1;
  }

  /** The number of parameters that are given by position, those before the {@code *}. */
  public int positionalCount() {
    return (int) parameters.stream().filter(p -> !p.keywordOnly()).count();
  }

  /** The parameter that the operator writes to, or null. */
  public Parameter mutated() {
    return parameters.stream().filter(Parameter::mutated).findFirst().orElse(null);
  }

  /** The parameter that result i is a view of, or null if the result is fresh. */
  public Parameter viewedBy(int result) {
    String alias = results.get(result).alias();
    return alias.isEmpty() || results.get(result).mutated() ? null
        : parameters.stream().filter(p -> p.alias().equals(alias)).findFirst().orElse(null);
  }

  /** As PyTorch prints it, but for aliases: {@code aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor}. */
  @Override
  public String toString() {
    StringBuilder b = new StringBuilder(qualifiedName()).append('(');
    boolean star = false;
    for (int i = 0; i < parameters.size(); i++) {
      Parameter p = parameters.get(i);
      b.append(i == 0 ? "" : ", ").append(p.keywordOnly() && !star ? "*, " : "").append(p.type()).append(p.mutated() ? "(!) " : " ").append(p.name());
      b.append(p.byDefault() == null ? "" : "=" + p.byDefault());
      star |= p.keywordOnly();
    }
    List<String> types = results.stream().map(r -> r.type().toString()).toList();
    return b.append(") -> ").append(types.size() == 1 ? types.get(0) : "(" + String.join(", ", types) + ")").toString();
  }
}
