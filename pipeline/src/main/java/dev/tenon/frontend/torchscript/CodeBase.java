package dev.tenon.frontend.torchscript;

import dev.tenon.frontend.archive.TorchArchive;
import dev.tenon.ir.diag.BadInputException;
import java.util.HashMap;
import java.util.Map;

/** The code of an archive: finds classes and functions by their qualified names, and parses each file when it is first needed. */
final class CodeBase {
  /** Code longer than this was not printed by PyTorch for a model that we could convert. */
  private static final long MAX_BYTES = 1L << 27;

  private final TorchArchive archive;
  private final Map<String, Ast.Unit> units = new HashMap<>();
  private final Map<String, CodeClass> classes = new HashMap<>();
  private long bytes;

  CodeBase(TorchArchive archive) {
    this.archive = archive;
  }

  /** What messages call the archive. */
  String label() {
    return archive.label();
  }

  /** The class with a qualified name, or null. */
  CodeClass findClass(String qualified) {
    CodeClass known = classes.get(qualified);
    if (known == null) {
      Ast.Unit unit = unitOf(qualified);
      Ast.ClassDef def = unit == null ? null : unit.classes().get(lastOf(qualified));
      if (def == null) {
        return null;
      }
      known = new CodeClass(qualified, def, unit);
      classes.put(qualified, known);
    }
    return known;
  }

  /** The function with a qualified name, or null. */
  Ast.FunctionDef findFunction(String qualified) {
    Ast.Unit unit = unitOf(qualified);
    return unit == null ? null : unit.functions().get(lastOf(qualified));
  }

  /** The file in which something of this qualified name would be; null if there is no such file. */
  Ast.Unit unitOf(String qualified) {
    int dot = qualified.lastIndexOf('.');
    if (dot < 0) {
      return null;
    }
    String entry = "code/" + qualified.substring(0, dot).replace('.', '/') + ".py";
    Ast.Unit unit = units.get(entry);
    if (unit == null && archive.has(entry)) {
      bytes += archive.size(entry);
      if (bytes > MAX_BYTES) {
        throw BadInputException.of(archive.label(), entry, "more than " + MAX_BYTES + " bytes of code", "less");
      }
      unit = Parser.parse(archive.label(), entry, archive.text(entry));
      units.put(entry, unit);
    }
    return unit;
  }

  private static String lastOf(String qualified) {
    return qualified.substring(qualified.lastIndexOf('.') + 1);
  }
}
