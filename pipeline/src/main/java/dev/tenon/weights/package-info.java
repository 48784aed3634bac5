/**
 * Weights that move between PyTorch and a SavedModel: a checkpoint poured into the variables, variables written back under PyTorch's
 * names, and proposals of which tensor belongs to which variable of a SavedModel that Tenon did not make.
 *
 * <p>What a variable is made of is a {@link dev.tenon.weights.Formula}, from {@code tenon.json} or from a mapping file. Pouring applies it
 * to a checkpoint's tensors; writing back solves it for them.
 */
package dev.tenon.weights;
