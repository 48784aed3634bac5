package dev.tenon.frontend.torchscript;

import dev.tenon.frontend.ModelSource;
import dev.tenon.frontend.archive.TorchArchive;
import dev.tenon.frontend.pickle.PickleObject;
import dev.tenon.frontend.pickle.TorchPickle;
import dev.tenon.ir.diag.BadInputException;
import java.util.List;

/**
 * What the {@code forward} of a TorchScript model is called with, for those who want to call it. The graph made of the model has an input
 * for each tensor or number in it, named after the parameter: {@code x}, or {@code state.0} inside a tuple or list, {@code batch.mask} inside
 * a dictionary.
 *
 * @param parameters in order, without {@code self}
 */
public record ForwardSignature(List<Parameter> parameters) {
  public ForwardSignature {
    parameters = List.copyOf(parameters);
  }

  /** A parameter. */
  public record Parameter(String name, ArgumentType type, boolean hasDefault) {}

  /** A type as TorchScript prints it: {@code Dict[str, Tensor]} has the name {@code Dict} and two arguments. */
  public record ArgumentType(String name, List<ArgumentType> arguments) {
    public static final ArgumentType TENSOR = new ArgumentType("Tensor", List.of());

    public ArgumentType {
      arguments = List.copyOf(arguments);
    }

    private static ArgumentType of(Ast.TypeRef type) {
      return type == null ? TENSOR : new ArgumentType(type.name(), type.args().stream().map(ArgumentType::of).toList());
    }
  }

  /** The signature of a {@code forward} that takes tensors alone. */
  public static ForwardSignature ofTensors(List<String> names) {
    return new ForwardSignature(names.stream().map(n -> new Parameter(n, ArgumentType.TENSOR, false)).toList());
  }

  /**
   * Reads the signature from an archive.
   *
   * @throws BadInputException if there is none
   */
  public static ForwardSignature of(ModelSource source) {
    try (TorchArchive archive = TorchArchive.open(source.file())) {
      Object data = TorchPickle.read(archive, "data.pkl", "data", TorchPickle.Kind.TORCHSCRIPT);
      CodeClass type = data instanceof PickleObject o ? new CodeBase(archive).findClass(o.className()) : null;
      Ast.FunctionDef forward = type == null ? null : type.def().methods().get("forward");
      if (forward == null || forward.params().isEmpty()) {
        throw BadInputException.of(source.spec(), "data.pkl", "a model without the method forward", "one");
      }
      return new ForwardSignature(forward.params().subList(1, forward.params().size()).stream()
          .map(p -> new Parameter(p.name(), ArgumentType.of(p.type()), p.defaultValue() != null)).toList());
    }
  }
}
