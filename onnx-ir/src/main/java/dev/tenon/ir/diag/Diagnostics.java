package dev.tenon.ir.diag;

import dev.tenon.ir.Node;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Collects the findings of a conversion in the order they are made. Not thread-safe. */
public final class Diagnostics {
  private final List<Diagnostic> all = new ArrayList<>();

  public void add(Diagnostic d) {
    all.add(d);
  }

  public void error(String code, Node node, String message, String hint) {
    all.add(of(Severity.ERROR, code, node, message, hint));
  }

  public void warning(String code, Node node, String message, String hint) {
    all.add(of(Severity.WARNING, code, node, message, hint));
  }

  public void info(String code, Node node, String message) {
    all.add(of(Severity.INFO, code, node, message, ""));
  }

  private static Diagnostic of(Severity severity, String code, Node node, String message, String hint) {
    if (node == null) {
      return new Diagnostic(severity, code, "", "", message, hint);
    }
    String location = node.provenance().modulePath();
    if (!node.provenance().sourceLine().isEmpty()) {
      location += (location.isEmpty() ? "" : ", ") + node.provenance().sourceLine();
    }
    return new Diagnostic(severity, code, node.label(), location, message, hint);
  }

  public List<Diagnostic> all() {
    return Collections.unmodifiableList(all);
  }

  public List<Diagnostic> errors() {
    return all.stream().filter(d -> d.severity() == Severity.ERROR).toList();
  }

  public boolean hasErrors() {
    return all.stream().anyMatch(d -> d.severity() == Severity.ERROR);
  }
}
