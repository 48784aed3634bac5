package dev.tenon.tf.custom;

import dev.tenon.ir.diag.BadInputException;
import dev.tenon.tf.custom.OperatorSignature.Arity;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What the user says of an operator's signature, beyond what a model shows.
 *
 * @param tensorFlowName the operator's name in TensorFlow; empty for one made of the source's
 * @param inputs names in order, {@code optional shift} of an optional and {@code list parts} of a variadic one; empty if nothing is said
 * @param outputs likewise
 * @param defaults attribute to its default: a Number, String, Boolean or a list of these
 */
public record Declaration(String tensorFlowName, List<Slot> inputs, List<Slot> outputs, Map<String, Object> defaults) {
  /** Nothing beyond the model. */
  public static final Declaration NONE = new Declaration("", List.of(), List.of(), Map.of());

  /** An input or output. */
  public record Slot(String name, Arity arity) {
    /** Of {@code x}, {@code optional shift} or {@code list parts}; null if it is none of these. */
    public static Slot parse(String text) {
      Arity arity = text.startsWith("optional ") ? Arity.OPTIONAL : text.startsWith("list ") ? Arity.VARIADIC : Arity.SINGLE;
      String name = arity == Arity.SINGLE ? text : text.substring(text.indexOf(' ')).strip();
      return Identifiers.isIdentifier(name) ? new Slot(name, arity) : null;
    }
  }

  public Declaration {
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
    defaults = new LinkedHashMap<>(defaults);
  }

  /** The same with other names of inputs. */
  public Declaration withInputs(List<Slot> value) {
    return new Declaration(tensorFlowName, value, outputs, defaults);
  }

  /** Which of the inputs each of {@code count} given ones belongs to: a variadic input takes what the single ones behind it leave. */
  List<Integer> assign(int count, List<Slot> slots, String operator) {
    List<Integer> owner = new ArrayList<>();
    long behind;
    for (int s = 0; s < slots.size() && owner.size() < count; s++) {
      behind = slots.subList(s + 1, slots.size()).stream().filter(x -> x.arity() == Arity.SINGLE).count();
      long take = slots.get(s).arity() == Arity.VARIADIC ? Math.max(0, count - owner.size() - behind) : 1;
      for (long k = 0; k < take; k++) {
        owner.add(s);
      }
    }
    if (owner.size() < count) {
      throw new BadInputException(operator + ": found a use with " + count + " inputs or outputs, expected at most those declared: "
          + slots.stream().map(Slot::name).toList());
    }
    return owner;
  }
}
