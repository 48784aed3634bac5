package dev.tenon.weights;

import dev.tenon.convert.ConversionRecord;
import dev.tenon.convert.ConversionRecord.Weights;
import dev.tenon.convert.OutputFolder;
import dev.tenon.frontend.TemporaryPath;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.tf.export.CheckpointUpdate;
import dev.tenon.tf.export.SavedModelReader;
import dev.tenon.tf.export.TensorBundleException;
import dev.tenon.tf.export.TensorData;
import dev.tenon.weights.PourPlan.Fill;
import dev.tenon.weights.PourPlan.Kept;
import java.io.IOException;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Writes new values into a SavedModel's variables files, one variable at a time. Other variables, and whatever else the checkpoint holds,
 * are copied. The same values give the same bytes.
 */
public final class Pouring {
  /** Room for what is not variables. */
  private static final long SPARE_BYTES = 16 << 20;

  private final VariableFormulas model;
  private final PourPlan plan;
  private final WeightFile checkpoint;

  public Pouring(VariableFormulas model, PourPlan plan, WeightFile checkpoint) {
    this.model = model;
    this.plan = plan;
    this.checkpoint = checkpoint;
  }

  /**
   * Changes the SavedModel itself. Whoever loads it meanwhile gets the old values or the new ones, see {@link CheckpointUpdate}.
   *
   * @throws BadInputException if it cannot be written; then nothing is changed
   */
  public void inPlace() {
    Path folder = model.saved().folder();
    Path prefix = SavedModelReader.checkpointPrefix(folder);
    try (TemporaryPath fresh = TemporaryPath.beside(prefix.getParent())) {
      CheckpointUpdate update = CheckpointUpdate.write(fresh.path().resolve("variables"), model.saved().checkpoint(), replacements());
      if (model.record() != null) {
        record().write(fresh.path());
      }
      update.replace(prefix);
      if (model.record() != null) {
        Files.move(fresh.path().resolve(ConversionRecord.FILE_NAME), folder.resolve(ConversionRecord.FILE_NAME),
            StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      }
    } catch (IOException e) {
      throw failure(folder, e);
    }
  }

  /**
   * Makes another SavedModel with the new values, whole or not at all, and leaves this one as it is.
   *
   * @param force whether a SavedModel in the target's place may be replaced
   */
  public void into(Path target, boolean force) {
    Path folder = model.saved().folder();
    Path inside = target.toAbsolutePath().normalize();
    Path source = folder.toAbsolutePath().normalize();
    if (inside.startsWith(source) && !inside.equals(source)) {
      throw BadInputException.of(target, "", "a place inside of " + folder, "one beside it");
    }
    try (OutputFolder output = OutputFolder.prepare(target, force)) {
      output.requireSpace(bytes(model) + SPARE_BYTES);
      copyAllBut(folder, output.path(), List.of("variables", ConversionRecord.FILE_NAME));
      Path prefix = SavedModelReader.checkpointPrefix(output.path());
      Files.createDirectory(prefix.getParent());
      CheckpointUpdate.write(prefix, model.saved().checkpoint(), replacements());
      if (model.record() != null) {
        record().write(output.path());
      }
      output.keep();
    } catch (IOException e) {
      throw failure(target, e);
    }
  }

  private static BadInputException failure(Path target, IOException e) {
    return e instanceof TensorBundleException ? new BadInputException(e.getMessage(), e)
        : new BadInputException(target + ": cannot write: " + e.getMessage(), e);
  }

  private static long bytes(VariableFormulas model) {
    return model.saved().checkpoint().entries().values().stream().mapToLong(e -> e.byteSize()).sum();
  }

  private ConversionRecord record() {
    return model.record().withWeights(new Weights(checkpoint.file(), checkpoint.sha256(), plan.kept().stream().map(Kept::variable).toList()));
  }

  private Map<String, TensorData> replacements() {
    Map<String, TensorData> all = new HashMap<>();
    for (Fill f : plan.fills()) {
      all.put(f.variable().checkpointKey(), data(f.tensor()));
      model.saved().copies(f.variable()).forEach(key -> all.put(key, data(f.tensor())));
    }
    return all;
  }

  private static TensorData data(Tensor t) {
    return new TensorData() {
      @Override
      public long byteSize() {
        return t.byteSize();
      }

      @Override
      public void writeTo(WritableByteChannel out) throws IOException {
        t.writeTo(out);
      }
    };
  }

  private static void copyAllBut(Path from, Path to, List<String> left) throws IOException {
    List<Path> files;
    try (Stream<Path> walk = Files.walk(from)) {
      files = walk.filter(p -> !p.equals(from) && !left.contains(from.relativize(p).getName(0).toString())).toList();
    }
    for (Path p : files) {
      Files.copy(p, to.resolve(from.relativize(p)), StandardCopyOption.COPY_ATTRIBUTES);
    }
  }
}
