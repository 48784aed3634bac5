package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.Lowering;

/** Operators on complex numbers, which neither ONNX's operators nor those who run them know: each is refused. */
public final class Complex {
  private Complex() {}

  public static void register(AtenOps ops) {
    Lowering refusal = c -> {
      throw c.unsupported("ONNX has no operators on complex numbers: compute with their real and imaginary parts");
    };
    ops.op("complex polar view_as_complex view_as_complex_copy view_as_real view_as_real_copy imag angle", refusal);
    ops.op("fft_fft fft_ifft fft_rfft fft_irfft fft_hfft fft_ihfft fft_fft2 fft_ifft2 fft_rfft2 fft_irfft2 fft_hfft2 fft_ihfft2", refusal);
    ops.op("fft_fftn fft_ifftn fft_rfftn fft_irfftn fft_hfftn fft_ihfftn _fft_c2c _fft_c2r _fft_r2c stft istft", refusal);
  }
}
