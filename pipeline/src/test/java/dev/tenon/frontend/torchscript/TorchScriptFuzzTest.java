package dev.tenon.frontend.torchscript;

import static org.junit.jupiter.api.Assertions.fail;

import dev.tenon.frontend.ModelSource;
import dev.tenon.frontend.checkpoint.SafetensorsReader;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Shape;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.testing.Fixtures;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Enumeration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Archives whose code is damaged at random are read, with diagnostics, or refused in words; nothing else happens. */
class TorchScriptFuzzTest {
  private static final Path MODULES = Fixtures.root().resolve("testmodels/torchscript");
  private static final int RUNS = 60;
  private static final String[] WORDS = {"-1", "0", "9223372036854775807", "-9223372036854775808", "1e300", "nan", "None", "True", "\"x\"", "[]", "{}", "()",
      "x", "self", "torch.add(x, x)", "torch.size(x)", "ops.prim.NumToTensor(3)", "[x, [x]]", "uninitialized(Tensor)", "torch.relu_(x)", "x[0]"};

  @TempDir
  private Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"branches", "loops", "growing", "containers", "objects", "sizes", "writes", "structures"})
  void damagedCode(String name) throws IOException {
    Map<String, byte[]> entries = entries(MODULES.resolve(name + ".pt"));
    Map<String, Shape> shapes = new LinkedHashMap<>();
    SafetensorsReader.open(MODULES.resolve(name + ".safetensors")).metadata().forEach((input, dims) -> {
      if (!input.isEmpty()) {
        shapes.put(input, Shape.of(Stream.of(dims.split(",")).map(Dim::parse).toList()));
      }
    });
    String main = entries.keySet().stream().filter(e -> e.endsWith("torchscript_networks.py")).findFirst().orElseThrow();
    String code = new String(entries.get(main), StandardCharsets.UTF_8);
    Random random = new Random(name.hashCode());
    for (int run = 0; run < RUNS; run++) {
      String damaged = damaged(code, random);
      entries.put(main, damaged.getBytes(StandardCharsets.UTF_8));
      Path file = Files.write(folder.resolve("m.pt"), archive(entries));
      try {
        TorchScriptFrontend.read(ModelSource.ofFile(file), shapes, new Diagnostics());
      } catch (BadInputException refused) {
        // Refusing is what is wanted.
      } catch (RuntimeException | Error e) {
        fail(name + " " + run + ": " + e + " for\n" + damaged, e);
      }
    }
  }

  /** Replaces an argument, moves a line, or changes a name: mostly code that still parses. */
  private static String damaged(String code, Random random) {
    String[] lines = code.split("\n");
    for (int edits = 1 + random.nextInt(3); edits > 0; edits--) {
      int i = random.nextInt(lines.length);
      switch (random.nextInt(4)) {
        case 0 -> lines[i] = word(lines[i], random, WORDS[random.nextInt(WORDS.length)]);
        case 1 -> lines[i] = word(lines[i], random, word(random, lines[random.nextInt(lines.length)]));
        case 2 -> {
          String other = lines[random.nextInt(lines.length)].strip();
          lines[i] = lines[i].replaceAll("\\S.*", "") + other;
        }
        default -> lines[i] = lines[i].replaceAll("\\S.*", "pass");
      }
    }
    return String.join("\n", lines) + "\n";
  }

  private static String word(Random random, String line) {
    String[] words = line.split("[^\\w.\"]+");
    return words.length == 0 ? "x" : words[random.nextInt(words.length)];
  }

  private static String word(String line, Random random, String replacement) {
    String old = word(random, line);
    int at = old.isEmpty() ? -1 : line.indexOf(old);
    return at < 0 ? line : line.substring(0, at) + replacement + line.substring(at + old.length());
  }

  private static Map<String, byte[]> entries(Path file) throws IOException {
    Map<String, byte[]> entries = new LinkedHashMap<>();
    try (ZipFile zip = new ZipFile(file.toFile())) {
      for (Enumeration<? extends ZipEntry> all = zip.entries(); all.hasMoreElements();) {
        ZipEntry e = all.nextElement();
        entries.put(e.getName(), zip.getInputStream(e).readAllBytes());
      }
    }
    return entries;
  }

  private static byte[] archive(Map<String, byte[]> entries) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      for (Map.Entry<String, byte[]> e : entries.entrySet()) {
        zip.putNextEntry(new ZipEntry(e.getKey()));
        zip.write(e.getValue());
        zip.closeEntry();
      }
    }
    return bytes.toByteArray();
  }
}
