/**
 * Weights by name: PyTorch's checkpoints (zip, legacy, sharded), safetensors, and the parameters inside TorchScript and
 * {@code torch.export} files.
 *
 * <p>{@link dev.tenon.frontend.checkpoint.Checkpoint} is the way in; {@link dev.tenon.frontend.checkpoint.SafetensorsReader} and
 * {@link dev.tenon.frontend.checkpoint.SafetensorsWriter} are the one format that is also written.
 */
package dev.tenon.frontend.checkpoint;
