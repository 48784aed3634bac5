package dev.tenon.frontend;

import dev.tenon.ir.diag.BadInputException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamConstants;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;

/**
 * The local Maven repository as a source of models. What is not there is fetched by running {@code mvn}, so that the user's own
 * settings, mirrors and credentials apply; Tenon itself opens no connection.
 */
public final class MavenRepository {
  private static final String GET = "org.apache.maven.plugins:maven-dependency-plugin:3.9.0:get";
  private static final long FETCH_MINUTES = 30;

  private final Path root;
  private final Consumer<String> log;

  /**
   * A repository in a folder.
   *
   * @param log is told in a line when something is fetched
   */
  public MavenRepository(Path root, Consumer<String> log) {
    this.root = root;
    this.log = log;
  }

  /** The user's: {@code -Dmaven.repo.local}, else what {@code ~/.m2/settings.xml} says, else {@code ~/.m2/repository}. */
  public static MavenRepository local(Consumer<String> log) {
    String given = System.getProperty("maven.repo.local", "");
    Path maven = Path.of(System.getProperty("user.home"), ".m2");
    String configured = given.isEmpty() ? configuredIn(maven.resolve("settings.xml")) : given;
    return new MavenRepository(configured.isEmpty() ? maven.resolve("repository") : Path.of(configured), log);
  }

  static String configuredIn(Path settings) {
    if (!Files.isRegularFile(settings)) {
      return "";
    }
    XMLInputFactory factory = XMLInputFactory.newInstance();
    factory.setProperty(XMLInputFactory.SUPPORT_DTD, false);
    factory.setProperty(XMLInputFactory.IS_SUPPORTING_EXTERNAL_ENTITIES, false);
    try (InputStream in = Files.newInputStream(settings)) {
      XMLStreamReader xml = factory.createXMLStreamReader(in);
      while (xml.hasNext()) {
        if (xml.next() == XMLStreamConstants.START_ELEMENT && xml.getLocalName().equals("localRepository")) {
          return xml.getElementText().trim().replace("${user.home}", System.getProperty("user.home"));
        }
      }
      return "";
    } catch (IOException | XMLStreamException e) {
      // Maven will complain of it itself; the default is as good a guess as any.
      return "";
    }
  }

  /** The artifact's jar, fetched if it is not there. */
  public Path jar(MavenCoordinates at) {
    Path jar = at.jarIn(root);
    if (!Files.isRegularFile(jar)) {
      fetch(at);
    }
    if (!Files.isRegularFile(jar)) {
      throw BadInputException.of(at, "", "no " + jar.getFileName() + " in the local repository after fetching", "a jar");
    }
    return jar;
  }

  private void fetch(MavenCoordinates at) {
    log.accept("fetching " + at.forMaven() + " with Maven");
    boolean windows = System.getProperty("os.name").startsWith("Windows");
    ProcessBuilder maven = new ProcessBuilder(List.of(windows ? "mvn.cmd" : "mvn", "-q", "-B", GET,
        "-Dartifact=" + at.forMaven(), "-Dtransitive=false", "-Dmaven.repo.local=" + root.toAbsolutePath()));
    maven.redirectErrorStream(true).redirectInput(ProcessBuilder.Redirect.PIPE);
    Process process;
    try {
      process = maven.start();
    } catch (IOException e) {
      throw BadInputException.of(at, "", "the artifact in no local repository, and no mvn on the PATH to fetch it",
          "the artifact in " + root + "; install Maven or run: mvn dependency:get -Dartifact=" + at.forMaven() + " -Dtransitive=false");
    }
    try {
      process.getOutputStream().close();
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (!process.waitFor(FETCH_MINUTES, TimeUnit.MINUTES) || process.exitValue() != 0) {
        String why = output.lines().filter(l -> l.contains("ERROR")).map(l -> l.replaceFirst("^.*ERROR\\]?\\s*", ""))
            .filter(l -> !l.isBlank()).findFirst().orElse("Maven failed");
        throw BadInputException.of(at, "", "no such artifact (" + why + ")", "one that Maven can fetch");
      }
    } catch (IOException e) {
      throw new BadInputException(at + ": cannot fetch: " + e.getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BadInputException(at + ": interrupted while fetching", e);
    } finally {
      process.destroy();
    }
  }

  /** The models in an artifact, in the jar's order. */
  public List<String> models(MavenCoordinates at) {
    try (ZipFile zip = new ZipFile(jar(at).toFile())) {
      return models(zip);
    } catch (IOException e) {
      throw unreadable(at, e);
    }
  }

  private static List<String> models(ZipFile zip) {
    return zip.stream().filter(e -> !e.isDirectory()).map(ZipEntry::getName).filter(SourceFormat::looksLikeModel).toList();
  }

  private static BadInputException unreadable(MavenCoordinates at, IOException e) {
    return e instanceof ZipException
        ? BadInputException.of(at, "", "a jar that cannot be read (" + e.getMessage() + ")", "a zip archive")
        : new BadInputException(at + ": " + e.getMessage(), e);
  }

  /** The coordinates with the entry filled in: the given one if it exists, or the only model in the jar. */
  public MavenCoordinates complete(MavenCoordinates at) {
    try (ZipFile zip = new ZipFile(jar(at).toFile())) {
      List<String> models = models(zip);
      if (at.entry().isEmpty()) {
        if (models.size() == 1) {
          return at.withEntry(models.get(0));
        }
        throw BadInputException.of(at, "", models.isEmpty() ? "no .onnx, .pt2 or .pt entry in the jar" : models.size() + " models",
            models.isEmpty() ? "one" : "one of them after '!/': " + String.join(", ", models));
      }
      ZipEntry entry = zip.getEntry(at.entry());
      if (entry == null || entry.isDirectory()) {
        throw BadInputException.of(at, "", "no entry '" + at.entry() + "' in the jar",
            models.isEmpty() ? "a model, of which the jar has none" : "one of: " + String.join(", ", models));
      }
      return at;
    } catch (IOException e) {
      throw unreadable(at, e);
    }
  }

  /**
   * Copies an entry out of its jar, into a file of its own that can be mapped.
   *
   * @return the copy, in {@code folder}, under the entry's last name
   */
  public Path copy(MavenCoordinates at, Path folder) {
    try (ZipFile zip = new ZipFile(jar(at).toFile())) {
      ZipEntry entry = zip.getEntry(at.entry());
      String name = at.entry().substring(at.entry().lastIndexOf('/') + 1);
      // A name is used for a file only if it is plainly one.
      Path copy = folder.resolve(name.matches("[\\w.+-]+") && !name.startsWith(".") ? name : "model.onnx");
      long room = Files.getFileStore(folder).getUsableSpace();
      if (entry.getSize() > room) {
        throw BadInputException.of(at, "", "an entry of " + entry.getSize() + " bytes",
            "at most the " + room + " bytes free in " + folder.getParent() + " (choose another place with -Djava.io.tmpdir)");
      }
      copyChecked(at, zip, entry, copy);
      return copy;
    } catch (IOException e) {
      throw unreadable(at, e);
    }
  }

  /** Believes neither the entry's size nor its bytes: both must be what the archive's directory says. */
  private static void copyChecked(MavenCoordinates at, ZipFile zip, ZipEntry entry, Path copy) throws IOException {
    CRC32 crc = new CRC32();
    long size = 0;
    try (InputStream in = zip.getInputStream(entry); OutputStream out = Files.newOutputStream(copy)) {
      byte[] buffer = new byte[1 << 16];
      for (int n = in.read(buffer); n >= 0 && size <= entry.getSize(); n = in.read(buffer)) {
        out.write(buffer, 0, n);
        crc.update(buffer, 0, n);
        size += n;
      }
    }
    if (size != entry.getSize() || crc.getValue() != entry.getCrc()) {
      throw BadInputException.of(at, "", (size != entry.getSize() ? "another size" : "other bytes") + " than the jar's directory says",
          entry.getSize() + " bytes with checksum " + Long.toHexString(entry.getCrc()));
    }
  }
}
