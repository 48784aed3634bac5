package dev.tenon.benchmarks;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.io.OnnxReader;
import dev.tenon.ir.layout.ChannelsLast;
import dev.tenon.ir.pass.InferredShapes;
import dev.tenon.ir.pass.PassContext;
import dev.tenon.ir.pass.PassManager;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The models that benchmarks run on, and the steps in front of the one that is measured. */
final class Models {
  private Models() {}

  /**
   * A model by name: a file of {@code testmodels/generated} (made on demand) or {@code testmodels/onnx} (committed), without its
   * {@code .onnx}; or a path.
   */
  static Path file(String name) {
    Path root = Path.of(System.getProperty("tenon.root", "."));
    for (String folder : List.of("testmodels/generated", "testmodels/onnx")) {
      Path file = root.resolve(folder).resolve(name + ".onnx");
      if (Files.exists(file)) {
        return file;
      }
    }
    if (Files.exists(Path.of(name))) {
      return Path.of(name);
    }
    throw new IllegalArgumentException("no model " + name + " in testmodels/generated or testmodels/onnx; "
        + "testmodels/README.md says how to make it");
  }

  static Model read(String name) {
    Model model = OnnxReader.read(file(name));
    model.graph().recordOrigins();
    return model;
  }

  /** All steps up to the layout. */
  static InferredShapes prepare(Model model) {
    InferredShapes shapes = new InferredShapes();
    shapes.infer(model, new Diagnostics());
    PassManager.of("default").run(new PassContext(model, new Diagnostics(), shapes));
    shapes.infer(model, new Diagnostics());
    ChannelsLast.run(model);
    shapes.infer(model, new Diagnostics());
    return shapes;
  }

  /** A chain of convolutions, batch norms, activations and residual additions of about this many nodes. */
  static Model synthetic(int nodes) {
    Graph g = new Graph("synthetic");
    Value x = g.addInput("x", Type.tensor(DataType.FLOAT, Shape.of(Dim.symbol("batch"), Dim.of(8), Dim.of(16), Dim.of(16))));
    Value before = x;
    for (int i = 0; g.nodeCount() < nodes; i++) {
      Value w = g.addInitializer("block" + i + ".conv.weight", weight(i, 8, 8, 3, 3));
      Value y = g.newNode("Conv").name("/block" + i + "/conv/Conv").inputs(x, w).attribute(Attribute.ofInts("kernel_shape", 3, 3))
          .attribute(Attribute.ofInts("pads", 1, 1, 1, 1)).output("conv" + i).append().output();
      Value[] bn = new Value[4];
      for (int k = 0; k < 4; k++) {
        bn[k] = g.addInitializer("block" + i + ".bn." + List.of("weight", "bias", "running_mean", "running_var").get(k), weight(i + k, 8));
      }
      y = g.newNode("BatchNormalization").name("/block" + i + "/bn/BatchNormalization").inputs(y, bn[0], bn[1], bn[2], bn[3])
          .output("bn" + i).append().output();
      y = g.newNode("Relu").name("/block" + i + "/relu/Relu").inputs(y).output("relu" + i).append().output();
      x = g.newNode("Add").name("/block" + i + "/Add").inputs(y, i % 4 == 0 ? before : x).output("add" + i).append().output();
      before = i % 4 == 0 ? x : before;
    }
    g.addOutput(x);
    Model model = new Model(g);
    model.opsetImports().put("", 17);
    return model;
  }

  private static Tensor weight(int seed, long... dims) {
    int n = 1;
    for (long d : dims) {
      n *= (int) d;
    }
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = 0.5f + (float) Math.sin(seed * 31 + i) * 0.3f;
    }
    Tensor t = Tensor.of(values, dims);
    return Tensor.source("weight" + seed, DataType.FLOAT, dims, dev.tenon.ir.Storage.of(t.bytes()));
  }
}
