package dev.tenon.tf.export;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/**
 * A checkpoint with new values for some of its tensors, which takes the old one's place in a way that whoever opens the checkpoint
 * meanwhile finds the old or the new one, whole; so does who comes after a crash.
 *
 * <p>A checkpoint is two files, and only one can be renamed at a time. But the index says how many data files there are, and that
 * number is part of their names. So where old and new files would have the same name, the new data go to
 * {@code PREFIX.data-00000-of-00002} first, with an empty second file and an index that counts two; renaming that index is the moment of
 * change. Then nobody looks at {@code PREFIX.data-00000-of-00001} any more, it is replaced, and last an index that counts one is renamed
 * into place. The files in the end are those that {@link TensorBundleWriter} writes.
 */
public final class CheckpointUpdate {

  private final Path fresh;
  private final int oldShards;
  private final TensorBundleWriter writer;

  private CheckpointUpdate(Path fresh, int oldShards, TensorBundleWriter writer) {
    this.fresh = fresh;
    this.oldShards = oldShards;
    this.writer = writer;
  }

  /**
   * Writes a new checkpoint: the old one's tensors in the order of their data, each with the same type and shape.
   *
   * @param fresh prefix of the new files; their folder exists and is on the old ones' file system
   * @param replacements key to new elements, streamed; all other tensors are copied as they are
   */
  public static CheckpointUpdate write(Path fresh, TensorBundleReader old, Map<String, TensorData> replacements) throws IOException {
    try (TensorBundleWriter writer = new TensorBundleWriter(fresh)) {
      List<TensorBundleReader.Entry> entries = new ArrayList<>(old.entries().values());
      entries.sort(Comparator.comparingInt(TensorBundleReader.Entry::shard).thenComparingLong(TensorBundleReader.Entry::offset));
      for (TensorBundleReader.Entry entry : entries) {
        TensorData replacement = replacements.get(entry.key());
        if (replacement == null) {
          writer.copy(old, entry.key());
        } else {
          writer.add(entry.key(), entry.dtype(), entry.shape(), replacement);
        }
      }
      writer.finish();
      return new CheckpointUpdate(fresh, old.shards(), writer);
    }
  }

  /**
   * Puts the new checkpoint in the old one's place.
   *
   * @param prefix of the old one's files
   */
  public void replace(Path prefix) throws IOException {
    Path data = TensorBundleWriter.dataFile(fresh, 0, 1);
    Path index = TensorBundleWriter.indexFile(fresh);
    Path place = TensorBundleWriter.indexFile(prefix);
    if (oldShards != 1) {
      move(data, TensorBundleWriter.dataFile(prefix, 0, 1));
      move(index, place);
      for (int i = 0; i < oldShards; i++) {
        Files.deleteIfExists(TensorBundleWriter.dataFile(prefix, i, oldShards));
      }
      return;
    }
    Path first = TensorBundleWriter.dataFile(prefix, 0, 2);
    Path second = TensorBundleWriter.dataFile(prefix, 1, 2);
    Path between = index.resolveSibling(index.getFileName() + "-of-2");
    Files.deleteIfExists(first);
    Files.deleteIfExists(second);
    Files.createFile(second);
    copy(data, first);
    writer.writeIndex(between, 2);
    move(between, place);
    move(data, TensorBundleWriter.dataFile(prefix, 0, 1));
    move(index, place);
    Files.deleteIfExists(first);
    Files.deleteIfExists(second);
  }

  /** A second name for the file, or a copy where the file system has no links. */
  private static void copy(Path from, Path to) throws IOException {
    try {
      Files.createLink(to, from);
    } catch (UnsupportedOperationException | IOException e) {
      Files.copy(from, to, StandardCopyOption.REPLACE_EXISTING);
    }
    force(to);
  }

  private static void move(Path from, Path to) throws IOException {
    force(from);
    Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /** Onto the disk, before it gets a name that somebody relies on. */
  private static void force(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.force(true);
    }
  }
}
