package dev.tenon.ir;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** A whole ONNX model: a graph, the opsets it is written in, and the functions local to it. */
public final class Model {
  /** The newest IR version that we write. */
  public static final int MAX_IR_VERSION = 14;
  /** The newest opset of ONNX's own domain that we know. */
  public static final int MAX_OPSET = 28;

  private final Graph graph;
  private final Map<String, Integer> opsetImports = new LinkedHashMap<>();
  private final Map<Function.Id, Function> functions = new LinkedHashMap<>();
  private final Map<String, String> metadata = new LinkedHashMap<>();
  private long irVersion = 10;
  private String producerName = "";
  private String producerVersion = "";
  private String domain = "";
  private long modelVersion;
  private String docString = "";
  private Path source;

  public Model(Graph graph) {
    this.graph = graph;
  }

  public Graph graph() {
    return graph;
  }

  /** Domain (empty for ONNX's own) to opset version; mutable. */
  public Map<String, Integer> opsetImports() {
    return opsetImports;
  }

  /** The opset of ONNX's own domain; 1 if the model imports none. */
  public int opset() {
    return opset(Node.ONNX_DOMAIN);
  }

  public int opset(String ofDomain) {
    return opsetImports.getOrDefault(ofDomain.equals("ai.onnx") ? "" : ofDomain, 1);
  }

  /** The model-local functions; mutable. */
  public Map<Function.Id, Function> functions() {
    return functions;
  }

  public void addFunction(Function f) {
    functions.put(f.id(), f);
  }

  /** The {@code metadata_props}; mutable. */
  public Map<String, String> metadata() {
    return metadata;
  }

  public long irVersion() {
    return irVersion;
  }

  public void setIrVersion(long irVersion) {
    this.irVersion = irVersion;
  }

  public String producerName() {
    return producerName;
  }

  public String producerVersion() {
    return producerVersion;
  }

  public void setProducer(String name, String version) {
    this.producerName = name;
    this.producerVersion = version;
  }

  public String domain() {
    return domain;
  }

  public void setDomain(String domain) {
    this.domain = domain;
  }

  public long modelVersion() {
    return modelVersion;
  }

  public void setModelVersion(long modelVersion) {
    this.modelVersion = modelVersion;
  }

  public String docString() {
    return docString;
  }

  public void setDocString(String docString) {
    this.docString = docString;
  }

  /** The file this was read from, or null. */
  public Path source() {
    return source;
  }

  public void setSource(Path source) {
    this.source = source;
  }
}
