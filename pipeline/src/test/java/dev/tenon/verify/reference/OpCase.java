package dev.tenon.verify.reference;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Tensor;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * A line of {@code aten-cases.txt}: calls of PyTorch's operators on inputs that the line describes.
 *
 * @param text the whole line, which is the case's name
 * @param statements each {@code name = call}, the last one an expression; functions without {@code torch.}
 * @param returns type of the result
 * @param needsShapes cannot be lowered unless the inputs' shapes are known
 * @param missing has no ONNX form yet
 * @param tolerance greatest scaled error
 */
record OpCase(String text, List<String> statements, List<Input> inputs, String returns, boolean needsShapes, boolean missing,
    double tolerance) {
  private static final double TOLERANCE = 1e-5;
  private static final double SPECIAL_SHARE = 0.5;
  private static final double[] SPECIAL = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, 0, -0.0, 1, -1};

  /**
   * An input.
   *
   * @param parameter whether it is a constant of the model
   */
  record Input(String name, Tensor value, boolean parameter) {}

  /** All lines of the table. */
  static List<OpCase> all() throws IOException {
    try (InputStream in = OpCase.class.getResourceAsStream("aten-cases.txt")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().filter(l -> !l.isBlank() && !l.startsWith("#"))
          .map(OpCase::parse).toList();
    }
  }

  static OpCase parse(String line) {
    List<String> fields = Arrays.stream(line.split("\\|")).map(String::strip).toList();
    List<Input> inputs = new ArrayList<>();
    String returns = "Tensor";
    boolean needsShapes = false;
    boolean missing = false;
    double tolerance = TOLERANCE;
    for (String f : fields.subList(1, fields.size())) {
      if (f.startsWith("->")) {
        returns = f.substring(2).strip();
      } else if (f.equals("static")) {
        needsShapes = true;
      } else if (f.equals("missing")) {
        missing = true;
      } else if (f.matches("[\\d.e-]+")) {
        tolerance = Double.parseDouble(f);
      } else {
        inputs.add(input(f, new Random(31L * line.hashCode() + inputs.size())));
      }
    }
    List<String> statements = Arrays.stream(fields.get(0).replace("!", "").split(";")).map(String::strip).toList();
    return new OpCase(line.strip(), statements, inputs, returns, needsShapes, missing, tolerance);
  }

  private static Input input(String text, Random random) {
    String[] words = text.split("\\s+", 4);
    boolean parameter = words[0].endsWith("!");
    DataType type = Arrays.stream(DataType.values()).filter(t -> t.label().equals(words[1])).findFirst()
        .orElseThrow(() -> new IllegalArgumentException(text));
    boolean scalar = words.length < 3 || !words[2].matches("\\d+(,\\d+)*");
    long[] dims = scalar ? new long[0] : Arrays.stream(words[2].split(",")).mapToLong(Long::parseLong).toArray();
    String what = scalar ? words.length < 3 ? "" : words[2] : words.length < 4 ? "" : words[3];
    int n = (int) Arrays.stream(dims).reduce(1, (a, b) -> a * b);
    double[] values = values(n, type, what, random);
    return new Input(words[0].replace("!", ""), Tensor.of(values, dims).cast(type).evaluated(), parameter);
  }

  private static double[] values(int n, DataType type, String what, Random random) {
    double[] v = new double[n];
    if (what.startsWith("=")) {
      String[] given = what.substring(1).strip().split(",");
      for (int i = 0; i < n; i++) {
        v[i] = Double.parseDouble(given[i].strip());
      }
      return v;
    }
    boolean range = what.contains("..");
    double low = range ? Double.parseDouble(what.substring(0, what.indexOf("..", 1))) : -4;
    double high = range ? Double.parseDouble(what.substring(what.indexOf("..", 1) + 2)) : 4;
    for (int i = 0; i < n; i++) {
      if (type == DataType.BOOL) {
        v[i] = random.nextInt(2);
      } else if (!type.isFloat()) {
        v[i] = low + random.nextInt((int) (high - low) + 1);
      } else if (range) {
        v[i] = low + random.nextDouble() * (high - low);
      } else {
        v[i] = what.equals("special") && random.nextDouble() < SPECIAL_SHARE ? SPECIAL[random.nextInt(SPECIAL.length)] : random.nextGaussian();
      }
    }
    return v;
  }

  /** The statements as TorchScript writes them. */
  List<String> torchScript() {
    List<String> body = new ArrayList<>();
    for (int i = 0; i < statements.size(); i++) {
      String s = statements.get(i).replaceAll("\\?(\\[[^\\]]*])", "annotate(List[Optional[Tensor]], $1)")
          .replaceAll("(?<![\\w.])(?!annotate\\b)([A-Za-z_]\\w*)\\(", "torch.$1(");
      body.add(i == statements.size() - 1 ? "return " + s : s.matches("\\w+ = .*") ? s : "_" + i + " = " + s);
    }
    return body;
  }
}
