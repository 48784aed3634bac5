package dev.tenon.tf.custom;

import dev.tenon.ir.Attribute.Kind;
import dev.tenon.ir.DataType;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.tf.custom.OperatorSignature.Arity;
import dev.tenon.tf.custom.OperatorSignature.DimRule;
import dev.tenon.tf.custom.OperatorSignature.Parameter;
import dev.tenon.tf.custom.OperatorSignature.Port;
import dev.tenon.tf.custom.OperatorSignature.ShapeRule;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/** The text of the file that is the user's: the kernel, with what is known filled in and one place left for the computation. */
final class KernelText {
  private final OperatorSignature op;
  private final Body body;
  private final boolean cpp;
  private final LayoutKind layout;

  KernelText(OperatorSignature op, Body body, boolean cpp, LayoutKind layout) {
    this.op = op;
    this.body = body;
    this.cpp = cpp;
    this.layout = layout;
    if (body.form() != Body.Form.NONE && (op.inputs().isEmpty() || op.inputs().get(0).arity() != Arity.SINGLE)) {
      throw refused("it has no first input");
    }
  }

  private BadInputException refused(String why) {
    return new BadInputException(op.operator() + ": no body of the form " + body.form().name().toLowerCase(Locale.ROOT) + ": " + why);
  }

  String text(List<String> places, String kernelFile) {
    return Template.of("kernel.c.txt").fill("OPERATOR", op.operator()).fill("TF_NAME", op.name()).fill("PREFIX", op.prefix())
        .fill("DESCRIPTION", description(places)).fill("INCLUDES", cpp
            ? "\n#include <cmath>\n#include <stdexcept>\n#include <string>\n#include <vector>" : "")
        .fill("SHAPES", shapes()).fill("ALLOCATION", allocation()).fill("POINTERS", pointers()).fill("BODY",
            computation(kernelFile)).text();
  }

  // ---- what is known, in words ----

  private List<String> description(List<String> places) {
    List<String> lines = new ArrayList<>();
    lines.add(" * Used " + (places.size() == 1 ? "once, at " : places.size() + " times, first at ") + places.get(0) + ".");
    section(lines, "Inputs", op.inputs().stream().map(p -> "args->" + p.name() + "  " + words(p)).toList());
    section(lines, "Attributes", op.attributes().stream().map(a -> "args->" + a.name() + "  " + words(a)).toList());
    section(lines, "Outputs", op.outputs().stream().map(p -> constant(op, p) + "  " + words(p)).toList());
    lines.add(" * Layout: " + switch (layout) {
      case OPAQUE -> "the source's. Axis 1 of a picture is the channel: batch, channel, height, width.";
      case CHANNELS_LAST -> "channels-last, as ops.yaml says. The last axis is the channel: batch, height, width, channel;\n"
          + " * the shapes here are the source's, which has it on axis 1.";
      case ELEMENTWISE -> "any; ops.yaml says that each element is computed from its own place alone.";
    });
    return lines;
  }

  private static void section(List<String> lines, String title, List<String> entries) {
    if (!entries.isEmpty()) {
      lines.add(" * " + title + ":");
      entries.forEach(e -> lines.add(" *   " + e.replace("*/", "* /").replaceAll("\\s*\\R\\s*", " ")));
    }
  }

  private static String types(OperatorSignature op, Port p) {
    return p.mixed() ? "of several types" : p.dtype() != null ? p.dtype().label()
        : String.join(" or ", op.types().get(p.type()).stream().map(DataType::label).toList());
  }

  private String words(Port p) {
    String many = switch (p.arity()) {
      case SINGLE -> "";
      case OPTIONAL -> ", may be left out";
      case VARIADIC -> ", any number";
    };
    return types(op, p) + (p.shape().isEmpty() ? "" : " " + p.shape()) + many;
  }

  private static String words(Parameter a) {
    return TypeNames.ofAttribute(a.kind()) + (a.kind() == Kind.TENSOR || a.kind() == Kind.TENSORS ? "" : ": " + String.join(", ", a.seen()))
        + (a.leftOut() ? "; left out at some places: what it is then, the model does not say" : "");
  }

  /** The constant in the header that is an output's number. */
  static String constant(OperatorSignature op, Port output) {
    return (op.prefix() + "_" + output.name()).toUpperCase(Locale.ROOT);
  }

  // ---- shapes ----

  private List<String> shapes() {
    List<String> lines = new ArrayList<>();
    for (Port p : op.outputs()) {
      if (p.isList()) {
        lines.add("  /* " + p.name() + ": unknown. */");
        continue;
      }
      ShapeRule rule = body.form() == Body.Form.IDENTITY ? new ShapeRule.Like(0) : p.rule();
      if (rule instanceof ShapeRule.Like like) {
        lines.add("  tenon_shape_like(shapes, " + constant(op, p) + ", " + like.input() + "); /* that of "
            + op.inputs().get(like.input()).name() + " */");
      } else if (rule instanceof ShapeRule.Dims d && d.dims().isEmpty()) {
        lines.add("  tenon_shape_dims(shapes, " + constant(op, p) + ", 0, NULL);");
      } else if (rule instanceof ShapeRule.Dims d) {
        String name = p.name() + "_dims";
        lines.add("  const tenon_dim " + name + "[] = {" + String.join(", ", d.dims().stream().map(KernelText::dim).toList()) + "};");
        lines.add("  tenon_shape_dims(shapes, " + constant(op, p) + ", " + d.dims().size() + ", " + name + ");");
      } else {
        lines.add("  /* " + p.name() + ": unknown, unless you say it: tenon_shape_like(shapes, " + constant(op, p)
            + ", 0) is that of the first input. */");
      }
    }
    if (lines.stream().noneMatch(l -> l.contains("(shapes, ") && !l.startsWith("  /*"))) {
      lines.add("  (void) shapes;");
    }
    return lines;
  }

  private static String dim(DimRule d) {
    return d.input() >= 0 ? "TENON_DIM_OF(" + d.input() + ", " + d.axis() + ")" : d.value() >= 0 ? "TENON_DIM(" + d.value() + ")"
        : "TENON_DIM_UNKNOWN /* " + d.text() + " */";
  }

  // ---- outputs ----

  private List<String> allocation() {
    List<String> lines = new ArrayList<>();
    if (body.form() == Body.Form.EXPRESSION) {
      if (op.outputs().size() != 1 || op.outputs().get(0).isList()) {
        throw refused("it has not one output");
      }
      Port y = op.outputs().get(0);
      List<String> broadcast = new ArrayList<>();
      for (Port p : op.inputs()) {
        if (!p.isList() && isNumber(p) && !body.perChannel().contains(p.name()) || p.arity() == Arity.OPTIONAL && isNumber(p)) {
          broadcast.add("&args->" + p.name());
        }
      }
      lines.add("  const tenon_tensor* inputs[] = {" + String.join(", ", broadcast) + "};");
      lines.add("  tenon_tensor " + y.name() + " = tenon_output_broadcast(call, " + constant(op, y) + ", " + dtype(y) + ", "
          + broadcast.size() + ", inputs);");
      return lines;
    }
    for (Port p : op.outputs()) {
      if (p.isList()) {
        lines.add("  /* " + p.name() + ": outputs " + constant(op, p) + " to " + constant(op, p) + " + args->n_" + p.name()
            + " - 1, each made with tenon_output. */");
      } else if (body.form() == Body.Form.IDENTITY) {
        lines.add(like(p, 0, ""));
      } else {
        allocate(lines, p);
      }
    }
    return lines;
  }

  private void allocate(List<String> lines, Port p) {
    if (p.rule() instanceof ShapeRule.Like like) {
      lines.add(like(p, like.input(), ""));
    } else if (p.rule() instanceof ShapeRule.Dims d) {
      String dims = d.dims().isEmpty() ? "NULL" : p.name() + "_dims";
      if (!d.dims().isEmpty()) {
        lines.add("  const int64_t " + dims + "[] = {" + String.join(", ", d.dims().stream().map(this::size).toList()) + "};");
      }
      lines.add("  tenon_tensor " + p.name() + " = tenon_output(call, " + constant(op, p) + ", " + dtype(p) + ", " + d.dims().size() + ", "
          + dims + ");");
    } else if (!op.inputs().isEmpty() && op.inputs().get(0).arity() == Arity.SINGLE) {
      lines.add(like(p, 0, " /* its shape is not known: change this if it is another */"));
    } else {
      lines.add("  tenon_tensor " + p.name() + " = tenon_output(call, " + constant(op, p) + ", " + dtype(p)
          + ", 0, NULL); /* its shape is not known: change this if it is no scalar */");
    }
  }

  private String like(Port p, int input, String remark) {
    return "  tenon_tensor " + p.name() + " = tenon_output_like(call, " + constant(op, p) + ", " + dtype(p) + ", &args->"
        + op.inputs().get(input).name()
        + ");" + remark;
  }

  private String size(DimRule d) {
    return d.input() >= 0 ? "args->" + op.inputs().get(d.input()).name() + ".dims[" + d.axis() + "]" : d.value() >= 0
        ? String.valueOf(d.value())
        : "-1 /* " + d.text() + ": yours to compute */";
  }

  private String dtype(Port p) {
    return p.dtype() != null ? TypeNames.constant(p.dtype()) : "TF_ExpectedOutputDataType(call->kernel, " + constant(op, p) + ")";
  }

  // ---- the computation ----

  private List<String> pointers() {
    List<String> lines = new ArrayList<>();
    if (body.form() != Body.Form.NONE) {
      return lines;
    }
    for (Port p : op.inputs()) {
      if (!p.isList() && p.dtype() != null) {
        String type = "const " + TypeNames.ofC(p.dtype()) + "*";
        lines.add("  " + type + " " + p.name() + " = " + cast(type, "args->" + p.name() + ".data") + ";" + remark(p.dtype()));
      }
    }
    for (Port p : op.outputs()) {
      if (!p.isList() && p.dtype() != null) {
        String type = TypeNames.ofC(p.dtype()) + "*";
        lines.add("  " + type + " " + p.name() + "_data = " + cast(type, p.name() + ".data") + ";" + remark(p.dtype()));
      }
    }
    return lines;
  }

  private String cast(String type, String what) {
    return cpp ? "static_cast<" + type + ">(" + what + ")" : "(" + type + ") " + what;
  }

  private static String remark(DataType t) {
    return switch (t) {
      case FLOAT16 -> " /* tenon_half_to_float, tenon_float_to_half */";
      case BFLOAT16 -> " /* tenon_bfloat16_to_float, tenon_float_to_bfloat16 */";
      case STRING -> " /* tenon_string_get, tenon_string_set */";
      case COMPLEX64, COMPLEX128 -> " /* real and imaginary parts by turns */";
      default -> "";
    };
  }

  private List<String> computation(String kernelFile) {
    return switch (body.form()) {
      case NONE -> unwritten(kernelFile);
      case IDENTITY -> identity();
      case EXPRESSION -> expression();
    };
  }

  private List<String> unwritten(String kernelFile) {
    List<String> lines = new ArrayList<>();
    List<String> unused = new ArrayList<>();
    op.inputs().stream().filter(p -> !p.isList() && p.dtype() != null).forEach(p -> unused.add(p.name()));
    op.outputs().stream().filter(p -> !p.isList()).forEach(p -> unused.add(p.dtype() == null ? p.name() : p.name() + "_data"));
    unused.forEach(name -> lines.add("  (void) " + name + ";"));
    lines.add("  tenon_fail(call, TF_UNIMPLEMENTED, \"" + op.name() + ": its computation is not written yet, see " + kernelFile + "\");");
    return lines;
  }

  private List<String> identity() {
    List<String> lines = new ArrayList<>();
    Port x = op.inputs().get(0);
    for (Port p : op.outputs()) {
      if (p.isList()) {
        lines.add("  for (int i = 0; i < (int) args->n_" + p.name() + "; i++) {");
        lines.add("    tenon_tensor one = tenon_output_like(call, " + constant(op, p) + " + i, args->" + x.name() + ".dtype, &args->"
            + x.name() + ");");
        lines.add("    if (!tenon_failed(call)) {");
        lines.add("      tenon_copy(call, &args->" + x.name() + ", &one);");
        lines.add("    }");
        lines.add("  }");
      } else {
        if (p.dtype() != null && x.dtype() != null && p.dtype() != x.dtype()) {
          throw refused("output " + p.name() + " is " + p.dtype() + " and the first input " + x.dtype());
        }
        lines.add("  tenon_copy(call, &args->" + x.name() + ", &" + p.name() + ");");
      }
    }
    return lines;
  }

  private boolean isNumber(Port p) {
    return !p.mixed() && (p.dtype() == null || p.dtype() != DataType.STRING && p.dtype() != DataType.COMPLEX64
        && p.dtype() != DataType.COMPLEX128);
  }

  private boolean mentions(String name) {
    return Pattern.compile("\\b" + Pattern.quote(name) + "\\b").matcher(body.expression()).find();
  }

  private List<String> expression() {
    Port y = op.outputs().get(0);
    if (!isNumber(y)) {
      throw refused("its output is no number");
    }
    List<String> lines = new ArrayList<>();
    for (String name : body.perChannel()) {
      if (op.inputs().stream().noneMatch(p -> p.name().equals(name))) {
        throw refused("there is no input " + name + "; the inputs are " + op.inputs().stream().map(Port::name).toList());
      }
      lines.add("  if (tenon_given(&args->" + name + ") && (" + y.name() + ".rank < 2 || args->" + name + ".count != " + y.name()
          + ".dims[1])) {");
      lines.add("    tenon_fail(call, TF_INVALID_ARGUMENT, \"" + name + " has %lld elements, expected one for each channel\", (long long) args->"
          + name + ".count);");
      lines.add("    return;");
      lines.add("  }");
    }
    lines.add("  for (int64_t index = 0; index < " + y.name() + ".count; index++) {");
    for (Port p : op.inputs()) {
      if (mentions(p.name())) {
        lines.add("    const " + element(p) + ";");
      }
    }
    for (Parameter a : op.attributes()) {
      if (mentions(a.name()) && (a.kind() == Kind.FLOAT || a.kind() == Kind.INT)) {
        lines.add("    const " + (a.kind() == Kind.FLOAT ? "double " : "int64_t ") + a.name() + " = args->" + a.name() + ";");
      }
    }
    lines.add("    " + store(y, body.expression()) + ";");
    lines.add("  }");
    return lines;
  }

  /** The declaration of an input's element. */
  private String element(Port p) {
    if (!isNumber(p) || p.arity() == Arity.VARIADIC) {
      throw refused("input " + p.name() + " is no number");
    }
    String at = body.perChannel().contains(p.name()) ? "tenon_channel(&" + op.outputs().get(0).name() + ", index)"
        : "tenon_broadcast_index(&args->" + p.name() + ", &" + op.outputs().get(0).name() + ", index)";
    boolean whole = p.dtype() != null && (p.dtype().isInteger() || p.dtype() == DataType.BOOL);
    String value = whole ? "((const " + TypeNames.ofC(p.dtype()) + "*) args->" + p.name() + ".data)[" + at + "]"
        : "tenon_get(&args->" + p.name() + ", " + at + ")";
    String given = p.arity() == Arity.OPTIONAL ? "tenon_given(&args->" + p.name() + ") ? " + value + " : 0" : value;
    return (whole ? "int64_t " : "double ") + p.name() + " = " + given;
  }

  private static String store(Port y, String expression) {
    boolean whole = y.dtype() != null && (y.dtype().isInteger() || y.dtype() == DataType.BOOL);
    return whole ? "((" + TypeNames.ofC(y.dtype()) + "*) " + y.name() + ".data)[index] = (" + TypeNames.ofC(y.dtype()) + ") (" + expression
        + ")"
        : "tenon_set(&" + y.name() + ", index, " + expression + ")";
  }
}
