package dev.tenon.verify;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Node;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Use;
import dev.tenon.ir.Value;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;

/**
 * What an input of a model means, which decides what data it is tried with: a mask of random integers would test nothing.
 *
 * @param meaning what it is taken for
 * @param bound for indices the number of rows of what they index; else 0
 */
public record InputKind(Meaning meaning, long bound) {

  /** What an input is taken for. */
  public enum Meaning {
    /** A channels-first picture: rank 4, with 1, 3 or 4 channels. */
    IMAGE,
    /** Any other real numbers. */
    NUMBERS,
    /** Rows of an embedding or other table. */
    INDICES,
    /** One where there is something, zero where there is padding. */
    MASK,
    /** Zero in the first sentence, one in the second. */
    SEGMENTS,
    /** 0, 1, 2, … along the last axis. */
    POSITIONS,
    INTEGERS,
    BOOLEANS,
    STRINGS
  }

  /** Integers of which nothing is known stay small: they may be lengths or indices. */
  private static final long SMALL = 4;
  private static final Set<String> PASSED_ON = Set.of("Cast", "Identity", "Reshape", "Unsqueeze", "Squeeze", "Flatten", "Transpose");

  /** Takes a guess from an input's name, type, and what reads it. */
  public static InputKind of(Value input) {
    String name = input.name().toLowerCase(Locale.ROOT);
    DataType dtype = input.dtype();
    if (dtype == DataType.STRING) {
      return new InputKind(Meaning.STRINGS, 0);
    }
    if (name.contains("mask")) {
      return new InputKind(Meaning.MASK, 0);
    }
    if (dtype == DataType.BOOL) {
      return new InputKind(Meaning.BOOLEANS, 0);
    }
    if (dtype.isFloat() || dtype == DataType.UINT8) {
      boolean channels = input.rank() == 4 && (input.shape().dim(1).is(1) || input.shape().dim(1).is(3) || input.shape().dim(1).is(4));
      return new InputKind(channels ? Meaning.IMAGE : Meaning.NUMBERS, 0);
    }
    if (name.contains("token_type") || name.contains("segment")) {
      return new InputKind(Meaning.SEGMENTS, 0);
    }
    long rows = rowsIndexed(input);
    if (name.contains("position") && rows != 0) {
      return new InputKind(Meaning.POSITIONS, rows);
    }
    return rows > 0 ? new InputKind(Meaning.INDICES, rows) : new InputKind(Meaning.INTEGERS, SMALL);
  }

  /** The smallest table that the values of an input are used to index; 0 if none is found. */
  private static long rowsIndexed(Value input) {
    long rows = 0;
    Set<Value> seen = new HashSet<>();
    Deque<Value> todo = new ArrayDeque<>();
    todo.add(input);
    while (!todo.isEmpty()) {
      Value v = todo.pop();
      if (!seen.add(v)) {
        continue;
      }
      for (Use use : v.uses()) {
        Node n = use.node();
        if (n.isOp("Gather") && use.index() == 1 && n.hasInput(0)) {
          Tensor table = n.input(0).constant();
          long axis = n.intAttr("axis", 0);
          if (table != null && table.rank() > 0) {
            long size = table.dim((int) axis);
            rows = rows == 0 ? size : Math.min(rows, size);
          }
        } else if (PASSED_ON.contains(n.opType()) && use.index() == 0 && n.output(0) != null) {
          todo.add(n.output(0));
        }
      }
    }
    return rows;
  }
}
