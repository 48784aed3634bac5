/**
 * PyTorch's zip archives and the tensors in them: what TorchScript, {@code torch.export} and checkpoint readers have in common.
 *
 * <p>{@link dev.tenon.frontend.archive.TorchArchive} finds and checks the entries of an archive without extracting it;
 * {@link dev.tenon.frontend.archive.StoredTensor} is a tensor as these files hold it, a strided window of a storage, checked
 * against the storage's size before anybody believes it.
 */
package dev.tenon.frontend.archive;
