package dev.tenon.frontend.aten;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * PyTorch's operators give in ONNX Runtime what they gave in PyTorch: all recorded calls, with the shapes of their inputs known and
 * unknown. {@code -Dtenon.cases=pooling} replays one family, {@code -Dtenon.cases.dump=FOLDER} writes the models.
 */
class AtenCasesTest {

  @TestFactory
  Stream<DynamicContainer> recordedCallsGiveTheSame() throws Exception {
    return families().stream().map(f -> DynamicContainer.dynamicContainer(f, tests(f)));
  }

  private static List<String> families() throws Exception {
    String only = System.getProperty("tenon.cases");
    if (only != null) {
      return List.of(only.split(","));
    }
    try (Stream<Path> files = Files.list(Path.of(AtenCasesTest.class.getResource("pooling.json").toURI()).getParent())) {
      return files.map(p -> p.getFileName().toString()).filter(n -> n.endsWith(".json")).map(n -> n.replace(".json", "")).sorted().toList();
    }
  }

  private static Stream<DynamicTest> tests(String family) {
    try {
      return AtenCase.family(family).stream().flatMap(c -> c.hasSymbolicReplay()
          ? Stream.of(DynamicTest.dynamicTest(c.toString(), () -> c.replay(false)),
              DynamicTest.dynamicTest(c + ", unknown sizes", () -> c.replay(true)))
          : Stream.of(DynamicTest.dynamicTest(c.toString(), () -> c.replay(false))));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  /** Replays without JUnit, for a quick loop: families as arguments, failures on standard output. */
  public static void main(String[] families) throws Exception {
    int run = 0;
    int failed = 0;
    for (String family : families.length == 0 ? families() : List.of(families)) {
      for (AtenCase c : AtenCase.family(family)) {
        for (boolean symbolic : c.hasSymbolicReplay() ? new boolean[] {false, true} : new boolean[] {false}) {
          run++;
          try {
            c.replay(symbolic);
          } catch (Exception | AssertionError | StackOverflowError e) {
            failed++;
            System.out.println(c + (symbolic ? ", unknown sizes" : "") + ": " + e);
            if (System.getProperty("tenon.cases.trace") != null) {
              e.printStackTrace(System.out);
            }
          }
        }
      }
    }
    System.out.println(run + " replays, " + failed + " failed");
  }
}
