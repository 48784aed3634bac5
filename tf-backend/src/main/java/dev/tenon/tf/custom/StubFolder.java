package dev.tenon.tf.custom;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tenon.ir.diag.BadInputException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * A folder of stubs: for each operator the glue, written anew each time, and the kernel, the user's; {@code CMakeLists.txt} and
 * {@code build.sh}, written once; and {@code stubs.json}, which says what is in it.
 *
 * @param path the folder
 * @param language what the kernels are written in
 * @param library the library's name, without {@code lib} and ending
 * @param operators the source's name of each operator to TensorFlow's
 */
public record StubFolder(Path path, Language language, String library, Map<String, String> operators) {
  private static final String RECORD = "stubs.json";
  private static final int FORMAT = 1;

  /** What kernels are written in. */
  public enum Language {
    C("c", "C", "${CC:-gcc}"), CPP("cc", "CXX", "${CXX:-g++}");

    private final String extension;
    private final String cmake;
    private final String compiler;

    Language(String extension, String cmake, String compiler) {
      this.extension = extension;
      this.cmake = cmake;
      this.compiler = compiler;
    }

    String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * An operator to write a stub for.
   *
   * @param places where it is used
   */
  public record Stub(OperatorSignature signature, List<String> places, Body body, LayoutKind layout) {}

  /**
   * What was written.
   *
   * @param written names of files
   * @param kept names of files that are the user's, and were there
   */
  public record Result(StubFolder folder, List<String> written, List<String> kept) {}

  /** The library that is built. */
  public Path libraryFile() {
    return path.resolve("lib" + library + "." + TensorFlowLibrary.extension());
  }

  /** The folder of the tests' cases. */
  public Path cases() {
    return path.resolve("cases");
  }

  /**
   * Writes stubs, beside those that are there.
   *
   * @param library the library's name if the folder is new
   * @throws BadInputException if the folder holds something else, or two operators get one name
   */
  public static Result write(Path dir, List<Stub> stubs, Language language, String library) {
    StubFolder old = Files.isRegularFile(dir.resolve(RECORD)) ? read(dir) : null;
    if (old != null && old.language != language) {
      throw BadInputException.of(dir, "", "stubs in " + old.language.label(), "--lang " + old.language.label() + ", or another folder");
    }
    Map<String, String> operators = new LinkedHashMap<>(old == null ? Map.of() : old.operators);
    for (Stub s : stubs) {
      operators.put(s.signature.operator(), s.signature.name());
    }
    checkNames(operators);
    StubFolder folder = new StubFolder(dir, language, old == null ? library : old.library, operators);
    List<String> written = new ArrayList<>();
    List<String> kept = new ArrayList<>();
    try {
      Files.createDirectories(dir);
      folder.put("tenon_tf.h", Template.resource("tenon_tf.h.txt"), written);
      for (Stub s : stubs) {
        folder.write(s, written, kept);
      }
      folder.putOnce("CMakeLists.txt", folder.fill(Template.of("cmake.txt")), written, kept);
      folder.putOnce("build.sh", folder.fill(Template.of("build.sh.txt")), written, kept);
      folder.put(RECORD, folder.toJson(), written);
    } catch (IOException e) {
      throw BadInputException.of(dir, "", "that it cannot be written (" + e.getMessage() + ")", "a folder for the stubs");
    }
    return new Result(folder, written, kept);
  }

  private static void checkNames(Map<String, String> operators) {
    Map<String, String> byPrefix = new LinkedHashMap<>();
    operators.forEach((operator, name) -> {
      String other = byPrefix.put(Identifiers.snakeCase(name), operator);
      if (other != null) {
        throw new BadInputException("operators " + other + " and " + operator + ": found one name for both in TensorFlow, " + name
            + ", expected two; give one of them another with 'op:' in ops.yaml");
      }
    });
  }

  private void write(Stub s, List<String> written, List<String> kept) throws IOException {
    boolean cpp = language == Language.CPP;
    String prefix = s.signature.prefix();
    String kernel = prefix + "_kernel." + language.extension;
    GlueText glue = new GlueText(s.signature, cpp);
    put(prefix + ".h", glue.header(kernel), written);
    put(prefix + "_op." + language.extension, glue.glue(kernel), written);
    putOnce(kernel, new KernelText(s.signature, s.body, cpp, s.layout).text(s.places, kernel), written, kept);
  }

  private String fill(Template t) {
    return t.fill("LIBRARY", library).fill("LANGUAGE", language.cmake).fill("EXTENSION", language.extension)
        .fill("FRAMEWORK", TensorFlowLibrary.fileName()).fill("COMPILER", language.compiler).fill("SHARED",
            TensorFlowLibrary.extension()).text();
  }

  private void put(String name, String text, List<String> written) throws IOException {
    Files.writeString(path.resolve(name), text);
    written.add(name);
  }

  private void putOnce(String name, String text, List<String> written, List<String> kept) throws IOException {
    if (Files.exists(path.resolve(name))) {
      kept.add(name);
    } else {
      put(name, text, written);
    }
  }

  private String toJson() {
    ObjectNode o = new ObjectMapper().createObjectNode();
    o.put("format", FORMAT).put("language", language.label()).put("library", library);
    ObjectNode ops = o.putObject("operators");
    operators.forEach(ops::put);
    return o.toPrettyString() + "\n";
  }

  /** Reads what is in a folder of stubs. */
  public static StubFolder read(Path dir) {
    Path file = dir.resolve(RECORD);
    if (!Files.isRegularFile(file)) {
      throw BadInputException.of(dir, "", Files.isDirectory(dir) ? "no " + RECORD : "no such folder",
          "a folder that 'tenon stubs MODEL -o DIR' wrote");
    }
    try {
      JsonNode o = new ObjectMapper().readTree(Files.readString(file, StandardCharsets.UTF_8));
      String library = o.path("library").asText();
      String lang = o.path("language").asText();
      if (o.path("format").asInt() != FORMAT || !library.matches("[A-Za-z0-9_-]+") || !lang.equals("c") && !lang.equals("cpp")) {
        throw BadInputException.of(file, "", "another format", "format 1 with library and language");
      }
      Map<String, String> operators = new LinkedHashMap<>();
      o.path("operators").properties().forEach(e -> operators.put(e.getKey(), e.getValue().asText()));
      return new StubFolder(dir, lang.equals("c") ? Language.C : Language.CPP, library, operators);
    } catch (IOException e) {
      throw BadInputException.of(file, "", "no JSON (" + String.valueOf(e.getMessage()).lines().findFirst().orElse("") + ")",
          "what 'tenon stubs' wrote");
    }
  }
}
