package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;

/** The operators of torchvision: boxes, regions, deformable convolution. */
public final class Vision {
  private static final String TORCHVISION = "torchvision";

  private Vision() {}

  public static void register(AtenOps ops) {
    ops.opOf(TORCHVISION, "nms", Vision::nonMaxSuppression).opOf(TORCHVISION, "roi_align", Vision::roiAlign);
    ops.opOf(TORCHVISION, "roi_pool", Vision::roiPool).opOf(TORCHVISION, "deform_conv2d", Vision::deformableConvolution);
    ops.opOf(TORCHVISION, "ps_roi_align ps_roi_pool", c -> {
      throw c.unsupported("position-sensitive regions have no ONNX form");
    });
  }

  /** The positions of the boxes that are kept, best score first. */
  private static TorchValue nonMaxSuppression(AtenCall c) {
    Onnx o = c.onnx();
    // Any two opposite corners will do for ONNX, so x before y is right as well.
    Value boxes = o.unsqueeze(c.tensor("dets", DataType.FLOAT), 0);
    Value scores = o.unsqueeze(c.tensor("scores", DataType.FLOAT), 0, 1);
    Value threshold = o.reshape(c.scalar("iou_threshold").scalar(o, DataType.FLOAT), 1);
    Value selected = o.op("NonMaxSuppression", boxes, scores, o.size(c.tensor("dets"), 0).vector(o), threshold);
    // Batch, class, box.
    return c.result(o.gather(selected, o.scalar(DataType.INT64, 2L), 1));
  }

  /** Regions as [batch, x1, y1, x2, y2] to boxes and positions in the batch. */
  private static Value boxes(Onnx o, Value rois) {
    return o.slice(rois, 1, 1, 5);
  }

  private static TorchValue roiAlign(AtenCall c) {
    Onnx o = c.onnx();
    Value rois = c.tensor("rois");
    Value batch = o.cast(o.gather(rois, o.scalar(DataType.INT64, 0L), 1), DataType.INT64);
    return c.result(o.node("RoiAlign").in(c.tensor("input"), boxes(o, rois), batch)
        .attr("coordinate_transformation_mode", c.bool("aligned") ? "half_pixel" : "output_half_pixel")
        .attr("output_height", c.integer("pooled_height")).attr("output_width", c.integer("pooled_width"))
        .attr("sampling_ratio", Math.max(0, c.integer("sampling_ratio"))).attr("spatial_scale", c.number("spatial_scale")).out());
  }

  private static TorchValue roiPool(AtenCall c) {
    Onnx o = c.onnx();
    long[] shape = {c.integer("pooled_height"), c.integer("pooled_width")};
    Value y = o.node("MaxRoiPool").in(c.tensor("input"), c.tensor("rois")).attr("pooled_shape", shape)
        .attr("spatial_scale", c.number("spatial_scale")).out();
    // The second result, where the largest elements were, is for the derivative.
    return c.results(y, o.constant(Tensor.of(new int[0], 0)));
  }

  private static TorchValue deformableConvolution(AtenCall c) {
    Onnx o = c.onnx();
    long[] pads = {c.integer("pad_h"), c.integer("pad_w"), c.integer("pad_h"), c.integer("pad_w")};
    return c.result(o.node("DeformConv").in(c.tensor("input"), c.tensor("weight"), c.tensor("offset"), c.tensor("bias"),
            c.bool("use_mask") ? c.tensor("mask") : null)
        .attr("strides", new long[] {c.integer("stride_h"), c.integer("stride_w")}).attr("pads", pads)
        .attr("dilations", new long[] {c.integer("dilation_h"), c.integer("dilation_w")}).attr("group", c.integer("groups"))
        .attr("offset_group", c.integer("offset_groups")).out());
  }
}
