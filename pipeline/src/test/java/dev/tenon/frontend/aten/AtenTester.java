package dev.tenon.frontend.aten;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.ort.OrtModel;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Calls PyTorch operators on inputs, and runs the ONNX model that comes of it in ONNX Runtime. */
public final class AtenTester {
  private final Model model = new Model(new Graph("test"));
  private final Diagnostics diagnostics = new Diagnostics();
  private final Aten aten = new Aten(new Onnx(model), AtenOps.standard(), diagnostics);
  private final Map<String, Tensor> fed = new LinkedHashMap<>();

  /** An input of the model with these elements and their shape. */
  public TorchTensor input(Tensor elements) {
    return input(elements, elements.shape());
  }

  /** An input of the model, its shape partly open. */
  public TorchTensor input(Tensor elements, Shape declared) {
    String name = "x" + fed.size();
    Value v = model.graph().addInput(name, Type.tensor(elements.dtype(), declared));
    aten.onnx().inference().visitInput(v);
    fed.put(name, elements);
    return TorchTensor.of(v);
  }

  /** Calls {@code aten::name}. */
  public TorchValue call(String name, TorchValue... arguments) {
    return aten.call("aten::" + name, Arrays.asList(arguments));
  }

  /** Calls an operator that gives one tensor. */
  public TorchTensor tensor(String name, TorchValue... arguments) {
    return (TorchTensor) call(name, arguments);
  }

  public Aten aten() {
    return aten;
  }

  public Model model() {
    return model;
  }

  public Diagnostics diagnostics() {
    return diagnostics;
  }

  /** The present value of a tensor, by ONNX Runtime. Whatever could not be lowered fails the test. */
  public Tensor run(TorchTensor t) {
    return runAll(List.of(t)).get(0);
  }

  /** The present values of several tensors, by ONNX Runtime. */
  public List<Tensor> runAll(List<TorchTensor> tensors) {
    assertEquals(List.of(), diagnostics.errors());
    return withOutputs(tensors, outputs -> {
      try (OrtModel ort = OrtModel.open(model, OrtModel.Options.reference())) {
        Map<String, Tensor> results = ort.run(fed);
        return outputs.stream().map(o -> results.get(o.name())).toList();
      }
    });
  }

  /** Does something with the model while these tensors are its outputs. */
  <T> T withOutputs(List<TorchTensor> tensors, Function<List<Value>, T> action) {
    List<Value> outputs = tensors.stream().map(t -> aten.onnx().op("Identity", t.value())).toList();
    outputs.forEach(model.graph()::addOutput);
    try {
      return action.apply(outputs);
    } finally {
      outputs.forEach(o -> model.graph().removeOutput(model.graph().outputs().size() - 1));
    }
  }

  /** Asserts the present elements of a float tensor. */
  public void assertElements(TorchTensor t, double... expected) {
    assertArrayEquals(expected, run(t).toDoubles(), 1e-6);
  }
}
