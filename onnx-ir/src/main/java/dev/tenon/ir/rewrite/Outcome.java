package dev.tenon.ir.rewrite;

/** What a rule makes of a match: a {@link Patch} to apply, or a {@link Refusal}. */
public sealed interface Outcome permits Patch, Refusal {}
