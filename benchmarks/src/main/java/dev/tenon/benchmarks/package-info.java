/** JMH benchmarks; {@code docs/benchmarks.md} says how to run them and what they showed. */
package dev.tenon.benchmarks;
