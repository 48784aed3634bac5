package dev.tenon.convert;

import dev.tenon.frontend.TemporaryPath;
import dev.tenon.ir.diag.BadInputException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Where a result goes: written in a temporary folder beside the target, and renamed when it is whole. Whatever goes wrong before
 * leaves nothing behind, not even a parent folder that was made on the way.
 */
public final class OutputFolder implements AutoCloseable {
  /** What a folder must consist of to be replaced by {@code --force}: our own results, not a home directory. */
  private static final Set<String> REPLACEABLE =
      Set.of("saved_model.pb", "variables", "assets", "assets.extra", "fingerprint.pb", "keras_metadata.pb", "tenon.json", "tenon-batch.json");

  private final Path target;
  private final boolean replace;
  private final Deque<Path> madeParents = new ArrayDeque<>();
  private TemporaryPath temporary;
  private boolean kept;

  private OutputFolder(Path target, boolean replace) {
    this.target = target;
    this.replace = replace;
  }

  /**
   * Checks that the target can be written, and makes the temporary folder.
   *
   * @param force whether a SavedModel in the target's place may be replaced
   * @throws BadInputException if the target exists and is no empty folder, or cannot be made
   */
  public static OutputFolder prepare(Path target, boolean force) {
    Path absolute = target.toAbsolutePath().normalize();
    if (absolute.getFileName() == null) {
      throw BadInputException.of(target, "", "the root of the file system", "a folder to be made");
    }
    OutputFolder folder = new OutputFolder(absolute, checkExisting(target, force));
    try {
      for (Path p = absolute.getParent(); p != null && !Files.exists(p); p = p.getParent()) {
        folder.madeParents.push(p);
      }
      Files.createDirectories(absolute.getParent());
      folder.temporary = TemporaryPath.beside(absolute);
      return folder;
    } catch (IOException e) {
      folder.close();
      throw BadInputException.of(target, "", "that it cannot be written (" + reason(e) + ")", "a folder that can be made");
    }
  }

  /** True if there is something to be replaced. */
  private static boolean checkExisting(Path target, boolean force) {
    if (!Files.exists(target)) {
      return false;
    }
    if (!Files.isDirectory(target)) {
      throw BadInputException.of(target, "", "a file of this name", "a folder to be made");
    }
    List<String> names;
    try (Stream<Path> files = Files.list(target)) {
      names = files.map(p -> p.getFileName().toString()).sorted().toList();
    } catch (IOException e) {
      throw BadInputException.of(target, "", "that it cannot be read (" + reason(e) + ")", "an empty folder or none");
    }
    if (names.isEmpty()) {
      return false;
    }
    if (!force) {
      throw BadInputException.of(target, "", "a folder that is not empty", "an empty folder or none; --force replaces a SavedModel");
    }
    List<String> foreign = names.stream().filter(n -> !REPLACEABLE.contains(n)).toList();
    if (!foreign.isEmpty()) {
      throw BadInputException.of(target, "", foreign.get(0) + " in it", "nothing but a SavedModel, which --force would replace");
    }
    return true;
  }

  private static String reason(IOException e) {
    if (e instanceof AccessDeniedException) {
      return "no permission";
    }
    String why = e instanceof FileSystemException f && f.getReason() != null ? f.getReason() : e.getMessage();
    return e instanceof FileAlreadyExistsException ? e.getMessage() + " is a file" : String.valueOf(why);
  }

  /** The temporary folder, to be filled. */
  public Path path() {
    return temporary.path();
  }

  /** Fails if the file system has not this much room left. */
  public void requireSpace(long bytes) throws IOException {
    long free = Files.getFileStore(temporary.path()).getUsableSpace();
    if (free < bytes) {
      throw BadInputException.of(target, "", free + " bytes free on its file system", "at least " + bytes);
    }
  }

  /** Makes the result appear under its name. */
  public void keep() throws IOException {
    temporary.keepAs(target, replace);
    kept = true;
  }

  @Override
  public void close() {
    if (temporary != null) {
      temporary.close();
    }
    while (!kept && !madeParents.isEmpty()) {
      try {
        Files.deleteIfExists(madeParents.removeLast());
      } catch (IOException e) {
        return; // somebody else has put something there
      }
    }
  }
}
