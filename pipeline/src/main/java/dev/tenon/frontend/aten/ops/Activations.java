package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Value;

/** Activation functions of {@code torch.nn.functional}. */
public final class Activations {
  private Activations() {}

  public static void register(AtenOps ops) {
    ops.op("relu", c -> c.result(c.onnx().op("Relu", c.tensor("self"))));
    ops.op("gelu", c -> c.result(c.onnx().node("Gelu").in(c.tensor("self")).attr("approximate", c.string("approximate")).out()));
    ops.op("silu", Activations::silu).op("hardswish", c -> c.result(c.onnx().op("HardSwish", c.tensor("self"))));
    ops.op("hardsigmoid", c -> c.result(c.onnx().node("HardSigmoid").in(c.tensor("self")).attr("alpha", 1.0 / 6).attr("beta", 0.5).out()));
    ops.op("leaky_relu", c -> c.result(c.onnx().node("LeakyRelu").in(c.tensor("self")).attr("alpha", c.number("negative_slope")).out()));
    ops.op("softmax _softmax", Activations::softmax);
  }

  private static TorchValue silu(AtenCall c) {
    Value x = c.tensor("self");
    return c.result(c.onnx().mul(x, c.onnx().op("Sigmoid", x)));
  }

  private static TorchValue softmax(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    DataType dtype = c.has("dtype") ? c.dtype("dtype", x.dtype()) : x.dtype();
    int rank = c.rank("self");
    // ONNX's Softmax takes no scalars; the softmax of one number is 1.
    Value y = o.cast(rank == 0 ? o.unsqueeze(x, 0) : x, dtype);
    Value result = o.softmax(y, c.axis("dim", rank));
    return c.result(rank == 0 ? o.squeeze(result, 0) : result);
  }
}
