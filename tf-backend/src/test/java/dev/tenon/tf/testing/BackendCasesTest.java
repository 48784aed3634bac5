package dev.tenon.tf.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/**
 * The ONNX backend cases against the list of those that pass. The cases are not in the repository: {@code -Dtenon.backend.cases=FOLDER}
 * names the unpacked archive, without it nothing runs. After progress write the list anew with {@link BackendCases#main} and
 * {@code -Dtenon.passing=FILE}.
 */
class BackendCasesTest {

  @Test
  void whatPassedPassesAndWhatPassesIsListed() throws IOException {
    String folder = System.getProperty("tenon.backend.cases");
    assumeTrue(folder != null, "no -Dtenon.backend.cases");
    Set<String> listed = new TreeSet<>(List.of(manifest().split("\n")));
    Set<String> passing = new TreeSet<>();
    for (Path p : BackendCases.folders(Path.of(folder))) {
      if (BackendCases.run(p).outcome() == BackendCases.Outcome.PASS) {
        passing.add(p.getFileName().toString());
      }
    }
    Set<String> lost = new TreeSet<>(listed);
    lost.removeAll(passing);
    assertEquals(Set.of(), lost, "cases that used to pass");
    passing.removeAll(listed);
    assertEquals(Set.of(), passing, "cases that pass and are not listed");
  }

  private static String manifest() throws IOException {
    try (InputStream in = BackendCasesTest.class.getResourceAsStream("/backend-cases-passing.txt")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8).strip();
    }
  }
}
