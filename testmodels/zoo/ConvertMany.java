import dev.tenon.cli.Tenon;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/**
 * Runs commands of Tenon one after another in one Java: reads lines of arguments separated by tabs, and answers each with its output and
 * a line of the exit code. For zoo.py, which has hundreds of models to convert; run from source, with Tenon's class path.
 */
public final class ConvertMany {
  private static final String END = "=== exit ";

  private ConvertMany() {}

  public static void main(String[] args) throws Exception {
    PrintStream answers = System.out;
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      int code;
      try (PrintStream said = new PrintStream(bytes, false, StandardCharsets.UTF_8)) {
        code = Tenon.run(line.split("\t"), said, said);
      }
      answers.println(bytes.toString(StandardCharsets.UTF_8));
      answers.println(END + code);
      answers.flush();
      System.gc();
    }
  }
}
