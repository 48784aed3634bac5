package dev.tenon.cli;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.ir.io.OnnxWriter;
import java.nio.file.Path;
import java.util.Random;

/** Models of a few nodes, written to files. */
final class TinyModels {
  private TinyModels() {}

  /** Two convolutions with a ReLU between, batch, height and width dynamic; the parameters are {@code stem.conv.weight} and so on. */
  static Path convolutions(Path file) {
    return convolutions(file, 0);
  }

  /** The same with other numbers in the second convolution. */
  static Path convolutions(Path file, long seed) {
    Graph g = new Graph("tiny");
    Value x = g.addInput("image", Type.tensor(DataType.FLOAT, Shape.of(Dim.symbol("batch"), Dim.of(3), Dim.symbol("height"),
        Dim.symbol("width"))));
    Value a = convolution(g, x, "stem.conv", 5, 3, 0);
    Value b = g.newNode("Relu").inputs(a).name("/stem/Relu").output("relu").append().output();
    Value c = convolution(g, b, "head.conv", 2, 5, seed);
    g.rename(c, "map");
    g.addOutput(c);
    return write(g, file);
  }

  private static Value convolution(Graph g, Value x, String path, int outputs, int inputs, long seed) {
    Value w = g.addInitializer(path + ".weight", random(seed + path.hashCode(), outputs, inputs, 3, 3));
    Value b = g.addInitializer(path + ".bias", random(seed + 1, outputs));
    return g.newNode("Conv").inputs(x, w, b).name("/" + path.replace('.', '/') + "/Conv").attr("pads",
        new long[] {1, 1, 1, 1}).output("conv")
        .append().output();
  }

  /** An operator of a domain nobody knows, twice, beside one that is fine. */
  static Path custom(Path file) {
    Graph g = new Graph("custom");
    Value x = g.addInput("x", Type.tensor(DataType.FLOAT, Shape.of(Dim.symbol("batch"), Dim.of(4))));
    Value y = g.newNode("Blur").domain("com.acme").name("/encoder/blur/Blur").inputs(x).attr("radius", 3)
        .output("y", Type.tensor(DataType.FLOAT, Shape.of(Dim.symbol("batch"), Dim.of(4)))).append().output();
    Value z = g.newNode("Relu").inputs(y).output("z").append().output();
    Value w = g.newNode("Sharpen").domain("com.acme").name("/decoder/Sharpen").inputs(z).outputNamed("w",
        Type.tensor(DataType.FLOAT, Shape.of(Dim.symbol("batch"), Dim.of(4)))).append().output();
    g.addOutput(w);
    Model m = model(g);
    m.opsetImports().put("com.acme", 1);
    OnnxWriter.write(m, file);
    return file;
  }

  /** A convolution, tests::Leak, and a convolution; nothing says what type is between the last two. */
  static Path leakyBetweenConvolutions(Path file) {
    Graph g = new Graph("leaky");
    Value x = g.addInput("image", Type.tensor(DataType.FLOAT, Shape.of(Dim.symbol("batch"), Dim.of(3), Dim.symbol("height"),
        Dim.symbol("width"))));
    Value a = convolution(g, x, "stem.conv", 5, 3, 0);
    Value b = g.newNode("Leak").domain("tests").name("leak").inputs(a).output("leak").append().output();
    Value c = convolution(g, b, "head.conv", 2, 5, 0);
    g.rename(c, "map");
    g.addOutput(c);
    Model m = model(g);
    m.opsetImports().put("tests", 1);
    OnnxWriter.write(m, file);
    return file;
  }

  /** What tests::Leak means: LeakyRelu as TensorFlow has it by default. */
  static Path leaky(Path file) {
    Graph g = new Graph("leak");
    Value x = g.addInput("x", Type.tensor(DataType.FLOAT, Shape.unknown()));
    g.addOutput(g.newNode("LeakyRelu").inputs(x).attr("alpha", 0.2f).outputNamed("y",
        Type.tensor(DataType.FLOAT, Shape.unknown())).append().output());
    return write(g, file);
  }

  /** y = com.microsoft::QuickGelu(x), which ONNX Runtime has and nobody else. */
  static Path quickGelu(Path file) {
    Graph g = new Graph("contrib");
    Type type = Type.tensor(DataType.FLOAT, Shape.of(Dim.symbol("n"), Dim.of(4)));
    Value x = g.addInput("x", type);
    g.addOutput(g.newNode("QuickGelu").domain("com.microsoft").name("gelu").inputs(x).attr("alpha", 1.5f).outputNamed("y",
        type).append().output());
    Model m = model(g);
    m.opsetImports().put("com.microsoft", 1);
    OnnxWriter.write(m, file);
    return file;
  }

  static Tensor random(long seed, long... dims) {
    Random r = new Random(seed);
    int n = 1;
    for (long d : dims) {
      n *= (int) d;
    }
    float[] v = new float[n];
    for (int i = 0; i < n; i++) {
      v[i] = (float) r.nextGaussian();
    }
    return Tensor.of(v, dims);
  }

  private static Path write(Graph g, Path file) {
    OnnxWriter.write(model(g), file);
    return file;
  }

  private static Model model(Graph g) {
    Model m = new Model(g);
    m.opsetImports().put("", 17);
    m.setIrVersion(8);
    m.setProducer("tests", "1");
    return m;
  }
}
