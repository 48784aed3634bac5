package dev.tenon.frontend;

import dev.tenon.ir.diag.BadInputException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;

/**
 * What kind of file a model is in. Detected by what is in the file: {@code .pt} and {@code .pth} mean anything in practice.
 */
public enum SourceFormat {
  /** An ONNX model; also whatever is none of the others, which the ONNX reader then names. */
  ONNX("onnx", "ONNX"),
  /** What {@code torch.export.save} writes, usually {@code .pt2}. */
  EXPORTED_PROGRAM("exported-program", "PyTorch exported program"),
  /** What {@code torch.jit.save} writes, usually {@code .pt}. */
  TORCHSCRIPT("torchscript", "TorchScript"),
  /** Weights alone: {@code torch.save(model.state_dict())}, safetensors. */
  CHECKPOINT("checkpoint", "checkpoint");

  /** The endings of files that are models more often than not, for looking through folders and jars. */
  private static final List<String> MODEL_ENDINGS = List.of(".onnx", ".pt2", ".pt");
  /** PyTorch refuses longer headers of safetensors. */
  private static final long MAX_SAFETENSORS_HEADER = 100_000_000;
  private static final int HEAD = 512;
  /** Where "ustar" stands in a tar archive, PyTorch's oldest format. */
  private static final int TAR_MAGIC = 257;

  private final String label;
  private final String title;

  SourceFormat(String label, String title) {
    this.label = label;
    this.title = title;
  }

  /** The name in {@code tenon.json} and other machine-readable output. */
  public String label() {
    return label;
  }

  /** The name for readers. */
  public String title() {
    return title;
  }

  /** True if PyTorch wrote the graph itself. */
  public boolean isPyTorch() {
    return this == EXPORTED_PROGRAM || this == TORCHSCRIPT;
  }

  /** True if a file of this name is likely a model: {@code .onnx}, {@code .pt2} or {@code .pt}. */
  public static boolean looksLikeModel(String fileName) {
    return MODEL_ENDINGS.stream().anyMatch(fileName::endsWith);
  }

  /** A file's name without the ending of a model. */
  public static String withoutEnding(String fileName) {
    return fileName.replaceFirst("\\.(onnx|pt2|pt|pth|ptl|ts|torchscript)$", "");
  }

  /**
   * The format of a source's file.
   *
   * @throws BadInputException if the file cannot be read, or is an archive that holds no model of any kind
   */
  public static SourceFormat of(ModelSource source) {
    Path file = source.file();
    if (!Files.isRegularFile(file)) {
      return ONNX; // whose reader says what is wrong
    }
    byte[] head;
    try (InputStream in = Files.newInputStream(file)) {
      head = in.readNBytes(HEAD);
    } catch (IOException e) {
      throw new BadInputException(source.spec() + ": cannot read: " + e.getMessage(), e);
    }
    String text = new String(head, StandardCharsets.ISO_8859_1);
    if (text.startsWith("PK\3\4") || text.startsWith("PK\5\6")) {
      return ofArchive(source);
    }
    boolean pickle = head.length > 2 && text.charAt(0) == '\u0080' && text.charAt(1) >= 2 && text.charAt(1) <= 5;
    boolean tar = text.startsWith("ustar", TAR_MAGIC);
    return pickle || tar || isSafetensors(head) ? CHECKPOINT : ONNX;
  }

  private static boolean isSafetensors(byte[] head) {
    if (head.length < Long.BYTES + 2 || head[Long.BYTES] != '{') {
      return false;
    }
    long header = ByteBuffer.wrap(head).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
    return header >= 2 && header <= MAX_SAFETENSORS_HEADER;
  }

  /** PyTorch's archives, all of them zip: what is below the optional root folder tells them apart. */
  private static SourceFormat ofArchive(ModelSource source) {
    boolean program = false;
    boolean code = false;
    boolean pickle = false;
    boolean compiled = false;
    try (ZipFile zip = new ZipFile(source.file().toFile())) {
      for (String name : (Iterable<String>) zip.stream().map(ZipEntry::getName)::iterator) {
        program |= inRoot(name, "serialized_exported_program.json") || inRoot(name, "models/") && name.endsWith(".json");
        code |= inRoot(name, "code/");
        pickle |= inRoot(name, "data.pkl");
        compiled |= inRoot(name, "data/aotinductor/");
      }
    } catch (ZipException e) {
      throw BadInputException.of(source.spec(), "", "a zip archive that cannot be read (" + e.getMessage() + "), truncated perhaps",
          "a whole archive of PyTorch");
    } catch (IOException | IllegalArgumentException e) {
      throw new BadInputException(source.spec() + ": cannot read: " + e.getMessage(), e);
    }
    if (program) {
      return EXPORTED_PROGRAM;
    } else if (code && pickle) {
      return TORCHSCRIPT;
    } else if (pickle) {
      return CHECKPOINT;
    }
    throw BadInputException.of(source.spec(), "", compiled ? "a package of compiled code (AOTInductor) without its graph"
        : "a zip archive that PyTorch did not write", "a model: what torch.export.save or torch.jit.save writes");
  }

  /** True if the entry begins so, at the top or in one folder. */
  private static boolean inRoot(String entry, String start) {
    return entry.startsWith(start) || entry.startsWith(start, entry.indexOf('/') + 1);
  }
}
