package dev.tenon.convert;

import dev.tenon.convert.ConversionRecord.Parameter;
import dev.tenon.convert.ConversionRecord.Use;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Recipe;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.tf.Variable;
import dev.tenon.tf.VariableNames;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The parameters and buffers of a source, and what a conversion made of each. */
public final class SourceParameters {
  private SourceParameters() {}

  /** All parameters that a graph as read has, in its order. */
  public static List<Tensor> of(Graph graph) {
    Map<String, Tensor> found = new LinkedHashMap<>();
    for (Value v : graph.initializers()) {
      if (v.constant() != null) {
        collect(v.constant(), found);
      }
    }
    return List.copyOf(found.values());
  }

  private static void collect(Tensor t, Map<String, Tensor> found) {
    if (t.recipe() instanceof Recipe.Source s) {
      found.putIfAbsent(s.name(), t);
    }
    t.recipe().inputs().forEach(i -> collect(i, found));
  }

  /**
   * The record of each parameter: what variables are made of, and what has the name of a module's parameter. What exporters write out
   * as tensors only because they have no other place for it (a shape, an axis) is left out.
   */
  static List<Parameter> records(Compilation c) throws IOException {
    Set<String> inVariables = new LinkedHashSet<>();
    for (Variable v : c.conversion().variables()) {
      inVariables.addAll(v.tensor().recipe().sources());
    }
    Set<String> inGraph = c.conversion().constantSources();
    List<Parameter> records = new ArrayList<>();
    for (Tensor t : c.parameters()) {
      String name = t.recipe().toString();
      boolean parameter = VariableNames.isModuleName(name) && (name.contains(".") || t.dtype().isFloat() && t.numel() > 1);
      boolean variable = inVariables.contains(name);
      boolean constant = inGraph.contains(name) && (parameter || t.dtype().isFloat() && t.numel() > 1);
      if (!variable && !constant && !parameter) {
        continue;
      }
      Use use = variable && constant ? Use.BOTH : variable ? Use.VARIABLE : constant ? Use.CONSTANT : Use.NONE;
      records.add(new Parameter(name, t.dtype().label(), Arrays.stream(t.dims()).boxed().toList(), use, constant ? sha256(t) : "",
          use == Use.NONE ? twin(t, c.parameters(), inVariables) : ""));
    }
    return records;
  }

  /** The parameter in use that an unused one equals, as the second name of a tied weight does. */
  private static String twin(Tensor t, List<Tensor> all, Set<String> inVariables) {
    // Zeros and ones are alike without being tied.
    if (!t.dtype().isFloat() || t.numel() < 2 || uniform(t)) {
      return "";
    }
    for (Tensor other : all) {
      if (other != t && inVariables.contains(other.recipe().toString()) && other.contentEquals(t)) {
        return other.recipe().toString();
      }
    }
    return "";
  }

  private static boolean uniform(Tensor t) {
    ByteBuffer bytes = t.bytes();
    int size = t.dtype().bits() / 8;
    return bytes.slice(size, bytes.remaining() - size).equals(bytes.slice(0, bytes.remaining() - size));
  }

  /** The digest of a tensor's elements, little-endian and row-major, in hexadecimal; streamed. */
  public static String sha256(Tensor t) throws IOException {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
    t.writeTo(new WritableByteChannel() {
      @Override
      public int write(ByteBuffer bytes) {
        int count = bytes.remaining();
        digest.update(bytes);
        return count;
      }

      @Override
      public boolean isOpen() {
        return true;
      }

      @Override
      public void close() {
        // Nothing to close.
      }
    });
    return HexFormat.of().formatHex(digest.digest());
  }
}
