package dev.tenon.frontend.checkpoint;

import static dev.tenon.frontend.archive.BadInputs.assertOneLine;
import static dev.tenon.frontend.checkpoint.CheckpointTest.fixture;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.frontend.archive.TorchArchive;
import dev.tenon.frontend.pickle.TorchPickle;
import dev.tenon.ir.Storage;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.diag.BadInputException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Damaged checkpoints are read or refused in one line; nothing else comes out, soon, and without asking for memory. */
class ReaderFuzzTest {
  private static final int FILE_MUTATIONS = 400;
  private static final int PICKLE_MUTATIONS = 10_000;
  private static final Duration LONGEST = Duration.ofSeconds(120);
  /** What a damaged checkpoint of some kilobytes may claim without being decoded to look. */
  private static final long MOST_BYTES = 1 << 20;

  @TempDir
  Path folder;

  private static byte[] mutate(byte[] seed, Random random) {
    byte[] b = seed.clone();
    int edits = 1 + random.nextInt(3);
    for (int e = 0; e < edits; e++) {
      int at = random.nextInt(b.length);
      switch (random.nextInt(6)) {
        case 0 -> b[at] = (byte) random.nextInt(256);
        case 1 -> b[at] ^= (byte) (1 << random.nextInt(8));
        case 2 -> b[at] = (byte) 0xff;
        case 3 -> {
          // A piece is cut out.
          int length = Math.min(1 + random.nextInt(8), b.length - at - 1);
          byte[] shorter = Arrays.copyOf(b, b.length - length);
          System.arraycopy(b, at + length, shorter, at, b.length - at - length);
          b = shorter;
        }
        case 4 -> {
          // A piece is repeated.
          int length = Math.min(1 + random.nextInt(16), b.length - at);
          byte[] longer = Arrays.copyOf(b, b.length + length);
          System.arraycopy(b, at, longer, at + length, b.length - at);
          b = longer;
        }
        default -> b = random.nextInt(4) == 0 ? Arrays.copyOf(b, at + 1) : b;
      }
    }
    return b;
  }

  /** What was read can be used. */
  private static void use(Checkpoint c) {
    for (Tensor t : c.tensors().values()) {
      if (t.byteSize() < MOST_BYTES) {
        t.bytes();
      }
    }
    c.notes().forEach(String::length);
  }

  private interface Reading {
    void run() throws IOException;
  }

  /** True if it was read, false if it was refused as it must be. */
  private static boolean read(Reading reading, String what) {
    try {
      reading.run();
      return true;
    } catch (BadInputException e) {
      assertOneLine(e.getMessage());
      return false;
    } catch (IOException | RuntimeException | Error e) {
      throw new AssertionError(what + ": " + e, e);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"kinds.pth", "kinds_legacy.pth", "kinds.safetensors", "small_protocol4.pth", "small_deflated.pth", "training.pth",
      "traced.pt", "exported.pt2", "exported_26.pt2", "values.pth", "whole.pth", "frozen.pt"})
  void damagedFilesAreReadOrRefused(String name) throws IOException {
    byte[] seed = Files.readAllBytes(fixture(name));
    Random random = new Random(name.hashCode());
    Path file = folder.resolve("fuzz.pth");
    int[] outcomes = new int[2];
    assertTimeout(LONGEST, () -> {
      for (int i = 0; i < FILE_MUTATIONS; i++) {
        Files.write(file, mutate(seed, random));
        outcomes[read(() -> use(Checkpoint.open(file)), name + ", mutation " + i) ? 0 : 1]++;
      }
    });
    assertTrue(outcomes[1] > FILE_MUTATIONS / 20, "read and refused: " + Arrays.toString(outcomes));
  }

  @Test
  void damagedIndexesAreReadOrRefused() throws IOException {
    for (String f : new String[] {"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"}) {
      Files.copy(fixture("sharded").resolve(f), folder.resolve(f));
    }
    byte[] seed = Files.readAllBytes(fixture("sharded").resolve("model.safetensors.index.json"));
    Random random = new Random(7);
    Path file = folder.resolve("fuzz.index.json");
    assertTimeout(LONGEST, () -> {
      for (int i = 0; i < FILE_MUTATIONS; i++) {
        Files.write(file, mutate(seed, random));
        read(() -> use(Checkpoint.open(file)), "index, mutation " + i);
      }
    });
  }

  /** The pickles alone, many more of them, with a storage that fits every tensor. */
  @ParameterizedTest
  @ValueSource(strings = {"kinds.pth", "small_protocol4.pth", "training.pth", "values.pth", "traced.pt", "exported_26.pt2"})
  void damagedPicklesAreReadOrRefused(String name) {
    TorchArchive archive = TorchArchive.open(fixture(name));
    TorchPickle.Kind kind = name.endsWith(".pt") ? TorchPickle.Kind.TORCHSCRIPT : TorchPickle.Kind.CHECKPOINT;
    byte[] seed = (archive.has("data.pkl") ? archive : archive.nested("serialized_state_dict.pt")).bytes("data.pkl");
    Storage zeros = Storage.of(ByteBuffer.allocate(1024));
    Random random = new Random(name.hashCode() + 1);
    int[] outcomes = new int[2];
    assertTimeout(LONGEST, () -> {
      for (int i = 0; i < PICKLE_MUTATIONS; i++) {
        Storage bytes = Storage.of(ByteBuffer.wrap(mutate(seed, random)));
        outcomes[read(() -> TorchPickle.read("fuzz", "data.pkl", bytes, 0, kind, id -> zeros), name + ", mutation " + i) ? 0 : 1]++;
      }
    });
    assertTrue(outcomes[0] > PICKLE_MUTATIONS / 50 && outcomes[1] > PICKLE_MUTATIONS / 20, "read and refused: "
        + Arrays.toString(outcomes));
  }

  /** Opcodes in any order, with arguments that are small numbers and short names. */
  @Test
  void randomPicklesAreReadOrRefused() {
    byte[] opcodes = "N.JKMGIXcQRbtel]}as u(012qhpg)".getBytes(java.nio.charset.StandardCharsets.ISO_8859_1);
    Random random = new Random(11);
    Storage zeros = Storage.of(ByteBuffer.allocate(64));
    assertTimeout(LONGEST, () -> {
      for (int i = 0; i < PICKLE_MUTATIONS; i++) {
        byte[] pickle = new byte[1 + random.nextInt(60)];
        for (int k = 0; k < pickle.length; k++) {
          pickle[k] = switch (random.nextInt(8)) {
            case 0 -> (byte) random.nextInt(4);
            case 1 -> (byte) (0x80 + random.nextInt(0x18));
            default -> opcodes[random.nextInt(opcodes.length)];
          };
        }
        Storage bytes = Storage.of(ByteBuffer.wrap(pickle));
        read(() -> TorchPickle.read("fuzz", "", bytes, 0, TorchPickle.Kind.TORCHSCRIPT, id -> zeros), Arrays.toString(pickle));
      }
    });
  }
}
