package dev.tenon.convert;

import java.util.LinkedHashMap;
import java.util.Map;

/** Takes the time of each phase and passes the word on. */
final class Phases {
  private final Map<String, Long> nanos = new LinkedHashMap<>();
  private final Progress progress;
  private String current;
  private long start;

  Phases(Progress progress) {
    this.progress = progress;
  }

  void begin(String name) {
    stop();
    current = name;
    start = System.nanoTime();
    progress.phase(name);
  }

  void stop() {
    if (current != null) {
      nanos.merge(current, System.nanoTime() - start, Long::sum);
      current = null;
    }
  }

  Progress progress() {
    return progress;
  }

  /** Phase to milliseconds, in the order of their first beginning. */
  Map<String, Long> millis() {
    Map<String, Long> millis = new LinkedHashMap<>();
    nanos.forEach((name, n) -> millis.put(name, Math.round(n / 1e6)));
    return millis;
  }
}
