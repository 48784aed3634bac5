package dev.tenon.tf.custom;

import dev.tenon.ir.DataType;
import dev.tenon.tf.custom.OperatorSignature.Arity;
import dev.tenon.tf.custom.OperatorSignature.Parameter;
import dev.tenon.tf.custom.OperatorSignature.Port;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** The text of the generated files: the header that the kernel includes, and the glue between it and TensorFlow. */
final class GlueText {
  private final OperatorSignature op;
  private final boolean cpp;

  GlueText(OperatorSignature op, boolean cpp) {
    this.op = op;
    this.cpp = cpp;
  }

  // ---- the header ----

  String header(String kernelFile) {
    List<String> fields = new ArrayList<>();
    for (Port p : op.inputs()) {
      fields.add("  " + (p.arity() == Arity.VARIADIC ? "tenon_tensors " : "tenon_tensor ") + p.name() + ";");
    }
    for (Parameter a : op.attributes()) {
      fields.add("  " + field(a) + a.name() + ";");
    }
    for (Port p : op.outputs()) {
      if (p.isList()) {
        fields.add("  int64_t n_" + p.name() + "; /* how many outputs " + p.name() + " are */");
      }
    }
    if (fields.isEmpty()) {
      fields.add("  int nothing;");
    }
    List<String> outputs = new ArrayList<>();
    for (int i = 0; i < op.outputs().size(); i++) {
      outputs.add("  " + KernelText.constant(op, op.outputs().get(i)) + " = " + i + (i + 1 < op.outputs().size() ? "," : ""));
    }
    return Template.of("op.h.txt").fill("OPERATOR", op.operator()).fill("TF_NAME", op.name()).fill("PREFIX", op.prefix())
        .fill("GUARD", op.prefix().toUpperCase(Locale.ROOT) + "_H").fill("FIELDS", fields).fill("OUTPUTS", outputs)
        .fill("KERNEL_FILE", kernelFile).text();
  }

  private static String field(Parameter a) {
    return switch (a.kind()) {
      case FLOAT -> "float ";
      case INT -> "int64_t ";
      case STRING -> "const char* ";
      case TENSOR -> "tenon_tensor ";
      case TYPE -> "TF_DataType ";
      case FLOATS -> "tenon_floats ";
      case INTS -> "tenon_ints ";
      case STRINGS -> "tenon_strings ";
      case TENSORS -> "tenon_tensors ";
      default -> throw new IllegalStateException(a.toString());
    };
  }

  // ---- the glue ----

  String glue(String kernelFile) {
    return Template.of("op.c.txt").fill("OPERATOR", op.operator()).fill("TF_NAME", op.name()).fill("PREFIX", op.prefix())
        .fill("KERNEL_FILE", kernelFile).fill("INCLUDES", cpp ? "\n#include <exception>" : "").fill("LENGTHS", lengths())
        .fill("READ_ATTRIBUTES", readAttributes()).fill("FREE_ATTRIBUTES", freeAttributes()).fill("READ_INPUTS", readInputs())
        .fill("CALL", call()).fill("FREE_INPUTS", freeInputs()).fill("SIGNATURE", signature()).text();
  }

  private List<String> lengths() {
    return op.inputs().stream().filter(Port::isList).map(p -> "  int64_t n_" + p.name() + ";").toList();
  }

  private List<String> readAttributes() {
    List<String> lines = new ArrayList<>();
    for (Parameter a : op.attributes()) {
      String reader = switch (a.kind()) {
        case FLOAT -> "float";
        case INT -> "int";
        case STRING -> "string";
        case TENSOR -> "tensor";
        case TYPE -> "type";
        case FLOATS -> "floats";
        case INTS -> "ints";
        case STRINGS -> "strings";
        default -> "tensors";
      };
      lines.add("  state->args." + a.name() + " = tenon_attr_" + reader + "(k, \"" + a.name() + "\", status);");
    }
    op.inputs().stream().filter(Port::isList).forEach(p -> lines.add(length("state->n_" + p.name(), p)));
    op.outputs().stream().filter(Port::isList).forEach(p -> lines.add(length("state->args.n_" + p.name(), p)));
    return lines;
  }

  private static String length(String target, Port p) {
    return p.mixed() ? "  int32_t bytes_" + p.name() + ";\n  " + target + " = tenon_attr_size(k, \"" + p.type() + "\", &bytes_" + p.name()
        + ", status);"
        : "  " + target + " = tenon_attr_int(k, \"" + OperatorSignature.lengthOf(p) + "\", status);";
  }

  private List<String> freeAttributes() {
    List<String> lines = new ArrayList<>();
    for (Parameter a : op.attributes()) {
      String field = "state->args." + a.name();
      switch (a.kind()) {
        case STRING -> lines.add("  free((void*) " + field + ");");
        case TENSOR -> lines.add("  tenon_free_tensor(&" + field + ");");
        case FLOATS, INTS -> lines.add("  free(" + field + ".items);");
        case STRINGS -> lines.add("  tenon_free_strings(&" + field + ");");
        case TENSORS -> lines.add("  tenon_free_tensors(&" + field + ");");
        default -> { }
      }
    }
    return lines;
  }

  private List<String> readInputs() {
    List<String> lines = new ArrayList<>();
    if (op.inputs().isEmpty()) {
      return lines;
    }
    lines.add("  int at = 0;");
    for (Port p : op.inputs()) {
      String type = p.dtype() == null ? "0" : TypeNames.constant(p.dtype());
      String n = "state->n_" + p.name();
      switch (p.arity()) {
        case SINGLE -> lines.add("  a." + p.name() + " = tenon_input(&c, \"" + p.name() + "\", at++, " + type + ");");
        case OPTIONAL -> lines.add("  a." + p.name() + " = tenon_optional(&c, \"" + p.name() + "\", at, " + n + ", " + type
            + ");\n  at += (int) " + n + ";");
        case VARIADIC -> lines.add("  a." + p.name() + " = tenon_inputs(&c, \"" + p.name() + "\", at, " + n + ", " + type
            + ");\n  at += (int) " + n + ";");
      }
    }
    lines.add("  (void) at;");
    return lines;
  }

  private List<String> call() {
    String call = op.prefix() + "_compute(&c, &a);";
    return !cpp ? List.of("    " + call) : List.of("    try {", "      " + call, "    } catch (const std::exception& e) {",
        "      tenon_fail(&c, TF_INTERNAL, \"" + op.name() + ": %s\", e.what());", "    } catch (...) {",
        "      tenon_fail(&c, TF_INTERNAL, \"" + op.name() + ": an exception of unknown type\");", "    }");
  }

  private List<String> freeInputs() {
    return op.inputs().stream().filter(p -> p.arity() == Arity.VARIADIC).map(p -> "  free(a." + p.name() + ".items);").toList();
  }

  // ---- the signature ----

  private List<String> signature() {
    List<String> lines = new ArrayList<>();
    op.types().forEach((name, allowed) -> lines.add(attr(name + ": {" + types(allowed) + "}")));
    for (List<Port> side : List.of(op.inputs(), op.outputs())) {
      for (Port p : side) {
        if (p.isList()) {
          lines.add(attr(p.mixed() ? p.type() + ": list(type) >= 0" : OperatorSignature.lengthOf(p) + ": int >= 0"));
        }
      }
    }
    for (Parameter a : op.attributes()) {
      lines.add(attr(a.name() + ": " + TypeNames.ofAttribute(a.kind()) + (a.byDefault() == null ? "" : " = " + value(a.byDefault()))));
    }
    op.inputs().forEach(p -> lines.add("  TF_OpDefinitionBuilderAddInput(op, " + quoted(p.name() + ": " + type(p)) + ");"));
    op.outputs().forEach(p -> lines.add("  TF_OpDefinitionBuilderAddOutput(op, " + quoted(p.name() + ": " + type(p)) + ");"));
    return lines;
  }

  private static String attr(String spec) {
    return "  TF_OpDefinitionBuilderAddAttr(op, " + quoted(spec) + ");";
  }

  private static String types(Set<DataType> allowed) {
    return String.join(", ", allowed.stream().map(TypeNames::ofTensorFlow).toList());
  }

  private static String type(Port p) {
    String element = p.dtype() == null ? p.type() : TypeNames.ofTensorFlow(p.dtype());
    return p.isList() && !p.mixed() ? OperatorSignature.lengthOf(p) + " * " + element : element;
  }

  /** A default as TensorFlow's parser of signatures reads it. */
  private static String value(Object v) {
    if (v instanceof float[] f) {
      List<String> all = new ArrayList<>();
      for (float e : f) {
        all.add(value(e));
      }
      return "[" + String.join(", ", all) + "]";
    } else if (v instanceof long[] l) {
      return Arrays.toString(l);
    } else if (v instanceof List<?> l) {
      return "[" + String.join(", ", l.stream().map(GlueText::value).toList()) + "]";
    } else if (v instanceof String s) {
      return quoted(s);
    } else if (v instanceof Float f) {
      return f.isNaN() ? "nan" : f.isInfinite() ? (f > 0 ? "inf" : "-inf") : String.valueOf(f);
    }
    return String.valueOf(v);
  }

  /** A string in C's quotes, which are protobuf's too. */
  static String quoted(String s) {
    StringBuilder b = new StringBuilder("\"");
    for (byte raw : s.getBytes(StandardCharsets.UTF_8)) {
      int c = raw & 0xff;
      if (c == '"' || c == '\\') {
        b.append('\\').append((char) c);
      } else if (c < 0x20 || c >= 0x7f || c == '?') {
        b.append(String.format(Locale.ROOT, "\\%03o", c));
      } else {
        b.append((char) c);
      }
    }
    return b.append('"').toString();
  }
}
