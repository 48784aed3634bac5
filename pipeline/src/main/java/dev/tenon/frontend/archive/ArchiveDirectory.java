package dev.tenon.frontend.archive;

import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.io.FileKinds;
import dev.tenon.ir.io.Quote;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Enumeration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.zip.ZipEntry;
import org.apache.commons.compress.archivers.zip.ZipArchiveEntry;
import org.apache.commons.compress.archivers.zip.ZipFile;

/**
 * Reads and checks the central directory of a zip. Only the central directory is believed: local headers (whose sizes PyTorch
 * leaves at zero) are asked for the length of their name and extra field alone, which say where the data begins.
 */
final class ArchiveDirectory {
  private static final int LOCAL_HEADER = 30;
  private static final int LOCAL_SIGNATURE = 0x04034b50;
  /** Entries inflating to more than this must have an ordinary ratio; deflate reaches 1032:1, weights and code 1:1 to 20:1. */
  private static final long FREE_INFLATED_BYTES = 1 << 24;
  private static final long MAX_RATIO = 200;
  /** An inflated entry is held in memory. */
  private static final long MAX_INFLATED_BYTES = 1 << 30;

  private final ArchiveBytes bytes;
  private final Set<String> names = new HashSet<>();

  private ArchiveDirectory(ArchiveBytes bytes) {
    this.bytes = bytes;
  }

  /** The files of the archive in the order of its directory; entries of folders are left out. */
  static List<ArchiveEntry> read(ArchiveBytes bytes) {
    ArchiveDirectory directory = new ArchiveDirectory(bytes);
    try (SeekableByteChannel channel = bytes.open()) {
      List<ArchiveEntry> entries = directory.entries(channel);
      directory.checkOverlaps(entries);
      return entries;
    } catch (IOException e) {
      throw directory.unreadable(e);
    }
  }

  private BadInputException unreadable(Exception e) {
    ByteBuffer head = bytes.head();
    String kind = FileKinds.describe(head);
    boolean zip = head.remaining() >= 4 && head.getInt(0) == LOCAL_SIGNATURE;
    if (zip) {
      return new BadInputException(bytes.label() + ": found the beginning of a zip archive without a readable directory at its end ("
          + oneLine(e) + "), expected a whole one: it is truncated or damaged, copy or download it again", e);
    }
    String what = bytes.size() == 0 ? "an empty file" : kind == null ? "bytes that are no zip archive" : kind;
    String hint = "a PyTorch Mobile flatbuffer".equals(kind)
        ? "; save the model with torch.jit.save or torch.export.save instead of _save_for_lite_interpreter" : "";
    return new BadInputException(bytes.label() + ": found " + what + ", expected a zip archive as PyTorch saves them" + hint, e);
  }

  private static String oneLine(Exception e) {
    Throwable root = e;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return Quote.of(String.valueOf(root.getMessage()), 120);
  }

  private List<ArchiveEntry> entries(SeekableByteChannel channel) throws IOException {
    List<ArchiveEntry> result = new ArrayList<>();
    // The library closes what it is given when it fails; the channel is wanted no longer then.
    try (ZipFile zip = ZipFile.builder().setSeekableByteChannel(channel).setIgnoreLocalFileHeader(true).setUseUnicodeExtraFields(false)
        .setCharset(StandardCharsets.UTF_8).get()) {
      for (Enumeration<ZipArchiveEntry> all = zip.getEntries(); all.hasMoreElements();) {
        ZipArchiveEntry e = all.nextElement();
        String name = name(e);
        if (!name.endsWith("/")) {
          result.add(entry(channel, e, name));
        }
      }
    } catch (BadInputException e) {
      throw e;
    } catch (RuntimeException e) {
      // Damaged extra fields and dates make the library throw whatever comes.
      throw unreadable(e);
    }
    if (result.isEmpty()) {
      throw BadInputException.of(bytes.label(), "", "an archive without files", "PyTorch's entries");
    }
    return result;
  }

  /** The name as the archive has it; the library's own turns backslashes into slashes. */
  private String name(ZipArchiveEntry e) {
    byte[] raw = e.getRawName() == null ? new byte[0] : e.getRawName();
    try {
      String name = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(raw)).toString();
      checkName(name);
      return name;
    } catch (CharacterCodingException x) {
      throw BadInputException.of(bytes.label(), "", "an entry name that is no UTF-8", "plain relative names");
    }
  }

  private void checkName(String name) {
    String shown = shown(name);
    String found = null;
    if (name.indexOf('\\') >= 0) {
      found = "the entry name " + shown + " with a backslash";
    } else if (name.startsWith("/") || name.matches("(?s)[A-Za-z]:.*")) {
      found = "the absolute entry name " + shown;
    } else if (name.isEmpty() || name.indexOf('\0') >= 0) {
      found = "the entry name " + shown;
    } else {
      String[] parts = name.split("/", -1);
      for (int i = 0; i < parts.length; i++) {
        boolean folder = i > 0 && i == parts.length - 1 && parts[i].isEmpty();
        if (parts[i].equals("..") || parts[i].equals(".") || parts[i].isEmpty() && !folder) {
          found = "the entry name " + shown + (parts[i].equals("..") ? " that leads out of the archive" : "");
        }
      }
    }
    if (found != null) {
      throw BadInputException.of(bytes.label(), "", found, "plain relative names");
    }
    if (!names.add(name)) {
      throw BadInputException.of(bytes.label(), "", "two entries named " + shown, "each name once");
    }
  }

  private static String shown(String name) {
    return '"' + Quote.of(name, 80) + '"';
  }

  private ArchiveEntry entry(SeekableByteChannel channel, ZipArchiveEntry e, String name) throws IOException {
    String place = shown(name);
    if (e.getGeneralPurposeBit().usesEncryption()) {
      throw BadInputException.of(bytes.label(), place, "an encrypted entry", "none; unpack it with its password and pack it again");
    }
    if (e.getMethod() != ZipEntry.STORED && e.getMethod() != ZipEntry.DEFLATED) {
      throw BadInputException.of(bytes.label(), place, "compression method " + e.getMethod(), "0 (stored) or 8 (deflate)");
    }
    boolean deflated = e.getMethod() == ZipEntry.DEFLATED;
    long dataOffset = dataOffset(channel, e, place);
    long packed = e.getCompressedSize();
    if (packed < 0 || e.getSize() < 0 || packed > bytes.size() - dataOffset) {
      throw BadInputException.of(bytes.label(), place, packed + " bytes at " + dataOffset, "bytes within the archive's " + bytes.size()
          + "; it is truncated or damaged");
    }
    if (!deflated && packed != e.getSize()) {
      throw BadInputException.of(bytes.label(), place, packed + " stored bytes for a file of " + e.getSize(), "as many");
    }
    if (deflated && (e.getSize() > MAX_INFLATED_BYTES || e.getSize() > FREE_INFLATED_BYTES && e.getSize() / MAX_RATIO > packed)) {
      throw BadInputException.of(bytes.label(), place, packed + " bytes that inflate to " + e.getSize() + ", as in a zip bomb",
          "at most " + MAX_INFLATED_BYTES + " bytes and a ratio of " + MAX_RATIO + "; if it is genuine, pack it again uncompressed");
    }
    return new ArchiveEntry(name, e.getLocalHeaderOffset(), dataOffset, packed, e.getSize(), deflated);
  }

  private long dataOffset(SeekableByteChannel channel, ZipArchiveEntry e, String place) throws IOException {
    long at = e.getLocalHeaderOffset();
    ByteBuffer header = ByteBuffer.allocate(LOCAL_HEADER).order(ByteOrder.LITTLE_ENDIAN);
    if (at < 0 || at > bytes.size() - LOCAL_HEADER) {
      throw BadInputException.of(bytes.label(), place, "a local header at " + at, "one within the archive's " + bytes.size()
          + " bytes; it is truncated or damaged");
    }
    channel.position(at);
    readFully(channel, header);
    int nameLength = header.getShort(26) & 0xffff;
    int extraLength = header.getShort(28) & 0xffff;
    ByteBuffer localName = ByteBuffer.allocate(nameLength);
    boolean fits = at + LOCAL_HEADER + nameLength + extraLength <= bytes.size();
    if (fits) {
      readFully(channel, localName);
    }
    if (header.getInt(0) != LOCAL_SIGNATURE || !fits || !Arrays.equals(localName.array(), e.getRawName())) {
      throw BadInputException.of(bytes.label(), place, "no local header of that name at " + at, "one, as the archive's directory says");
    }
    return at + LOCAL_HEADER + nameLength + extraLength;
  }

  private static void readFully(SeekableByteChannel channel, ByteBuffer to) throws IOException {
    while (to.hasRemaining()) {
      if (channel.read(to) < 0) {
        throw new IOException("unexpected end");
      }
    }
  }

  private void checkOverlaps(List<ArchiveEntry> entries) {
    List<ArchiveEntry> sorted = entries.stream().sorted(Comparator.comparingLong(ArchiveEntry::headerOffset)).toList();
    for (int i = 1; i < sorted.size(); i++) {
      ArchiveEntry before = sorted.get(i - 1);
      if (before.dataOffset() + before.compressedSize() > sorted.get(i).headerOffset()) {
        throw BadInputException.of(bytes.label(), shown(sorted.get(i).name()), "bytes that are also those of " + shown(before.name()),
            "entries that do not overlap");
      }
    }
  }
}
