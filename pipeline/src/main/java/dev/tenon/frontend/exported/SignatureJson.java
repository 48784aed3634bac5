package dev.tenon.frontend.exported;

import dev.tenon.frontend.exported.GraphSignature.Input;
import dev.tenon.frontend.exported.GraphSignature.Output;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Reads what the inputs and outputs of a program's graph are. */
final class SignatureJson {
  private SignatureJson() {}

  static GraphSignature read(JsonPart part) {
    List<Input> inputs = new ArrayList<>();
    for (JsonPart i : part.get("input_specs").elements()) {
      inputs.add(input(i));
    }
    List<Output> outputs = new ArrayList<>();
    for (JsonPart o : part.get("output_specs").elements()) {
      outputs.add(output(o));
    }
    return new GraphSignature(inputs, outputs);
  }

  private static Input input(JsonPart part) {
    Map.Entry<String, JsonPart> choice = part.choice();
    JsonPart value = choice.getValue();
    return switch (choice.getKey()) {
      case "user_input" -> new Input.User(GraphJson.argument(value.get("arg")));
      case "parameter" -> new Input.Parameter(argumentName(value), value.get("parameter_name").text());
      case "buffer" -> new Input.Buffer(argumentName(value), value.get("buffer_name").text(),
          value.find("persistent").map(JsonPart::flag).orElse(true));
      case "tensor_constant" -> new Input.TensorConstant(argumentName(value), value.get("tensor_constant_name").text());
      case "constant_input" -> new Input.Constant(value.get("name").text(), GraphJson.argument(value.get("value")));
      default -> new Input.Other(choice.getKey(), value.find("arg").flatMap(a -> a.find("name")).map(JsonPart::text).orElse(""));
    };
  }

  private static Output output(JsonPart part) {
    Map.Entry<String, JsonPart> choice = part.choice();
    JsonPart value = choice.getValue();
    return switch (choice.getKey()) {
      case "user_output" -> new Output.User(GraphJson.argument(value.get("arg")));
      case "loss_output" -> new Output.User(new Argument.Tensor(argumentName(value)));
      case "buffer_mutation" -> new Output.StateMutation(argumentName(value), value.get("buffer_name").text());
      case "parameter_mutation" -> new Output.StateMutation(argumentName(value), value.get("parameter_name").text());
      case "user_input_mutation" -> new Output.InputMutation(argumentName(value), value.get("user_input_name").text());
      default -> new Output.Other(choice.getKey());
    };
  }

  private static String argumentName(JsonPart value) {
    return value.get("arg").get("name").text();
  }
}
