package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Sequences of several lengths, the longest first, packed as PyTorch does: step by step, the elements of those sequences that are long
 * enough. {@code batch_sizes} says how many these are at each step.
 *
 * @param mask [steps, sequences]: true where a sequence has an element
 * @param positions [steps, sequences]: where that element is in the packed data, zero if it has none
 */
record PackedSequences(Value mask, Value positions) {

  static void register(AtenOps ops) {
    ops.op("_pack_padded_sequence", PackedSequences::pack).op("_pad_packed_sequence", PackedSequences::unpack);
  }

  static PackedSequences of(Onnx o, Value batchSizes) {
    TorchScalar sequences = o.number(TorchScalar.Kind.INT, o.gather(batchSizes, o.scalar(DataType.INT64, 0L), 0));
    Value sequence = Filling.range(o, sequences);
    Value sizes = o.unsqueeze(batchSizes, 1);
    Value mask = o.op("Less", sequence, sizes);
    Value begin = o.node("CumSum").in(sizes, o.scalar(DataType.INT64, 0L)).attr("exclusive", 1).out();
    return new PackedSequences(mask, o.where(mask, o.add(begin, sequence), o.scalar(DataType.INT64, 0L)));
  }

  /** The number of elements of each sequence. */
  Value lengths(Onnx o, DataType type) {
    return o.reduce("ReduceSum", o.cast(mask, type), false, 0);
  }

  /** The sequences side by side, [steps, sequences, ...]; what is behind the end of one is undefined. */
  Value padded(Onnx o, Value data) {
    return o.gather(data, positions, 0);
  }

  /** The packed elements of [steps, sequences, ...]. */
  Value packed(Onnx o, Value padded) {
    return packed(o, padded, mask);
  }

  private static Value packed(Onnx o, Value padded, Value mask) {
    List<TorchScalar> sizes = new ArrayList<>(o.sizes(padded));
    sizes.set(0, TorchScalar.of(-1));
    sizes.remove(1);
    return o.node("Compress").in(o.reshape(padded, sizes), o.reshape(mask, -1)).attr("axis", 0).out();
  }

  private static TorchValue pack(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("input");
    int rank = c.rank("input");
    x = c.bool("batch_first") ? o.transpose(x, firstTwoSwapped(rank)) : x;
    Value lengths = c.tensor("lengths", DataType.INT64);
    TorchScalar steps = o.number(TorchScalar.Kind.INT, o.gather(lengths, o.scalar(DataType.INT64, 0L), 0));
    Value mask = o.op("Less", o.unsqueeze(Filling.range(o, steps), 1), lengths);
    Value data = packed(o, o.slice(x, 0, TorchScalar.of(0), steps, 1), mask);
    return c.results(data, o.reduce("ReduceSum", o.cast(mask, DataType.INT64), false, 1));
  }

  private static int[] firstTwoSwapped(int rank) {
    int[] perm = new int[rank];
    for (int i = 0; i < rank; i++) {
      perm[i] = i < 2 ? 1 - i : i;
    }
    return perm;
  }

  private static TorchValue unpack(AtenCall c) {
    Onnx o = c.onnx();
    Value data = c.tensor("data");
    int rank = c.rank("data") + 1;
    PackedSequences p = of(o, c.tensor("batch_sizes"));
    long[] rest = new long[rank - 2];
    for (int i = 0; i < rest.length; i++) {
      rest[i] = i + 2;
    }
    Value padding = c.scalar("padding_value").scalar(o, data.dtype());
    Value padded = o.where(o.unsqueeze(p.mask, rest), p.padded(o, data), padding);
    TorchScalar steps = o.size(padded, 0);
    TorchScalar total = c.scalar("total_length");
    boolean longer = !(total.isConstant() && total.toLong() <= 0) && !total.dim().equals(steps.dim());
    if (longer) {
      List<TorchScalar> pads = new ArrayList<>(Collections.nCopies(2 * rank, TorchScalar.of(0)));
      pads.set(rank, o.minus(total, steps));
      padded = o.op("Pad", padded, o.vector(pads), padding);
    }
    return c.results(c.bool("batch_first") ? o.transpose(padded, firstTwoSwapped(rank)) : padded, p.lengths(o, DataType.INT64));
  }
}
