package dev.tenon.frontend.archive;

import dev.tenon.ir.Storage;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.io.Quote;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A zip archive of PyTorch ({@code .pt}, {@code .pth}, {@code .pt2}), read in place: nothing is extracted, stored entries are mapped
 * piece by piece, compressed ones inflated when they are read. Everything that its directory claims is checked when it is opened.
 * Entry names are without the archive's root folder.
 *
 * <p>Storages and streams open the file anew as they are read; they stay valid after {@link #close}.
 */
public final class TorchArchive implements AutoCloseable {
  /** What is read at once onto the heap: pickles, code, the JSON of a program. */
  private static final long MAX_HEAP_BYTES = 1L << 30;

  private final ArchiveBytes bytes;
  private final String root;
  private final Map<String, ArchiveEntry> entries;

  private TorchArchive(ArchiveBytes bytes, String root, Map<String, ArchiveEntry> entries) {
    this.bytes = bytes;
    this.root = root;
    this.entries = entries;
  }

  /** True if the file begins as a zip archive does; false for other files, folders, and what cannot be read. */
  public static boolean isZip(Path file) {
    if (!Files.isRegularFile(file)) {
      return false;
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      ByteBuffer head = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
      while (head.hasRemaining() && channel.read(head) >= 0) {
        // Until four bytes are there.
      }
      return !head.hasRemaining() && (head.getInt(0) == 0x04034b50 || head.getInt(0) == 0x06054b50);
    } catch (IOException e) {
      return false;
    }
  }

  /**
   * Opens an archive and checks its directory.
   *
   * @throws BadInputException if it is no zip archive or truncated; if it has duplicate, absolute or escaping names, several root
   *     folders, encrypted or overlapping entries, entries past its end, or one that inflates beyond measure; if its tensors are
   *     big-endian
   */
  public static TorchArchive open(Path file) {
    if (!Files.exists(file)) {
      throw BadInputException.of(file, "", "no such file", "a PyTorch archive");
    }
    if (Files.isDirectory(file)) {
      throw BadInputException.of(file, "", "a folder", "a PyTorch archive");
    }
    return open(ArchiveBytes.ofFile(file));
  }

  private static TorchArchive open(ArchiveBytes bytes) {
    List<ArchiveEntry> all = ArchiveDirectory.read(bytes);
    String root = rootOf(bytes, all);
    int skip = root.isEmpty() ? 0 : root.length() + 1;
    Map<String, ArchiveEntry> entries = new LinkedHashMap<>();
    all.forEach(e -> entries.put(e.name().substring(skip), e));
    TorchArchive archive = new TorchArchive(bytes, root, entries);
    archive.checkByteOrder();
    return archive;
  }

  /** The folder that all entries are in, or the empty string if there are entries at the top (as in older {@code .pt2} archives). */
  private static String rootOf(ArchiveBytes bytes, List<ArchiveEntry> entries) {
    if (entries.stream().anyMatch(e -> e.name().indexOf('/') < 0)) {
      return "";
    }
    Set<String> roots = entries.stream().map(e -> e.name().substring(0, e.name().indexOf('/')))
        .collect(Collectors.toCollection(LinkedHashSet::new));
    if (roots.size() > 1) {
      throw BadInputException.of(bytes.label(), "", "the root folders " + roots.stream().limit(3).collect(Collectors.joining(", "))
          + (roots.size() > 3 ? ", …" : ""), "one that holds everything, as PyTorch's archives have");
    }
    return roots.iterator().next();
  }

  private void checkByteOrder() {
    if (has("byteorder")) {
      String order = text("byteorder").strip();
      if (!order.equals("little")) {
        throw BadInputException.of(bytes.label(), "byteorder", order.length() > 20 ? order.length() + " characters" : '"' + order + '"',
            "\"little\"; load and save it again with PyTorch on a little-endian machine");
      }
    }
  }

  /** The file on disk; for an archive within an archive the outer one's. */
  public Path file() {
    return bytes.file();
  }

  /** What messages call this archive: the file, or {@code file!/entry} for an archive within an archive. */
  public String label() {
    return bytes.label();
  }

  /** The name of the one folder that everything is in; empty if there is none. */
  public String root() {
    return root;
  }

  /** The names of all entries, without the root, in the order of the archive's directory. */
  public Set<String> names() {
    return Collections.unmodifiableSet(entries.keySet());
  }

  public boolean has(String name) {
    return entries.containsKey(name);
  }

  /** The size of an entry in bytes, inflated. */
  public long size(String name) {
    return entry(name).size();
  }

  private ArchiveEntry entry(String name) {
    ArchiveEntry e = entries.get(name);
    if (e == null) {
      throw BadInputException.of(bytes.label(), "", "no entry " + Quote.of(name), "one; the archive is incomplete or of another kind");
    }
    return e;
  }

  /** All bytes of an entry, which may be at most 1 GiB. */
  public byte[] bytes(String name) {
    ArchiveEntry e = entry(name);
    if (e.size() > MAX_HEAP_BYTES) {
      throw BadInputException.of(bytes.label(), name, e.size() + " bytes", "at most " + MAX_HEAP_BYTES);
    }
    byte[] result = new byte[(int) e.size()];
    storage(name).read(0, result.length).get(result);
    return result;
  }

  /** The text of an entry in UTF-8, at most 1 GiB. */
  public String text(String name) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes(name))).toString();
    } catch (CharacterCodingException e) {
      throw BadInputException.of(bytes.label(), name, "bytes that are no UTF-8", "text");
    }
  }

  /** The bytes of an entry in order. Its methods throw {@link BadInputException} where compressed data turns out to be damaged. */
  public InputStream stream(String name) {
    ArchiveEntry e = entry(name);
    Storage stored = bytes.storage(e.dataOffset(), e.compressedSize());
    return e.deflated() ? new InflatingStream(bytes.label(), e, stored) : new StorageStream(stored);
  }

  /** The bytes of an entry as a storage: mapped piece by piece, or inflated when they are read. */
  public Storage storage(String name) {
    ArchiveEntry e = entry(name);
    return e.deflated() ? new InflatedStorage(e.size(), () -> stream(name)) : bytes.storage(e.dataOffset(), e.size());
  }

  /** An archive within this one, as some {@code .pt2} files hold their weights; not extracted either unless it is compressed. */
  public TorchArchive nested(String name) {
    ArchiveEntry e = entry(name);
    return open(e.deflated() ? bytes.memory(name, bytes(name)) : bytes.region(name, e.dataOffset(), e.size()));
  }

  /** The order of the bytes of tensors: always little-endian, since others are refused when the archive is opened. */
  public ByteOrder byteOrder() {
    return ByteOrder.LITTLE_ENDIAN;
  }

  /** Nothing is held open; here so that a reader may treat the archive as the resource it is. */
  @Override
  public void close() {
    // The file is opened anew for each reading.
  }
}
