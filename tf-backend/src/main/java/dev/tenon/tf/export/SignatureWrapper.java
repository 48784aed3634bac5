package dev.tenon.tf.export;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.OpDef;

/**
 * The function behind a signature: it takes the model's inputs, sorted by their keywords as Python flattens keyword arguments, and
 * the variables, and calls the model's function.
 *
 * <p>{@code tf.saved_model.save} writes one, too. A concrete function has one calling convention, and there are two to serve: the
 * model is called as its source was, by position; a signature is called by keyword, and its {@code structured_input_signature} is
 * where its users look the keywords up.
 */
final class SignatureWrapper {
  private static final String CALL = "call";

  private SignatureWrapper() {}

  /** The inputs in the order of the wrapper's arguments. */
  static List<SignatureTensor> sorted(List<SignatureTensor> inputs) {
    return inputs.stream().sorted(Comparator.comparing(SignatureTensor::name)).toList();
  }

  /**
   * A function of this name that calls {@code inner}.
   *
   * @param inputs the model's inputs, which are the first arguments of {@code inner}
   */
  static FunctionDef of(FunctionDef inner, String name, List<SignatureTensor> inputs) {
    OpDef signature = inner.getSignature();
    OpDef.Builder own = OpDef.newBuilder().setName(name).addAllOutputArg(signature.getOutputArgList()).setIsStateful(signature.getIsStateful());
    FunctionDef.Builder wrapper = FunctionDef.newBuilder();
    List<Integer> arguments = new ArrayList<>();
    sorted(inputs).forEach(i -> arguments.add(inputs.indexOf(i)));
    IntStream.range(inputs.size(), signature.getInputArgCount()).forEach(arguments::add);
    for (int i = 0; i < arguments.size(); i++) {
      own.addInputArg(signature.getInputArg(arguments.get(i)));
      if (inner.containsArgAttr(arguments.get(i))) {
        wrapper.putArgAttr(i, inner.getArgAttrOrThrow(arguments.get(i)));
      }
    }
    wrapper.setSignature(own);
    String node = new UniqueNames(signature.getInputArgList().stream().map(OpDef.ArgDef::getName).toList()).unique(CALL);
    NodeDef.Builder call = Attrs.node(node, signature.getIsStateful() ? "StatefulPartitionedCall" : "PartitionedCall");
    signature.getInputArgList().forEach(a -> call.addInput(a.getName()));
    call.putAttr("f", Attrs.ofFunction(signature.getName()))
        .putAttr("Tin", Attrs.ofTypes(signature.getInputArgList().stream().map(OpDef.ArgDef::getType).toList()))
        .putAttr("Tout", Attrs.ofTypes(signature.getOutputArgList().stream().map(OpDef.ArgDef::getType).toList()));
    wrapper.addNodeDef(call);
    for (int i = 0; i < signature.getOutputArgCount(); i++) {
      wrapper.putRet(signature.getOutputArg(i).getName(), node + ":output:" + i);
    }
    return wrapper.build();
  }
}
