package dev.tenon.verify.reference;

import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.IValue;
import dev.tenon.frontend.torchscript.ForwardSignature;
import dev.tenon.frontend.torchscript.ForwardSignature.ArgumentType;
import dev.tenon.frontend.torchscript.ForwardSignature.Parameter;
import dev.tenon.ir.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The arguments of one call of {@code forward}, nested as it wants them, made of tensors by the names of the graph's inputs. */
final class LibtorchArguments implements AutoCloseable {
  private final LibtorchTensors tensors;
  private final PtNDManager scope;
  private final Map<String, Tensor> values;
  private final List<IValue> made = new ArrayList<>();

  LibtorchArguments(LibtorchTensors tensors, PtNDManager scope, Map<String, Tensor> values) {
    this.tensors = tensors;
    this.scope = scope;
    this.values = values;
  }

  /** All arguments but trailing ones that are left to their defaults. */
  IValue[] of(ForwardSignature signature) {
    List<Parameter> parameters = signature.parameters();
    int count = parameters.size();
    while (count > 0 && parameters.get(count - 1).hasDefault() && !mentioned(parameters.get(count - 1).name())) {
      count--;
    }
    IValue[] arguments = new IValue[count];
    for (int i = 0; i < count; i++) {
      arguments[i] = argument(parameters.get(i).name(), parameters.get(i).type());
    }
    return arguments;
  }

  private boolean mentioned(String name) {
    return values.keySet().stream().anyMatch(k -> k.equals(name) || k.startsWith(name + "."));
  }

  private IValue argument(String name, ArgumentType type) {
    IValue v = make(name, type);
    made.add(v);
    return v;
  }

  private IValue make(String name, ArgumentType type) {
    return switch (type.name()) {
      case "Tensor" -> tensors.toLibtorch(scope, value(name));
      case "int" -> IValue.from(value(name).toLongs()[0]);
      case "float" -> IValue.from(value(name).toDoubles()[0]);
      case "bool" -> IValue.from(value(name).toDoubles()[0] != 0);
      case "Optional" -> mentioned(name) ? make(name, type.arguments().get(0)) : tensors.none();
      case "Tuple" -> {
        IValue[] elements = new IValue[type.arguments().size()];
        for (int i = 0; i < elements.length; i++) {
          elements[i] = argument(name + "." + i, type.arguments().get(i));
        }
        yield IValue.tupleFrom(elements);
      }
      case "List" -> list(name, type.arguments().get(0));
      case "Dict" -> dict(name, type.arguments().get(1));
      default -> throw ReferenceFailure.unusable("libtorch cannot be given " + name + ", of type " + type.name(), null);
    };
  }

  private Tensor value(String name) {
    Tensor t = values.get(name);
    if (t == null) {
      throw ReferenceFailure.unusable("libtorch cannot be called without " + name + ", which is no input of the exported model", null);
    }
    return t;
  }

  private IValue list(String name, ArgumentType of) {
    List<IValue> elements = new ArrayList<>();
    while (mentioned(name + "." + elements.size())) {
      elements.add(argument(name + "." + elements.size(), of));
    }
    if (elements.isEmpty()) {
      throw ReferenceFailure.unusable("libtorch cannot be given " + name + ", an empty list", null);
    }
    return IValue.listFrom(elements.toArray(IValue[]::new));
  }

  private IValue dict(String name, ArgumentType of) {
    Map<String, IValue> entries = new LinkedHashMap<>();
    for (String k : values.keySet()) {
      if (k.startsWith(name + ".")) {
        String key = k.substring(name.length() + 1).split("\\.")[0];
        if (!entries.containsKey(key)) {
          entries.put(key, argument(name + "." + key, of));
        }
      }
    }
    return IValue.stringIValueMapFrom(entries);
  }

  @Override
  public void close() {
    made.forEach(IValue::close);
  }
}
