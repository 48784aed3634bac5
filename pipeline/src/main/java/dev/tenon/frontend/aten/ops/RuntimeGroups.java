package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Convolutions whose number of groups is a multiple of an unknown size: PyTorch's way to give each sample of a batch filters of its own
 * (conditional convolutions). ONNX wants the number as an attribute, so a {@code Scan} goes over the samples, which were made channels.
 */
final class RuntimeGroups {
  private RuntimeGroups() {}

  /** A convolution with this number of groups. */
  interface Convolution {
    Value of(Value x, Value w, Value bias, long groups);
  }

  /**
   * The convolution in as many steps as the number of groups is a multiple of what is known of it.
   *
   * @param x [N, steps * C, spatial...]
   * @param w [steps * M, ...]
   * @param bias [steps * M], or null
   */
  static Value convolve(AtenCall c, Value x, Value w, Value bias, Convolution convolution) {
    Onnx o = c.onnx();
    TorchScalar groups = c.scalar("groups");
    long each = coefficient(groups.dim());
    TorchScalar steps = o.floorDiv(groups, TorchScalar.of(each));
    List<Value> scanned = new ArrayList<>(List.of(parts(o, x, 1, steps), parts(o, w, 0, steps)));
    List<Long> axes = new ArrayList<>(List.of(1L, 0L));
    if (bias != null) {
      scanned.add(parts(o, bias, 0, steps));
      axes.add(0L);
    }
    long[] inputAxes = axes.stream().mapToLong(Long::longValue).toArray();
    Graph body = o.begin("sample");
    List<Value> step = new ArrayList<>();
    for (int i = 0; i < scanned.size(); i++) {
      Value v = scanned.get(i);
      step.add(body.addInput(body.freshName(List.of("x", "weight", "bias").get(i)), Type.tensor(v.dtype(), without(v, (int) inputAxes[i]))));
    }
    body.addOutput(convolution.of(step.get(0), step.get(1), bias == null ? null : step.get(2), each));
    o.end();
    Value y = o.node("Scan").in(scanned).attr("body", body).attr("num_scan_inputs", scanned.size()).attr("scan_input_axes", inputAxes)
        .attr("scan_output_axes", new long[] {1}).out();
    List<TorchScalar> sizes = new ArrayList<>(o.sizes(y));
    sizes.remove(1);
    sizes.set(1, o.times(steps, o.size(y, 2)));
    return o.reshape(y, sizes);
  }

  /** The known factor of a number: 6 of {@code 6*batch}; 1 where there is none. */
  private static long coefficient(Dim number) {
    Map<String, Long> ones = number.symbols().stream().collect(Collectors.toMap(s -> s, s -> 1L, (a, b) -> a));
    long factor = Math.max(1, number.evaluate(ones).orElse(1));
    return number.floorDiv(factor).times(factor).equals(number) ? factor : 1;
  }

  /** An axis split in two, of which the first is the number of steps. */
  private static Value parts(Onnx o, Value x, int axis, TorchScalar steps) {
    List<TorchScalar> sizes = new ArrayList<>(o.sizes(x));
    sizes.set(axis, o.floorDiv(sizes.get(axis), steps));
    sizes.add(axis, steps);
    return o.reshape(x, sizes);
  }

  private static Shape without(Value x, int axis) {
    List<Dim> dims = new ArrayList<>(x.shape().dims());
    dims.remove(axis);
    return Shape.of(dims);
  }
}
