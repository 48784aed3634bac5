package dev.tenon.ir.diag;

/**
 * One finding about a model, collected rather than thrown, so that a user sees all of them at once.
 *
 * @param code a stable short name, {@code unsupported-operator} say
 * @param node the node it is about, as the source file names it; empty if about the model
 * @param location module path or source line; empty if unknown
 * @param message one line: what was found and what was expected
 * @param hint what to do next; empty if there is nothing useful to say
 */
public record Diagnostic(Severity severity, String code, String node, String location, String message, String hint) {

  @Override
  public String toString() {
    StringBuilder b = new StringBuilder(severity.name().toLowerCase(java.util.Locale.ROOT)).append(" [").append(code).append("] ");
    if (!node.isEmpty()) {
      b.append(node);
      b.append(location.isEmpty() ? "" : " (" + location + ")").append(": ");
    }
    b.append(message);
    return hint.isEmpty() ? b.toString() : b.append("; ").append(hint).toString();
  }
}
