package dev.tenon.frontend;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.diag.BadInputException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Models inside Maven artifacts, in a local repository made for the test. */
class ModelSourceTest {
  private static final byte[] CONTENT = {1, 2, 3, 4, 5};

  @TempDir
  private Path root;

  private MavenRepository repository(String version, String... entries) throws IOException {
    Path jar = root.resolve("org/acme/models/" + version + "/models-" + version + ".jar");
    Files.createDirectories(jar.getParent());
    try (OutputStream file = Files.newOutputStream(jar); ZipOutputStream zip = new ZipOutputStream(file)) {
      for (String e : entries) {
        zip.putNextEntry(new ZipEntry(e));
        zip.write(CONTENT);
        zip.closeEntry();
      }
    }
    return new MavenRepository(root, line -> { });
  }

  @Test
  void entryIsCopiedOutAndGoneAfterwards() throws IOException {
    MavenRepository repository = repository("1.0", "a/first.onnx", "a/second.onnx", "a/README");
    Path copy;
    try (ModelSource source = ModelSource.inArtifact("maven:org.acme:models:1.0!/a/second.onnx", repository)) {
      copy = source.file();
      assertArrayEquals(CONTENT, Files.readAllBytes(copy));
      assertEquals("second.onnx", source.fileName());
      assertEquals("second", source.baseName());
      assertEquals("maven:org.acme:models:1.0!/a/second.onnx", source.spec());
      assertFalse(source.isFile());
    }
    assertFalse(Files.exists(copy.getParent()));
  }

  @Test
  void onlyModelNeedsNoEntry() throws IOException {
    try (ModelSource source = ModelSource.inArtifact("maven:org.acme:models:2.0", repository("2.0", "x/only.onnx", "notes.txt"))) {
      assertEquals("maven:org.acme:models:2.0!/x/only.onnx", source.spec());
    }
  }

  @Test
  void wrongEntryListsTheModelsThereAre() throws IOException {
    MavenRepository repository = repository("1.0", "a/first.onnx", "a/second.onnx");
    for (String spec : List.of("maven:org.acme:models:1.0!/a/third.onnx", "maven:org.acme:models:1.0")) {
      BadInputException e = assertThrows(BadInputException.class, () -> ModelSource.inArtifact(spec, repository));
      assertTrue(e.getMessage().contains("a/first.onnx, a/second.onnx"), e.getMessage());
    }
  }

  @Test
  void coordinatesThatClimbOutOfTheRepositoryAreRefused() {
    for (String spec : List.of("maven:..:models:1", "maven:org:../../etc:1", "maven:org:a", "maven:org:a:", "maven:/org:a:1", "maven:a..b:c:1")) {
      assertThrows(BadInputException.class, () -> MavenCoordinates.parse(spec), spec);
    }
  }

  @Test
  void entryNamesThatClimbAreOnlyNames() throws IOException {
    MavenRepository repository = repository("3.0", "../../evil.onnx");
    try (ModelSource source = ModelSource.inArtifact("maven:org.acme:models:3.0!/../../evil.onnx", repository)) {
      assertEquals("evil.onnx", source.file().getFileName().toString());
      assertTrue(source.file().getParent().getFileName().toString().startsWith("tenon-model-"));
    }
  }

  @Test
  void jarThatIsNoneIsBadInput() throws IOException {
    MavenRepository repository = repository("4.0", "a.onnx");
    Files.writeString(root.resolve("org/acme/models/4.0/models-4.0.jar"), "no zip");
    BadInputException e = assertThrows(BadInputException.class, () -> ModelSource.inArtifact("maven:org.acme:models:4.0", repository));
    assertTrue(e.getMessage().contains("zip archive"), e.getMessage());
  }

  @Test
  void settingsNameTheLocalRepository() throws IOException {
    Path settings = root.resolve("settings.xml");
    Files.writeString(settings, "<settings><!-- c --><localRepository> ${user.home}/repo </localRepository></settings>");
    assertEquals(System.getProperty("user.home") + "/repo", MavenRepository.configuredIn(settings));
    Files.writeString(settings, "<settings/>");
    assertEquals("", MavenRepository.configuredIn(settings));
    assertEquals("", MavenRepository.configuredIn(root.resolve("none.xml")));
  }
}
