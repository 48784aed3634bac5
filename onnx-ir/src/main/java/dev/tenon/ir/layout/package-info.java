/**
 * The choice between channels-first and channels-last for every activation.
 *
 * <p>{@link dev.tenon.ir.layout.ChannelsLast} runs it: {@code LayoutProblem} finds the {@code Roles} of axes and what moving each
 * value costs, {@code BinaryProblem} solves that as a minimum cut, {@code Rewriter} carries the answer out. {@code Carriers} are the
 * operators that work in either layout, {@link dev.tenon.ir.layout.ChannelsLastOps} those that TensorFlow computes channels-last. See
 * docs/layout.md.
 */
package dev.tenon.ir.layout;
