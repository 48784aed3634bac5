package dev.tenon.frontend.pickle;

import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/** Tells the pickles of whole models, which need their Python classes, from others that name what they may not. */
final class WholeModels {
  /** What to do with a model saved whole. */
  static final String ADVICE = "a state_dict, or an exported program; in Python: model = torch.load(path, weights_only=False).eval(); "
      + "program = torch.export.export(model, args); torch.export.save(program, \"model.pt2\")"
      + " (for the weights alone: torch.save(model.state_dict(), \"weights.pth\"))";
  private static final Pattern MODEL_MODULE = Pattern.compile(
      "(.*\\.)?(nn|models?|modules?|networks?|nets?|layers?|backbones?|heads?|timm|torchvision|transformers)(\\..*)?");
  private static final Set<String> NOT_MODELS = Set.of("os", "posix", "nt", "sys", "subprocess", "builtins", "__builtin__", "shutil",
      "socket", "runpy", "importlib", "operator", "functools", "pickle", "code", "ctypes", "pty", "pdb", "timeit", "webbrowser", "types",
      "copyreg", "copy_reg", "torch", "asyncio", "multiprocessing", "threading", "tempfile", "io", "codecs", "_codecs");

  private WholeModels() {}

  /**
   * Whether a global that is not on the list looks like a model's class.
   *
   * @param first whether it stands where a model's class does: first in the pickle, or in a persistent id of a module
   */
  static boolean isModelClass(String module, String name, boolean first) {
    String top = module.contains(".") ? module.substring(0, module.indexOf('.')) : module;
    if (NOT_MODELS.contains(top) && !module.startsWith("torch.nn.")) {
      return false;
    }
    String simple = name.substring(name.lastIndexOf('.') + 1);
    boolean isClass = !simple.isEmpty() && Character.isUpperCase(simple.charAt(0));
    return isClass && (first || module.equals("__main__") || MODEL_MODULE.matcher(module.toLowerCase(Locale.ROOT)).matches());
  }
}
