package dev.tenon.frontend.exported;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/** Makes archives of torch.export, whole ones and damaged ones. */
final class Pt2Builder {
  static final String PROGRAM = "net/models/model.json";
  static final String WEIGHTS_CONFIG = "net/data/weights/model_weights_config.json";

  private final Map<String, byte[]> entries = new LinkedHashMap<>();

  /** An archive of one relu, without weights. */
  static Pt2Builder small() {
    return new Pt2Builder().with("net/archive_format", "pt2").with("net/archive_version", "0").with("net/byteorder", "little")
        .with(PROGRAM, ProgramJson.small());
  }

  /** An archive of {@code x @ w} with one parameter of shape [4, 2]. */
  static Pt2Builder withWeight() {
    String mm = ProgramJson.node("mm", "torch.ops.aten.mm.default",
        ProgramJson.input("self", ProgramJson.X) + ", " + ProgramJson.input("mat2", ProgramJson.tensor("p_w")), ProgramJson.tensor("mm"));
    String graph = ProgramJson.graph(mm, "mm").replaceFirst("\"inputs\": \\[", "\"inputs\": [" + ProgramJson.tensor("p_w") + ", ");
    String signature = ProgramJson.signature("mm").replaceFirst("\\[",
        "[{\"parameter\": {\"arg\": {\"name\": \"p_w\"}, \"parameter_name\": \"fc.w\"}}, ");
    return small().with(PROGRAM, ProgramJson.program(graph, signature)).with("net/data/weights/weight_0", new byte[32])
        .with(WEIGHTS_CONFIG, config("4", "2", "2", "1", "0"));
  }

  /** The description of one float32 matrix. */
  static String config(String rows, String columns, String rowStride, String columnStride, String offset) {
    return "{\"config\": {\"fc.w\": {\"path_name\": \"weight_0\", \"is_param\": true, \"use_pickle\": false, \"tensor_meta\": {\"dtype\": 7, "
        + "\"sizes\": [{\"as_int\": " + rows + "}, {\"as_int\": " + columns + "}], \"requires_grad\": true, \"device\": {\"type\": \"cpu\", "
        + "\"index\": null}, \"strides\": [{\"as_int\": " + rowStride + "}, {\"as_int\": " + columnStride + "}], \"storage_offset\": {\"as_int\": "
        + offset + "}, \"layout\": 7}}}}";
  }

  /** All entries of an archive. */
  static Pt2Builder of(Path file) {
    Pt2Builder b = new Pt2Builder();
    try (ZipFile zip = new ZipFile(file.toFile())) {
      for (ZipEntry e : (Iterable<ZipEntry>) zip.stream().map(x -> (ZipEntry) x)::iterator) {
        b.with(e.getName(), zip.getInputStream(e).readAllBytes());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return b;
  }

  Pt2Builder with(String name, byte[] bytes) {
    entries.put(name, bytes);
    return this;
  }

  Pt2Builder with(String name, String text) {
    return with(name, text.getBytes(StandardCharsets.UTF_8));
  }

  Pt2Builder without(String name) {
    entries.remove(name);
    return this;
  }

  byte[] entry(String name) {
    return entries.get(name);
  }

  String text(String name) {
    return new String(entry(name), StandardCharsets.UTF_8);
  }

  byte[] bytes() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(out)) {
      for (Map.Entry<String, byte[]> e : entries.entrySet()) {
        ZipEntry z = new ZipEntry(e.getKey());
        z.setTime(0);
        z.setMethod(ZipEntry.STORED);
        z.setSize(e.getValue().length);
        CRC32 crc = new CRC32();
        crc.update(e.getValue());
        z.setCrc(crc.getValue());
        zip.putNextEntry(z);
        zip.write(e.getValue());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }

  Path write(Path file) {
    try {
      return Files.write(file, bytes());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
