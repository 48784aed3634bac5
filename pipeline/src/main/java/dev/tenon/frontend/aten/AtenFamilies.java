package dev.tenon.frontend.aten;

import dev.tenon.frontend.aten.ops.Activations;
import dev.tenon.frontend.aten.ops.AdaptivePooling;
import dev.tenon.frontend.aten.ops.Attention;
import dev.tenon.frontend.aten.ops.Bitwise;
import dev.tenon.frontend.aten.ops.Complex;
import dev.tenon.frontend.aten.ops.Contractions;
import dev.tenon.frontend.aten.ops.Convolutions;
import dev.tenon.frontend.aten.ops.Creation;
import dev.tenon.frontend.aten.ops.Elementwise;
import dev.tenon.frontend.aten.ops.Embeddings;
import dev.tenon.frontend.aten.ops.Functions;
import dev.tenon.frontend.aten.ops.FusedAttention;
import dev.tenon.frontend.aten.ops.Joining;
import dev.tenon.frontend.aten.ops.LinearAlgebra;
import dev.tenon.frontend.aten.ops.Logic;
import dev.tenon.frontend.aten.ops.Losses;
import dev.tenon.frontend.aten.ops.Normalizations;
import dev.tenon.frontend.aten.ops.Padding;
import dev.tenon.frontend.aten.ops.Parts;
import dev.tenon.frontend.aten.ops.Pooling;
import dev.tenon.frontend.aten.ops.Quantization;
import dev.tenon.frontend.aten.ops.Rearranging;
import dev.tenon.frontend.aten.ops.Recurrent;
import dev.tenon.frontend.aten.ops.Reductions;
import dev.tenon.frontend.aten.ops.Resizing;
import dev.tenon.frontend.aten.ops.Scattering;
import dev.tenon.frontend.aten.ops.Selecting;
import dev.tenon.frontend.aten.ops.Sorting;
import dev.tenon.frontend.aten.ops.Statistics;
import dev.tenon.frontend.aten.ops.Strided;
import dev.tenon.frontend.aten.ops.Triangles;
import dev.tenon.frontend.aten.ops.Views;
import dev.tenon.frontend.aten.ops.Windows;
import dev.tenon.frontend.aten.ops.Vision;

/** The families of operators, a class each: an operator is added in its family's {@code register}. */
final class AtenFamilies {
  private AtenFamilies() {}

  static void registerAll(AtenOps ops) {
    Activations.register(ops);
    AdaptivePooling.register(ops);
    Attention.register(ops);
    Bitwise.register(ops);
    Complex.register(ops);
    Contractions.register(ops);
    Convolutions.register(ops);
    Creation.register(ops);
    Elementwise.register(ops);
    Embeddings.register(ops);
    Functions.register(ops);
    FusedAttention.register(ops);
    Joining.register(ops);
    LinearAlgebra.register(ops);
    Logic.register(ops);
    Losses.register(ops);
    Normalizations.register(ops);
    Padding.register(ops);
    Parts.register(ops);
    Pooling.register(ops);
    Quantization.register(ops);
    Rearranging.register(ops);
    Recurrent.register(ops);
    Reductions.register(ops);
    Resizing.register(ops);
    Scattering.register(ops);
    Selecting.register(ops);
    Sorting.register(ops);
    Statistics.register(ops);
    Strided.register(ops);
    Triangles.register(ops);
    Views.register(ops);
    Windows.register(ops);
    Vision.register(ops);
  }
}
