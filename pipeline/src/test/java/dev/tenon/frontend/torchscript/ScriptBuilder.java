package dev.tenon.frontend.torchscript;

import dev.tenon.frontend.ModelSource;
import dev.tenon.frontend.pickle.PickleBuilder;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Model;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.ort.OrtModel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** Writes an archive of TorchScript with one class, {@code __torch__.M}, reads it and runs what comes of it. */
final class ScriptBuilder {
  private final Path file;
  private final Map<String, String> code = new LinkedHashMap<>();
  private final Map<String, Shape> shapes = new LinkedHashMap<>();
  private final PickleBuilder attributes = PickleBuilder.start().global("__torch__", "M").ops(")").raw(0x81).ops("}(");
  private final Map<String, float[]> storages = new LinkedHashMap<>();
  private String version = "3";
  final Diagnostics diagnostics = new Diagnostics();

  /** An archive in this folder. */
  ScriptBuilder(Path folder) {
    this.file = folder.resolve("m.pt");
  }

  /** The class, with {@code forward}'s parameters and the lines of its body. */
  ScriptBuilder forward(String parameters, String... body) {
    return code("__torch__", "class M(Module):\n  __parameters__ = []\n  __buffers__ = []\n  training : bool\n  def forward(self: __torch__.M"
        + (parameters.isEmpty() ? "" : ",\n    " + parameters) + ") -> Tensor:\n    " + String.join("\n    ", body) + "\n");
  }

  /** More code, in the file of this module; what is there already stays before it. */
  ScriptBuilder code(String module, String text) {
    code.merge("code/" + module.replace('.', '/') + ".py", text, (a, b) -> a + b);
    return this;
  }

  ScriptBuilder version(String v) {
    this.version = v;
    return this;
  }

  ScriptBuilder input(String name, String dims) {
    shapes.put(name, dims.isEmpty() ? Shape.SCALAR : Shape.of(Stream.of(dims.split(",")).map(Dim::parse).toList()));
    return this;
  }

  /** An attribute that is a vector; the same key is the same storage. */
  ScriptBuilder vector(String name, String key, float... values) {
    storages.put(key, values);
    attributes.text(name).tensor(key, values.length, 0, new long[] {values.length}, new long[] {1});
    return this;
  }

  /** An attribute given by the opcodes that make it. */
  ScriptBuilder attribute(String name, Consumer<PickleBuilder> value) {
    attributes.text(name);
    value.accept(attributes);
    return this;
  }

  Path write() {
    byte[] data = attributes.text("training").raw(0x89).ops("ub").stop();
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
      put(zip, "data.pkl", data);
      for (Map.Entry<String, String> e : code.entrySet()) {
        put(zip, e.getKey(), e.getValue().getBytes(StandardCharsets.UTF_8));
      }
      for (Map.Entry<String, float[]> e : storages.entrySet()) {
        ByteBuffer b = ByteBuffer.allocate(4 * e.getValue().length).order(ByteOrder.LITTLE_ENDIAN);
        b.asFloatBuffer().put(e.getValue());
        put(zip, "data/" + e.getKey(), b.array());
      }
      put(zip, "constants.pkl", new byte[] {(byte) 0x80, 2, ')', '.'});
      put(zip, "version", version.getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return file;
  }

  private static void put(ZipOutputStream zip, String name, byte[] bytes) throws IOException {
    zip.putNextEntry(new ZipEntry("m/" + name));
    zip.write(bytes);
    zip.closeEntry();
  }

  Model read() {
    return TorchScriptFrontend.read(ModelSource.ofFile(write()), shapes, diagnostics);
  }

  /** The outputs for these inputs, in order. */
  List<Tensor> run(Tensor... inputs) {
    Model model = read();
    if (diagnostics.hasErrors()) {
      throw new AssertionError(diagnostics.errors().toString());
    }
    Map<String, Tensor> feeds = new LinkedHashMap<>();
    for (int i = 0; i < inputs.length; i++) {
      feeds.put(model.graph().inputs().get(i).name(), inputs[i]);
    }
    try (OrtModel ort = OrtModel.open(model, OrtModel.Options.reference())) {
      Map<String, Tensor> results = ort.run(feeds);
      return model.graph().outputs().stream().map(o -> results.get(o.name())).toList();
    }
  }
}
