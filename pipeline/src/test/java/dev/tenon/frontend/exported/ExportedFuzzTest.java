package dev.tenon.frontend.exported;

import static org.junit.jupiter.api.Assertions.fail;

import dev.tenon.frontend.ModelSource;
import dev.tenon.ir.Model;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.diag.UnsupportedModelException;
import dev.tenon.ir.io.OnnxWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Archives damaged at random are read, or refused in words; nothing else happens. */
class ExportedFuzzTest {
  private static final Path PROGRAMS = Path.of("..", "testmodels", "programs");
  private static final int RUNS = 150;
  /** What a damaged number becomes: what readers get wrong. */
  private static final String[] NUMBERS = {"-1", "0", "1", "3", "7", "2147483648", "9223372036854775807", "-9223372036854775808", "1e300", "null",
      "true", "\"x\"", "[]", "{}"};

  @TempDir
  private Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"control", "layouts", "numbers", "state"})
  void programsWithDamagedText(String name) throws Exception {
    Path file = PROGRAMS.resolve(name).resolve("model.pt2");
    Pt2Builder whole = Pt2Builder.of(file);
    byte[] json = whole.entry("model/models/model.json");
    Random random = new Random(name.hashCode());
    for (int i = 0; i < RUNS; i++) {
      byte[] damaged = i % 2 == 0 ? damagedBytes(json, random) : damagedNumber(json, random);
      check(Pt2Builder.of(file).with("model/models/model.json", damaged).bytes(), name + " " + i);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"model.pt2", "model.v28.pt2", "model.v27.pt2"})
  void archivesWithDamagedBytes(String name) throws Exception {
    byte[] whole = Files.readAllBytes(PROGRAMS.resolve("layouts").resolve(name));
    Random random = new Random(name.hashCode());
    for (int i = 0; i < RUNS; i++) {
      check(damagedBytes(whole, random), name + " " + i);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = 5)
  void weightsConfigurationsWithDamagedNumbers(int seed) throws Exception {
    Path file = PROGRAMS.resolve("layouts").resolve("model.pt2");
    String entry = "model/data/weights/model_weights_config.json";
    Random random = new Random(seed);
    for (int i = 0; i < RUNS; i++) {
      check(Pt2Builder.of(file).with(entry, damagedNumber(Pt2Builder.of(file).entry(entry), random)).bytes(), "config " + i);
    }
  }

  private static byte[] damagedBytes(byte[] whole, Random random) {
    byte[] b = whole.clone();
    int count = 1 + random.nextInt(4);
    for (int i = 0; i < count; i++) {
      int at = random.nextInt(b.length);
      switch (random.nextInt(4)) {
        case 0 -> b[at] = (byte) random.nextInt(256);
        case 1 -> b[at] ^= (byte) (1 << random.nextInt(8));
        case 2 -> {
          // A piece from elsewhere.
          int length = Math.min(1 + random.nextInt(40), b.length - at);
          System.arraycopy(whole, random.nextInt(b.length - length + 1), b, at, length);
        }
        default -> b = random.nextInt(8) == 0 ? java.util.Arrays.copyOf(b, Math.max(1, at)) : b;
      }
    }
    return b;
  }

  private static byte[] damagedNumber(byte[] json, Random random) {
    String text = new String(json, StandardCharsets.UTF_8);
    int at = random.nextInt(text.length());
    while (at < text.length() && !Character.isDigit(text.charAt(at))) {
      at++;
    }
    int end = at;
    while (end < text.length() && Character.isDigit(text.charAt(end))) {
      end++;
    }
    return (text.substring(0, at) + NUMBERS[random.nextInt(NUMBERS.length)] + text.substring(end)).getBytes(StandardCharsets.UTF_8);
  }

  private void check(byte[] archive, String what) throws Exception {
    Path file = Files.write(folder.resolve("damaged.pt2"), archive);
    try {
      Diagnostics diagnostics = new Diagnostics();
      Model model = ExportedFrontend.read(ModelSource.ofFile(file), Map.of(), diagnostics);
      if (!diagnostics.hasErrors()) {
        OnnxWriter.toBytes(model);
      }
    } catch (BadInputException | UnsupportedModelException e) {
      if (e.getMessage().lines().count() > 1 || e.getMessage().length() > 2_000) {
        fail(what + ": a message of many lines: " + e.getMessage());
      }
    } catch (RuntimeException | Error e) {
      throw new AssertionError(what + ": " + e, e);
    }
  }
}
