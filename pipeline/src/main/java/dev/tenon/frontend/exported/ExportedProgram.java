package dev.tenon.frontend.exported;

import java.util.Collections;
import java.util.List;
import java.util.Map;

/**
 * What {@code torch.export.save} writes about a model, but for its weights. Source: {@code torch/_export/serde/schema.py} of PyTorch,
 * schema version 8.
 *
 * @param signature what the graph's inputs and outputs are
 * @param ranges the bounds of the symbols
 * @param forwardArguments the parameter names of the model's {@code forward}; empty in files that have none
 * @param inputTree how the arguments of {@code forward} are nested: a tuple of the positional ones and a dictionary of the others;
 *     null if unknown
 * @param outputTree how the results are nested; null if unknown
 * @param namedTuples the field names of the named tuple classes in the trees
 * @param torchVersion the version of PyTorch that wrote the file
 * @param verifiers {@code TRAINING} for the high-level graph, {@code ATEN} for the decomposed one
 */
record ExportedProgram(FxGraph graph, GraphSignature signature, Map<String, Range> ranges, List<String> forwardArguments,
    PytreeSpec inputTree, PytreeSpec outputTree, Map<String, List<String>> namedTuples, String torchVersion, List<String> verifiers) {

  /** The bounds of a symbol, both included; null for none. */
  record Range(Long min, Long max) {}

  ExportedProgram {
    ranges = Collections.unmodifiableMap(ranges);
    forwardArguments = List.copyOf(forwardArguments);
    namedTuples = Collections.unmodifiableMap(namedTuples);
    verifiers = List.copyOf(verifiers);
  }
}
