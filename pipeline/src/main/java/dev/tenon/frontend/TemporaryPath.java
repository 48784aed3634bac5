package dev.tenon.frontend;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A folder that is gone when this is closed, or when the process ends, interrupted or not. {@link #keepAs} makes it stay, under
 * its final name and all at once.
 */
public final class TemporaryPath implements AutoCloseable {
  private final Path path;
  private final Thread hook;
  private final AtomicBoolean done = new AtomicBoolean();

  private TemporaryPath(Path path) {
    this.path = path;
    this.hook = new Thread(this::vanish, "remove-temporary");
    Runtime.getRuntime().addShutdownHook(hook);
  }

  /** A new folder in the system's place for temporary files, readable by this user only. */
  public static TemporaryPath create(String prefix) throws IOException {
    return new TemporaryPath(Files.createTempDirectory(prefix));
  }

  /** A new folder beside {@code target}, so that it can be renamed to it; with the permissions a new folder there has. */
  public static TemporaryPath beside(Path target) throws IOException {
    Path absolute = target.toAbsolutePath();
    for (int n = 0; ; n++) {
      Path candidate = absolute.resolveSibling("." + absolute.getFileName() + ".tenon-" + ProcessHandle.current().pid() + "-" + n);
      if (!Files.exists(candidate)) {
        return new TemporaryPath(Files.createDirectory(candidate));
      }
    }
  }

  public Path path() {
    return path;
  }

  /**
   * Renames the folder to {@code target} in one step.
   *
   * @param target must not exist, or be an empty folder, or, with {@code replace}, any folder: it is then removed
   */
  public void keepAs(Path target, boolean replace) throws IOException {
    if (done.get()) {
      throw new IOException("interrupted");
    }
    Path old = null;
    if (Files.exists(target)) {
      if (replace) {
        old = target.toAbsolutePath().resolveSibling(path.getFileName() + "-old");
        Files.move(target, old, StandardCopyOption.ATOMIC_MOVE);
      } else {
        Files.delete(target);
      }
    }
    try {
      Files.move(path, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      if (old != null) {
        Files.move(old, target, StandardCopyOption.ATOMIC_MOVE);
      }
      throw e;
    }
    done.set(true);
    removeHook();
    if (old != null) {
      deleteTree(old);
    }
  }

  @Override
  public void close() {
    vanish();
    removeHook();
  }

  private void removeHook() {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The process is ending and the hook is running already.
    }
  }

  private void vanish() {
    if (!done.compareAndSet(false, true)) {
      return;
    }
    try {
      // Renamed first, so that whoever is still writing cannot put new files there.
      Path grave = path.resolveSibling(path.getFileName() + "-gone");
      Files.move(path, grave, StandardCopyOption.ATOMIC_MOVE);
      deleteTree(grave);
    } catch (IOException | UncheckedIOException e) {
      // There is nobody left to tell, and a leftover harms nobody.
    }
  }

  /** Removes a folder and what is in it; links are removed, not followed. */
  public static void deleteTree(Path root) throws IOException {
    Files.walkFileTree(root, new SimpleFileVisitor<>() {
      @Override
      public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
        Files.delete(file);
        return FileVisitResult.CONTINUE;
      }

      @Override
      public FileVisitResult postVisitDirectory(Path folder, IOException failure) throws IOException {
        Files.delete(folder);
        return FileVisitResult.CONTINUE;
      }
    });
  }
}
