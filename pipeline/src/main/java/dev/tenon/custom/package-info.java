/** What becomes of the operators that nobody knows: {@code ops.yaml}, the ways of resolving them, and their meanings for verification. */
package dev.tenon.custom;
