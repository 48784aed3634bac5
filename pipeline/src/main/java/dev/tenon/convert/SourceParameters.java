package dev.tenon.convert;

import dev.tenon.convert.ConversionRecord.Parameter;
import dev.tenon.convert.ConversionRecord.Use;
import dev.tenon.frontend.ModelSource;
import dev.tenon.frontend.SourceFormat;
import dev.tenon.frontend.checkpoint.Checkpoint;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Recipe;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.tf.Conversion;
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
  /** By name, in the source's order. */
  private final Map<String, Tensor> tensors;
  /** The names in the source's state_dict; null if the source has none. */
  private final Set<String> stateDict;

  private SourceParameters(Map<String, Tensor> tensors, Set<String> stateDict) {
    this.tensors = tensors;
    this.stateDict = stateDict;
  }

  /**
   * All parameters of a source: what its graph as read has, and what its state_dict has besides: counters, second names of tied
   * weights, layers that no output depends on.
   */
  static SourceParameters of(Graph graph, ModelSource source) {
    Map<String, Tensor> ofGraph = of(graph);
    if (!SourceFormat.of(source).isPyTorch()) {
      return new SourceParameters(ofGraph, null);
    }
    Map<String, Tensor> all;
    try (Checkpoint checkpoint = Checkpoint.open(source.file())) {
      all = new LinkedHashMap<>(checkpoint.tensors());
    } catch (BadInputException e) {
      // The model could be read without it.
      return new SourceParameters(ofGraph, null);
    }
    Set<String> stateDict = Set.copyOf(all.keySet());
    all.putAll(ofGraph);
    return new SourceParameters(all, stateDict);
  }

  /** The parameters of a graph as read, by name in its order. */
  public static Map<String, Tensor> of(Graph graph) {
    Map<String, Tensor> found = new LinkedHashMap<>();
    for (Value v : graph.initializers()) {
      if (v.constant() != null) {
        collect(v.constant(), found);
      }
    }
    return found;
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
  List<Parameter> records(Conversion conversion) throws IOException {
    Set<String> inVariables = new LinkedHashSet<>();
    for (Variable v : conversion.variables()) {
      inVariables.addAll(v.tensor().recipe().sources());
    }
    List<Parameter> records = new ArrayList<>();
    for (Map.Entry<String, Tensor> e : tensors.entrySet()) {
      String name = e.getKey();
      Tensor t = e.getValue();
      boolean large = t.dtype().isFloat() && t.numel() > 1;
      boolean parameter = stateDict != null ? stateDict.contains(name) : VariableNames.isModuleName(name) && (name.contains(".") || large);
      boolean variable = inVariables.contains(name);
      boolean constant = conversion.constantSources().contains(name) && (parameter || large);
      if (!variable && !constant && !parameter) {
        continue;
      }
      Use use = variable && constant ? Use.BOTH : variable ? Use.VARIABLE : constant ? Use.CONSTANT : Use.NONE;
      records.add(new Parameter(name, t.dtype().label(), Arrays.stream(t.dims()).boxed().toList(), use, constant ? sha256(t) : "",
          use == Use.NONE ? twin(t, inVariables) : "", stateDict == null || stateDict.contains(name)));
    }
    return records;
  }

  /** The parameter in use that an unused one equals, as the second name of a tied weight does. */
  private String twin(Tensor t, Set<String> inVariables) {
    // Zeros and ones are alike without being tied.
    if (!t.dtype().isFloat() || t.numel() < 2 || uniform(t)) {
      return "";
    }
    for (String name : inVariables) {
      if (tensors.containsKey(name) && tensors.get(name).contentEquals(t)) {
        return name;
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
