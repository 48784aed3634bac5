package dev.tenon.verify.reference;

import dev.tenon.frontend.Frontends;
import dev.tenon.frontend.ModelSource;
import dev.tenon.frontend.ReadOptions;
import dev.tenon.frontend.aten.Aten;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.LoweringException;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchList;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchTensor;
import dev.tenon.frontend.aten.TorchTuple;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.Diagnostic;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.ort.OrtModel;
import dev.tenon.verify.reference.ScriptArchive.Method;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A bench for lowerings: runs calls of PyTorch's operators in libtorch, from a TorchScript archive written for the purpose, and in
 * ONNX Runtime, from the ONNX model that the lowerings make of the same calls.
 */
final class LibtorchOps {
  private LibtorchOps() {}

  /** A case in libtorch. */
  static List<Tensor> expected(OpCase c, Path folder) throws IOException {
    Path archive = archive(c, folder);
    try (LibtorchReference libtorch = LibtorchReference.open(archive,
        LibtorchReference.Options.ofTensors(c.inputs().stream().map(OpCase.Input::name).toList(), List.of()), line -> { })) {
      return List.copyOf(libtorch.run(values(c)).values());
    }
  }

  private static Path archive(OpCase c, Path folder) throws IOException {
    Path archive = folder.resolve("op.pt");
    try (OutputStream out = Files.newOutputStream(archive)) {
      ScriptArchive.write(out, List.of(Method.forward(c.inputs().stream().map(i -> i.name() + ": Tensor").toList(), c.returns(),
          c.torchScript())));
    }
    return archive;
  }

  /** Reads the archive that libtorch runs with the reader of TorchScript; the inputs have the shapes of the case. */
  static Lowered read(OpCase c, Path folder) throws IOException {
    Map<String, Shape> shapes = new LinkedHashMap<>();
    c.inputs().forEach(i -> shapes.put(i.name(), i.value().shape()));
    Diagnostics diagnostics = new Diagnostics();
    Model model = Frontends.read(ModelSource.ofFile(archive(c, folder)), new ReadOptions(shapes), diagnostics);
    return new Lowered(model, diagnostics.errors().stream().map(Diagnostic::message).toList());
  }

  private static Map<String, Tensor> values(OpCase c) {
    Map<String, Tensor> values = new LinkedHashMap<>();
    c.inputs().forEach(i -> values.put(i.name(), i.value()));
    return values;
  }

  /** A case lowered to ONNX, or why it cannot be. */
  record Lowered(Model model, List<String> problems) {}

  /**
   * Lowers a case.
   *
   * @param open whether the dimensions of inputs, but for parameters, are unknown
   */
  static Lowered lower(OpCase c, boolean open) {
    Model model = new Model(new Graph("op"));
    Diagnostics diagnostics = new Diagnostics();
    Aten aten = new Aten(new Onnx(model), AtenOps.standard(), diagnostics);
    Map<String, TorchValue> variables = new LinkedHashMap<>();
    for (OpCase.Input i : c.inputs()) {
      Value v;
      if (i.parameter()) {
        v = model.graph().addInitializer(i.name(), i.value());
      } else {
        List<Dim> dims = new ArrayList<>();
        for (int axis = 0; axis < i.value().rank(); axis++) {
          dims.add(open ? Dim.symbol(i.name() + axis) : Dim.of(i.value().dim(axis)));
        }
        v = model.graph().addInput(i.name(), Type.tensor(i.value().dtype(), Shape.of(dims)));
        aten.onnx().inference().visitInput(v);
      }
      variables.put(i.name(), TorchTensor.of(v));
    }
    List<String> problems = new ArrayList<>();
    List<Value> flat = new ArrayList<>();
    try {
      flatten(new CallText(aten, variables).run(c.statements()), aten.onnx(), flat);
    } catch (LoweringException e) {
      problems.add(e.getMessage());
    }
    diagnostics.errors().stream().map(Diagnostic::message).forEach(problems::add);
    if (problems.isEmpty()) {
      flat.forEach(v -> model.graph().addOutput(aten.onnx().op("Identity", v)));
      model.graph().forEachNode(n -> {
        if (!n.domain().isEmpty() && !n.domain().startsWith("dev.tenon")) {
          problems.add(n.qualifiedOp() + " has no ONNX form");
        }
      });
    }
    return new Lowered(model, problems);
  }

  private static void flatten(TorchValue v, Onnx onnx, List<Value> flat) {
    if (v instanceof TorchTensor t) {
      flat.add(t.value());
    } else if (v instanceof TorchList l) {
      l.elements().forEach(e -> flatten(e, onnx, flat));
    } else if (v instanceof TorchTuple t) {
      t.elements().forEach(e -> flatten(e, onnx, flat));
    } else if (v instanceof TorchScalar s) {
      flat.add(s.scalar(onnx));
    }
  }

  /** A lowered case in ONNX Runtime. */
  static List<Tensor> run(OpCase c, Model model) {
    Map<String, Tensor> values = values(c);
    values.keySet().retainAll(model.graph().inputs().stream().map(Value::name).toList());
    try (OrtModel ort = OrtModel.open(model, OrtModel.Options.reference())) {
      Map<String, Tensor> results = ort.run(values);
      return model.graph().outputs().stream().map(v -> results.get(v.name())).toList();
    }
  }
}
