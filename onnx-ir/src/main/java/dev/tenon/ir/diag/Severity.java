package dev.tenon.ir.diag;

/** How bad a {@link Diagnostic} is: an ERROR stops the conversion, a WARNING may change numbers, INFO is for the report. */
public enum Severity {
  ERROR, WARNING, INFO
}
