package dev.tenon.benchmarks;

import ai.onnxruntime.OrtException;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Measures subjects call by call in turn. A round calls each once, beginning with another one each time. Rounds during which other
 * processes took more than a twentieth of the machine do not count; if there are not enough others when the patience is over all do,
 * and the result says how much of the machine the others had.
 *
 * @param repeat least number of rounds
 * @param seconds quick subjects get more rounds, up to ten times as many, in this time
 * @param patience seconds to wait for undisturbed rounds
 */
record Rounds(int repeat, double seconds, double patience) {
  private static final double CHUNK_SECONDS = 0.4;
  private static final double QUIET = 0.05;

  /** Milliseconds of each call by subject, and the share of the machine that others had, 0 if it is too little to matter. */
  record Times(Map<String, double[]> milliseconds, double disturbed) {}

  /** Rounds one after another, each with the milliseconds of every subject. */
  private record Chunk(double others, List<Map<String, Double>> rounds) {
    boolean isQuiet() {
      return others <= QUIET;
    }
  }

  Times measure(Map<String, Subject> subjects) throws OrtException {
    List<Chunk> chunks = new ArrayList<>();
    List<String> order = List.copyOf(subjects.keySet());
    long start = System.nanoTime();
    int made = 0;
    while (!done(chunks, made, secondsSince(start))) {
      Others others = new Others();
      List<Map<String, Double>> some = new ArrayList<>();
      while (some.isEmpty() || others.seconds() < CHUNK_SECONDS) {
        Map<String, Double> times = new LinkedHashMap<>();
        for (int i = 0; i < order.size(); i++) {
          String name = order.get((made + i) % order.size());
          Subject subject = subjects.get(name);
          long begin = System.nanoTime();
          subject.call();
          times.put(name, (System.nanoTime() - begin) / 1e6);
        }
        some.add(times);
        made++;
      }
      chunks.add(new Chunk(others.share(), some));
    }
    List<Chunk> quiet = chunks.stream().filter(Chunk::isQuiet).toList();
    boolean isEnough = quiet.stream().mapToInt(c -> c.rounds().size()).sum() >= repeat;
    List<Map<String, Double>> used = (isEnough ? quiet : chunks).stream().flatMap(c -> c.rounds().stream()).toList();
    double disturbed = isEnough ? 0 : chunks.stream().mapToDouble(Chunk::others).average().orElse(0);
    Map<String, double[]> times = new LinkedHashMap<>();
    for (String name : order) {
      times.put(name, used.stream().mapToDouble(r -> r.get(name)).toArray());
    }
    return new Times(times, disturbed);
  }

  private boolean done(List<Chunk> chunks, int made, double spent) {
    int quiet = chunks.stream().filter(Chunk::isQuiet).mapToInt(c -> c.rounds().size()).sum();
    return quiet >= repeat && (quiet >= 10 * repeat || spent > seconds) || made >= repeat && spent > Math.max(seconds, patience);
  }

  /** The value below which this share of the values lies, interpolated between neighbours. */
  static double quantile(double[] values, double share) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    double at = share * (sorted.length - 1);
    int below = (int) at;
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
  }

  private static double secondsSince(long nanoTime) {
    return (System.nanoTime() - nanoTime) / 1e9;
  }

  /** How much of the machine other processes have taken since this was made; nothing is known where there is no /proc/stat. */
  private static final class Others {
    private final long start = System.nanoTime();
    private final double busy = busySeconds();
    private final double own = ownSeconds();

    double seconds() {
      return secondsSince(start);
    }

    double share() {
      return (busySeconds() - busy - (ownSeconds() - own)) / (seconds() * Runtime.getRuntime().availableProcessors());
    }

    private static double ownSeconds() {
      return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime() / 1e9;
    }

    /** Of all processors together, since the machine started: user, nice, system, irq, softirq and steal, in hundredths. */
    private static double busySeconds() {
      try {
        String[] fields = Files.readAllLines(Path.of("/proc/stat")).get(0).split("\\s+");
        double sum = 0;
        for (int i : new int[] {1, 2, 3, 6, 7, 8}) {
          sum += Long.parseLong(fields[i]);
        }
        return sum / 100;
      } catch (IOException e) {
        return ownSeconds();
      }
    }
  }
}
