package dev.tenon.ir.diag;

import java.util.List;

/** A valid model that holds what cannot be converted; carries every reason at once. The command line ends with exit code 4. */
public class UnsupportedModelException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient List<Diagnostic> reasons;

  public UnsupportedModelException(List<Diagnostic> reasons) {
    super(reasons.size() + " unsupported: " + String.join("; ", reasons.stream().map(Diagnostic::message).distinct().limit(5).toList()));
    this.reasons = List.copyOf(reasons);
  }

  public List<Diagnostic> reasons() {
    return reasons;
  }
}
