/**
 * Local rewriting of graphs. A {@link dev.tenon.ir.rewrite.Rule} is a {@link dev.tenon.ir.rewrite.Pattern} and a function that
 * turns a {@link dev.tenon.ir.rewrite.Match} into a {@link dev.tenon.ir.rewrite.Patch}, or says why it does not and which node is
 * the culprit. The {@link dev.tenon.ir.rewrite.Rewriter} applies a set of rules with a worklist, in time linear in the size of the
 * graph.
 *
 * <p>A patch is applied whole or not at all: the type of each replaced value is checked, the new nodes inherit the provenance of
 * the matched ones, and a matched node goes only when nothing reads its outputs any more.
 */
package dev.tenon.ir.rewrite;
