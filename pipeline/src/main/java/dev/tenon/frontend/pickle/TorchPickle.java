package dev.tenon.frontend.pickle;

import dev.tenon.frontend.archive.TorchArchive;
import dev.tenon.ir.Storage;
import dev.tenon.ir.diag.BadInputException;

/**
 * Reads the pickles of PyTorch's files.
 *
 * <p>Values come as {@code Long}, {@code BigInteger} (beyond 64 bits), {@code Double}, {@code Boolean}, {@code String},
 * {@code byte[]}, {@link PickleNone}, {@link PickleComplex}, {@code ArrayList}, {@code LinkedHashMap} (also for {@code OrderedDict},
 * {@code defaultdict} and {@code Counter}), {@code LinkedHashSet}, {@link PickleTuple}, {@link PickleObject},
 * {@link dev.tenon.frontend.archive.ScalarType} for {@code torch.float32} and kin, and
 * {@link dev.tenon.frontend.archive.StoredTensor}. They nest at most 200 deep and have no cycles, but a container may be
 * reached in several ways: walk them with a limit of your own.
 */
public final class TorchPickle {

  /** What a pickle may name. */
  public enum Kind {
    /** Tensors, containers and instances of the file's own classes, {@code __torch__.…}. */
    TORCHSCRIPT,
    /** Tensors and plain containers. */
    CHECKPOINT
  }

  /**
   * A value and where its pickle ends.
   *
   * @param end the offset behind the pickle's last byte
   */
  public record Result(Object value, long end) {}

  private TorchPickle() {}

  /**
   * Reads an entry of an archive.
   *
   * @param entry the pickle, {@code data.pkl}
   * @param storageFolder the folder of the storages that it refers to, {@code data}
   * @throws BadInputException if the pickle is malformed, names what it may not, or describes tensors that are not in their storages
   */
  public static Object read(TorchArchive archive, String entry, String storageFolder, Kind kind) {
    StorageSource storages = id -> archive.storage(storageFolder + "/" + id.key());
    return read(archive.label(), entry, archive.storage(entry), 0, kind, storages).value();
  }

  /**
   * Reads one pickle among other bytes.
   *
   * @param file what messages call the file
   * @param place what they call the pickle in it; may be empty
   * @param bytes the file's bytes
   * @param position where in them the pickle begins
   * @param storages finds what its persistent ids refer to
   * @throws BadInputException as above
   */
  public static Result read(Object file, String place, Storage bytes, long position, Kind kind, StorageSource storages) {
    Unpickler unpickler = new Unpickler(file, place, bytes, position, new Globals(kind), storages);
    Object value = unpickler.load();
    return new Result(value, unpickler.end());
  }
}
