package dev.tenon.frontend.torchscript;

/**
 * A class of an archive's code.
 *
 * @param name qualified, {@code __torch__.torch.nn.modules.linear.Linear}
 * @param unit the file it is in
 */
record CodeClass(String name, Ast.ClassDef def, Ast.Unit unit) {

  /** The name without what PyTorch adds to tell apart classes of the same name. */
  String shortName() {
    return def.name();
  }
}
