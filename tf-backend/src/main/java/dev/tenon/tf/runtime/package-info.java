/** Runs converted graphs in this process: to verify a conversion, to test emitters, to look at intermediate tensors. */
package dev.tenon.tf.runtime;
