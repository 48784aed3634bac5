package dev.tenon.frontend.torchscript;

import dev.tenon.frontend.archive.TorchArchive;
import dev.tenon.frontend.pickle.PickleTuple;
import dev.tenon.frontend.pickle.TorchPickle;
import dev.tenon.ir.diag.BadInputException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * From places in an archive's code to lines of the user's Python, by the {@code .debug_pkl} beside each file. Its form, since PyTorch 1.12:
 * the words {@code FORMAT_WITH_STRING_TABLE}, a tuple of texts, and records of an offset in the code and a range in a source, which is a
 * list of texts, a file name and the line it begins at. A traced source is a call stack, {@code model.py(12): forward}. What cannot be
 * read counts as not there.
 */
final class SourceLines {
  private static final Pattern STACK_FRAME = Pattern.compile("(.+)\\((\\d+)\\): .*\\s*");

  private final TorchArchive archive;
  private final Map<String, TreeMap<Long, String>> byEntry = new HashMap<>();

  SourceLines(TorchArchive archive) {
    this.archive = archive;
  }

  /** {@code /home/me/model.py:12}; the line of the archive's own code where no other is known. */
  String find(String entry, Ast.Position at) {
    Map.Entry<Long, String> e = byEntry.computeIfAbsent(entry, this::read).floorEntry((long) at.offset());
    return e == null || e.getValue().isEmpty() ? entry + ":" + at.line() : e.getValue();
  }

  private TreeMap<Long, String> read(String entry) {
    TreeMap<Long, String> lines = new TreeMap<>();
    String debug = entry + ".debug_pkl";
    if (!archive.has(debug)) {
      return lines;
    }
    try {
      if (TorchPickle.read(archive, debug, "data", TorchPickle.Kind.TORCHSCRIPT) instanceof PickleTuple t && t.size() == 3
          && t.get(1) instanceof PickleTuple texts && t.get(2) instanceof PickleTuple records) {
        for (Object r : records.items()) {
          add(lines, texts, r);
        }
      }
    } catch (BadInputException unreadable) {
      lines.clear();
    }
    return lines;
  }

  private static void add(TreeMap<Long, String> lines, PickleTuple texts, Object pickled) {
    if (pickled instanceof PickleTuple r && r.size() >= 2 && r.get(0) instanceof Long offset && r.get(1) instanceof PickleTuple range
        && range.size() == 3 && range.get(0) instanceof PickleTuple source && source.size() == 3 && range.get(1) instanceof Long start) {
      lines.put(offset, line(texts, source, start));
    }
  }

  private static String line(PickleTuple texts, PickleTuple source, long start) {
    if (!(source.get(0) instanceof List<?> parts) || parts.isEmpty()) {
      return "";
    }
    Matcher frame = STACK_FRAME.matcher(text(texts, parts.get(0)));
    if (frame.matches()) {
      return frame.group(1) + ":" + frame.group(2);
    }
    String file = text(texts, source.get(1));
    if (file.isEmpty() || !(source.get(2) instanceof Long first)) {
      return "";
    }
    long line = first;
    long left = start;
    for (Object part : parts) {
      String text = text(texts, part);
      for (int i = text.indexOf('\n'); i >= 0 && i < left; i = text.indexOf('\n', i + 1)) {
        line++;
      }
      left -= text.length();
      if (left <= 0) {
        break;
      }
    }
    return file + ":" + line;
  }

  private static String text(PickleTuple texts, Object index) {
    return index instanceof Long i && i >= 0 && i < texts.size() && texts.get(i.intValue()) instanceof String s ? s : "";
  }
}
