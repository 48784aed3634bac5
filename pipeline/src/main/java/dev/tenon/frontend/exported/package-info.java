/**
 * Reads {@code .pt2} archives of {@code torch.export} into the IR, of PyTorch 2.6 and later, without PyTorch.
 *
 * <p>{@link dev.tenon.frontend.exported.ExportedArchive} knows the layouts of the archive and where the weights are,
 * {@link dev.tenon.frontend.exported.ProgramReader} makes an {@link dev.tenon.frontend.exported.ExportedProgram} of the JSON, and
 * {@link dev.tenon.frontend.exported.ProgramLowering} walks its graphs and calls each operator through
 * {@link dev.tenon.frontend.aten.Aten}. The types that the file gives for values are hints, and a check of the lowerings: what is
 * inferred wins, and a contradiction is a warning.
 */
package dev.tenon.frontend.exported;
