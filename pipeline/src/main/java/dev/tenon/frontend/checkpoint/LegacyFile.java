package dev.tenon.frontend.checkpoint;

import dev.tenon.frontend.pickle.StorageId;
import dev.tenon.frontend.pickle.TorchPickle;
import dev.tenon.ir.Storage;
import dev.tenon.ir.diag.BadInputException;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * PyTorch's format before 1.6, still written with {@code _use_new_zipfile_serialization=False} ({@code torch/serialization.py},
 * {@code _legacy_save}): five pickles (a magic number, a version, facts about the machine, the object, the storages' keys) and then
 * for each key the number of elements and the elements. Where a storage is becomes known only after the object has been read.
 *
 * <p>A file that is a plain pickle, as NumPy arrays are shared in, is read too.
 */
final class LegacyFile {
  private static final BigInteger MAGIC = new BigInteger("1950a86a20f9469cfc6c", 16);
  private static final long VERSION = 1001;

  private final Path file;
  private final Storage bytes;
  private final Map<String, Placed> storages = new LinkedHashMap<>();
  private long at;

  private LegacyFile(Path file, long size) {
    this.file = file;
    this.bytes = Storage.ofFile(file, 0, size);
  }

  /**
   * What a file holds.
   *
   * @param plain true for a pickle without PyTorch's frame around it
   */
  record Contents(Object value, boolean plain) {}

  /** A storage whose place is found later. */
  private static final class Placed implements Storage {
    private final int elementBytes;
    private final long numel;
    private Storage found;

    Placed(int elementBytes, long numel) {
      this.elementBytes = elementBytes;
      this.numel = numel;
    }

    @Override
    public long byteSize() {
      return numel * elementBytes;
    }

    @Override
    public ByteBuffer read(long offset, int length) {
      return found.read(offset, length);
    }
  }

  static Contents read(Path file) {
    try {
      return new LegacyFile(file, Files.size(file)).read();
    } catch (IOException e) {
      throw new BadInputException(file + ": cannot read: " + e.getMessage(), e);
    }
  }

  private Contents read() {
    Object first = next("the magic number");
    if (!MAGIC.equals(first)) {
      if (first instanceof Map<?, ?> || first instanceof List<?>) {
        return new Contents(first, true);
      }
      throw BadInputException.of(file, "", "a pickle of something else", "PyTorch's magic number or a dict of weights");
    }
    Object version = next("the version");
    if (!Long.valueOf(VERSION).equals(version)) {
      throw BadInputException.of(file, "", "version " + (version instanceof Long ? version : "that is no number") + " of the legacy format",
          String.valueOf(VERSION));
    }
    if (next("the facts about the machine") instanceof Map<?, ?> m && Boolean.FALSE.equals(m.get("little_endian"))) {
      throw BadInputException.of(file, "", "tensors of a big-endian machine", "little-endian ones; save it on such a machine");
    }
    Object value = next("the object");
    if (!(next("the storages' keys") instanceof List<?> keys)) {
      throw BadInputException.of(file, "", "no list of storages after the object", "their keys");
    }
    place(keys);
    return new Contents(value, false);
  }

  private Object next(String what) {
    TorchPickle.Result result = TorchPickle.read(file, what, bytes, at, TorchPickle.Kind.CHECKPOINT, this::storage);
    at = result.end();
    return result.value();
  }

  private Storage storage(StorageId id) {
    // Held against the whole file until the storage's own size is known.
    if (id.numel() > bytes.byteSize() / id.elementBytes()) {
      throw BadInputException.of(file, "storage " + id.key(), id.numel() + " elements of " + id.elementBytes() + " bytes in a file of "
          + bytes.byteSize() + " bytes", "a storage within the file; it may be truncated");
    }
    Placed known = storages.computeIfAbsent(id.key(), k -> new Placed(id.elementBytes(), id.numel()));
    if (known.elementBytes != id.elementBytes() || known.numel != id.numel()) {
      throw BadInputException.of(file, "storage " + id.key(), "two descriptions of it that differ", "the same in each tensor");
    }
    return known;
  }

  private void place(List<?> keys) {
    for (Object key : keys) {
      Placed storage = key instanceof String k ? storages.get(k) : null;
      if (storage == null) {
        throw BadInputException.of(file, "", "a storage that no tensor has", "the tensors' storages");
      }
      if (storage.found != null) {
        throw BadInputException.of(file, "storage " + key, "its key twice", "each once");
      }
      long left = bytes.byteSize() - at;
      if (left < 8) {
        throw truncated(key, left, 8);
      }
      long numel = bytes.read(at, 8).getLong(0);
      if (numel != storage.numel) {
        throw BadInputException.of(file, "storage " + key, numel + " elements", storage.numel + ", as its tensors say");
      }
      at += 8;
      if (storage.byteSize() > bytes.byteSize() - at) {
        throw truncated(key, bytes.byteSize() - at, storage.byteSize());
      }
      storage.found = Storage.ofFile(file, at, storage.byteSize());
      at += storage.byteSize();
    }
    storages.forEach((key, storage) -> {
      if (storage.found == null) {
        throw BadInputException.of(file, "storage " + key, "none of its elements", "them behind the pickles");
      }
    });
  }

  private BadInputException truncated(Object key, long left, long wanted) {
    return BadInputException.of(file, "storage " + key, left + " bytes left", wanted + "; the file is truncated");
  }
}
