package dev.tenon.ir.testing;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The sizes and ranges of inputs that {@code testmodels/models.json} gives for each fixture; one model a line. */
public final class Manifest {
  private static final Pattern INPUT = Pattern.compile(
      "\"(\\w+)\": \\{\"dtype\": \"(\\w+)\", \"sizes\": \\[(\\[[\\d, \\[\\]]*\\])\\](?:, \"range\": \\[(-?\\d+), (-?\\d+)\\])?(?:, \"values\": \"(\\w+)\")?");

  private Manifest() {}

  /** Random inputs for a fixture, one set for each size in the manifest; empty if the fixture is not in it. */
  public static List<RandomInputs> inputs(Path fixture) {
    String line = lineOf(fixture);
    List<RandomInputs> all = new ArrayList<>();
    Matcher m = INPUT.matcher(line);
    while (m.find()) {
      String[] sizes = m.group(3).split("\\], \\[");
      for (int i = 0; i < sizes.length; i++) {
        if (all.size() <= i) {
          all.add(RandomInputs.seeded(i + 1));
        }
        String digits = sizes[i].replaceAll("[\\[\\] ]", "");
        long[] dims = digits.isEmpty() ? new long[0] : Arrays.stream(digits.split(",")).mapToLong(Long::parseLong).toArray();
        all.get(i).given(m.group(1), tensor(m, dims, i + 1));
      }
    }
    return all;
  }

  private static String lineOf(Path fixture) {
    String relative = Fixtures.root().resolve("testmodels").relativize(fixture).toString();
    try {
      return Files.readAllLines(Fixtures.root().resolve("testmodels/models.json")).stream()
          .filter(l -> l.contains("\"source\": \"" + relative + "\"")).findFirst().orElse("");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Tensor tensor(Matcher m, long[] dims, int seed) {
    DataType type = DataType.ofLabel(m.group(2)).orElseThrow();
    if ("attention_mask".equals(m.group(6))) {
      return mask(dims);
    }
    if (m.group(4) == null) {
      return RandomInputs.tensor(type, dims, seed);
    }
    long from = Long.parseLong(m.group(4));
    long to = Long.parseLong(m.group(5));
    Random random = new Random(seed);
    long[] values = new long[Math.toIntExact(Arrays.stream(dims).reduce(1, (a, b) -> a * b))];
    Arrays.setAll(values, i -> from + (long) (random.nextDouble() * (to - from + 1)));
    return Tensor.of(values, dims).cast(type).evaluated();
  }

  /** Ones, with padding at the end of each row but the first, one longer in each. */
  private static Tensor mask(long[] dims) {
    long[] values = new long[Math.toIntExact(dims[0] * dims[1])];
    for (int i = 0; i < values.length; i++) {
      values[i] = i % dims[1] < dims[1] - i / dims[1] ? 1 : 0;
    }
    return Tensor.of(values, dims);
  }
}
