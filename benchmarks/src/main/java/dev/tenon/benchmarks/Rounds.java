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
 * processes took more than a twentieth of the machine count only if there are not enough others when the patience is over.
 *
 * @param repeat least number of rounds
 * @param seconds quick subjects get more rounds, up to ten times as many, in this time
 * @param patience seconds to wait for undisturbed rounds
 */
record Rounds(int repeat, double seconds, double patience) {
  private static final double CHUNK_SECONDS = 0.4;
  private static final double MOST_OTHERS = 0.05;

  /** Milliseconds of each call by subject, and the share of the rounds that were disturbed. */
  record Times(Map<String, double[]> milliseconds, double disturbed) {}

  Times measure(Map<String, Subject> subjects) throws OrtException {
    List<Map<String, Double>> quiet = new ArrayList<>();
    List<Map<String, Double>> noisy = new ArrayList<>();
    List<String> order = List.copyOf(subjects.keySet());
    long start = System.nanoTime();
    while (!done(quiet.size(), noisy.size(), secondsSince(start))) {
      Others others = new Others();
      List<Map<String, Double>> some = new ArrayList<>();
      while (some.isEmpty() || others.seconds() < CHUNK_SECONDS) {
        int first = (quiet.size() + noisy.size() + some.size()) % order.size();
        Map<String, Double> times = new LinkedHashMap<>();
        for (int i = 0; i < order.size(); i++) {
          String name = order.get((first + i) % order.size());
          Subject subject = subjects.get(name);
          long begin = System.nanoTime();
          subject.call();
          times.put(name, (System.nanoTime() - begin) / 1e6);
        }
        some.add(times);
      }
      (others.share() <= MOST_OTHERS ? quiet : noisy).addAll(some);
    }
    boolean enough = quiet.size() >= repeat;
    List<Map<String, Double>> used = new ArrayList<>(quiet);
    used.addAll(enough ? List.of() : noisy);
    Map<String, double[]> times = new LinkedHashMap<>();
    for (String name : order) {
      times.put(name, used.stream().mapToDouble(r -> r.get(name)).toArray());
    }
    return new Times(times, enough ? 0 : (double) noisy.size() / used.size());
  }

  private boolean done(int quiet, int noisy, double spent) {
    return quiet >= repeat && (quiet >= 10 * repeat || spent > seconds)
        || quiet + noisy >= repeat && spent > Math.max(seconds, patience);
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
