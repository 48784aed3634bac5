package dev.tenon.ir.io;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.Function;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.diag.Diagnostic;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.diag.Severity;
import dev.tenon.ir.proto.AttributeProto;
import dev.tenon.ir.proto.FunctionProto;
import dev.tenon.ir.proto.GraphProto;
import dev.tenon.ir.proto.ModelProto;
import dev.tenon.ir.proto.NodeProto;
import dev.tenon.ir.proto.OperatorSetIdProto;
import dev.tenon.ir.proto.StringStringEntryProto;
import dev.tenon.ir.proto.ValueInfoProto;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Builds the {@link Model} of a parsed {@code ModelProto}: versions, opsets, functions, and what is not read with a note of it. */
final class ModelReader {
  /** The first IR version in which a model names its opsets. */
  private static final int IR_WITH_OPSETS = 3;

  private final Object file;
  private final Diagnostics diagnostics;
  private final GraphReader graphs;

  ModelReader(Object file, ExternalData external, Diagnostics diagnostics) {
    this.file = file;
    this.diagnostics = diagnostics;
    this.graphs = new GraphReader(file, external, this::note);
  }

  Model read(ModelProto p) {
    if (p.getIrVersion() < 1 || p.getIrVersion() > Model.MAX_IR_VERSION) {
      throw bad("ir_version", p.hasIrVersion() ? Long.toString(p.getIrVersion()) : "none", "1 to " + Model.MAX_IR_VERSION);
    }
    if (!p.hasGraph()) {
      throw bad("", "no graph", "a model with a graph");
    }
    Map<String, Integer> opsets = opsets(p.getOpsetImportList(), "opset_import");
    if (p.getIrVersion() < IR_WITH_OPSETS && opsets.isEmpty()) {
      opsets.put(Node.ONNX_DOMAIN, 1);
    }
    graphs.begin(p.getIrVersion(), sourceNames(p));
    Graph graph = graphs.readMain(p.getGraph());
    Model model = new Model(graph);
    model.opsetImports().putAll(opsets);
    model.setIrVersion(p.getIrVersion());
    model.setProducer(p.getProducerName(), p.getProducerVersion());
    model.setDomain(p.getDomain());
    model.setModelVersion(p.getModelVersion());
    model.setDocString(p.getDocString());
    for (StringStringEntryProto e : p.getMetadataPropsList()) {
      model.metadata().put(e.getKey(), e.getValue());
    }
    for (FunctionProto f : p.getFunctionsList()) {
      Function function = readFunction(f);
      if (model.functions().containsKey(function.id())) {
        throw bad("functions", "the function " + label(function.id()) + " twice", "it once");
      }
      model.addFunction(function);
    }
    requireOpsets(graph, model.opsetImports(), model.functions(), "opset_import");
    for (Function f : model.functions().values()) {
      requireOpsets(f.body(), f.opsetImports(), model.functions(), "function " + label(f.id()));
    }
    requireNoRecursion(model);
    if (p.getTrainingInfoCount() > 0) {
      note("training-info-ignored", "training_info is not read");
    }
    if (p.getConfigurationCount() > 0) {
      note("device-configuration-ignored", "device configurations are not read");
    }
    return model;
  }

  // ---- opsets ----

  private Map<String, Integer> opsets(List<OperatorSetIdProto> imports, String place) {
    Map<String, Integer> opsets = new LinkedHashMap<>();
    for (OperatorSetIdProto o : imports) {
      String domain = GraphReader.domain(o.getDomain());
      long max = domain.isEmpty() ? Model.MAX_OPSET : Integer.MAX_VALUE;
      if (o.getVersion() < 1 || o.getVersion() > max) {
        throw bad(place, "opset " + o.getVersion() + " of domain '" + Quote.of(domain) + "'", "an opset from 1 to " + max);
      }
      Integer before = opsets.putIfAbsent(domain, (int) o.getVersion());
      if (before != null && before != o.getVersion()) {
        throw bad(place, "both opset " + before + " and " + o.getVersion() + " of domain '" + Quote.of(domain) + "'", "one of them");
      }
    }
    return opsets;
  }

  /** ONNX's own operators need a version to have a meaning; other domains are taken to be at 1. */
  private void requireOpsets(Graph g, Map<String, Integer> opsets, Map<Function.Id, Function> functions, String place) {
    g.forEachNode(n -> {
      if (!opsets.containsKey(n.domain())) {
        if (n.domain().isEmpty() && !functions.containsKey(Function.Id.of(n))) {
          throw bad(place, "no opset of ONNX's own domain, which node " + Quote.of(n.label()) + " needs", "an opset from 1 to " + Model.MAX_OPSET);
        }
        opsets.put(n.domain(), 1);
      }
    });
  }

  // ---- functions ----

  private Function readFunction(FunctionProto p) {
    String place = "function " + Quote.of(p.getName());
    if (p.getName().isEmpty()) {
      throw bad("functions", "a function without a name", "a name");
    }
    Map<String, Attribute> defaults = new LinkedHashMap<>();
    for (AttributeProto a : p.getAttributeProtoList()) {
      if (a.getName().isEmpty() || defaults.put(a.getName(), graphs.readDefault(a, place)) != null) {
        throw bad(place, "the attribute '" + Quote.of(a.getName()) + "' twice or without a name", "it once");
      }
    }
    Map<String, Integer> opsets = opsets(p.getOpsetImportList(), place);
    // A body is a graph whose inputs and outputs have names only.
    GraphProto.Builder body = GraphProto.newBuilder().setName(p.getName()).addAllNode(p.getNodeList())
        .addAllValueInfo(p.getValueInfoList()).addAllMetadataProps(p.getMetadataPropsList());
    p.getInputList().forEach(i -> body.addInput(ValueInfoProto.newBuilder().setName(i)));
    p.getOutputList().forEach(o -> body.addOutput(ValueInfoProto.newBuilder().setName(o)));
    Graph graph = graphs.readBody(body.build(), place);
    return new Function(p.getDomain(), p.getName(), p.getOverload(), p.getAttributeList(), defaults, opsets, graph, p.getDocString());
  }

  private static String label(Function.Id id) {
    return Quote.of((id.domain().isEmpty() ? "" : id.domain() + "::") + id.name() + (id.overload().isEmpty() ? "" : ":" + id.overload()));
  }

  private enum Mark {
    OPEN, DONE
  }

  /** A function that calls itself, directly or not, has no expansion. */
  private void requireNoRecursion(Model model) {
    Map<Function.Id, List<Function.Id>> calls = new HashMap<>();
    for (Function f : model.functions().values()) {
      List<Function.Id> called = new ArrayList<>();
      f.body().forEachNode(n -> {
        if (model.functions().containsKey(Function.Id.of(n))) {
          called.add(Function.Id.of(n));
        }
      });
      calls.put(f.id(), called);
    }
    // Depth first with a stack of our own: a hostile chain of calls may be long.
    Map<Function.Id, Mark> marks = new HashMap<>();
    for (Function.Id root : model.functions().keySet()) {
      List<Function.Id> stack = new ArrayList<>(List.of(root));
      while (!stack.isEmpty()) {
        Function.Id at = stack.get(stack.size() - 1);
        if (marks.putIfAbsent(at, Mark.OPEN) == null) {
          for (Function.Id next : calls.get(at)) {
            if (marks.get(next) == Mark.OPEN) {
              throw bad("function " + label(at), "a call of " + label(next) + " that comes round to it again", "functions without recursion");
            } else if (marks.get(next) == null) {
              stack.add(next);
            }
          }
        } else {
          marks.put(at, Mark.DONE);
          stack.remove(stack.size() - 1);
        }
      }
    }
  }

  // ---- the rest ----

  /** The names of all nodes of the file, so that the names made for nameless ones can be different. */
  private static Set<String> sourceNames(ModelProto p) {
    Set<String> names = new HashSet<>();
    collectNames(p.getGraph().getNodeList(), names);
    p.getFunctionsList().forEach(f -> collectNames(f.getNodeList(), names));
    return names;
  }

  private static void collectNames(List<NodeProto> nodes, Set<String> names) {
    for (NodeProto n : nodes) {
      names.add(n.getName());
      for (AttributeProto a : n.getAttributeList()) {
        collectNames(a.getG().getNodeList(), names);
        a.getGraphsList().forEach(g -> collectNames(g.getNodeList(), names));
      }
    }
  }

  private void note(String code, String message) {
    diagnostics.add(new Diagnostic(Severity.INFO, code, "", "", message, ""));
  }

  private BadInputException bad(String place, String found, String expected) {
    return BadInputException.of(file, place, found, expected);
  }
}
