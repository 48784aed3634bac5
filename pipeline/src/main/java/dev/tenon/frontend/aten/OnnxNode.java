package dev.tenon.frontend.aten;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A node about to be added: {@code o.node("Conv").in(x, w, b).attr("group", 4).out()}. Nothing happens before {@link #out} or
 * {@link #outs}.
 */
public final class OnnxNode {
  private final Onnx onnx;
  private final String opType;
  private final List<Value> inputs = new ArrayList<>();
  private final List<Attribute> attributes = new ArrayList<>();
  private final List<Type> hints = new ArrayList<>();
  private String domain = "";
  private String overload = "";

  OnnxNode(Onnx onnx, String opType) {
    this.onnx = onnx;
    this.opType = opType;
  }

  /** Adds inputs; null for an optional one that is left out. */
  public OnnxNode in(Value... values) {
    inputs.addAll(Arrays.asList(values));
    return this;
  }

  public OnnxNode in(List<Value> values) {
    inputs.addAll(values);
    return this;
  }

  public OnnxNode domain(String d) {
    this.domain = d;
    return this;
  }

  public OnnxNode overload(String o) {
    this.overload = o;
    return this;
  }

  public OnnxNode attr(String name, long value) {
    return attr(Attribute.ofInt(name, value));
  }

  public OnnxNode attr(String name, boolean value) {
    return attr(name, value ? 1L : 0L);
  }

  public OnnxNode attr(String name, long[] values) {
    return attr(Attribute.ofInts(name, values));
  }

  public OnnxNode attr(String name, double value) {
    return attr(Attribute.ofFloat(name, (float) value));
  }

  public OnnxNode attr(String name, String value) {
    return attr(Attribute.ofString(name, value));
  }

  public OnnxNode attr(String name, DataType type) {
    return attr(name, (long) type.number());
  }

  public OnnxNode attr(String name, Graph body) {
    return attr(Attribute.ofGraph(name, body));
  }

  public OnnxNode attr(Attribute a) {
    attributes.add(a);
    return this;
  }

  /** What is known of the next output's type; null if nothing. */
  public OnnxNode hint(Type type) {
    hints.add(type);
    return this;
  }

  /** Adds the node, with one output. */
  public Value out() {
    return outs(1).get(0);
  }

  /** Adds the node, with several outputs. */
  public List<Value> outs(int count) {
    // Trailing inputs that are left out are not written.
    while (!inputs.isEmpty() && inputs.get(inputs.size() - 1) == null) {
      inputs.remove(inputs.size() - 1);
    }
    return onnx.append(opType, domain, overload, inputs, attributes, hints, count);
  }
}
