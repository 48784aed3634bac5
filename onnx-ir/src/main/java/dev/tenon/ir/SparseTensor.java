package dev.tenon.ir;

/**
 * A sparse tensor in coordinate form, as {@code SparseTensorProto} has it.
 *
 * @param values the non-zero elements, [nnz]
 * @param indices int64, [nnz] (linearised) or [nnz, rank]
 * @param dims the dense shape
 */
public record SparseTensor(Tensor values, Tensor indices, long[] dims) {}
