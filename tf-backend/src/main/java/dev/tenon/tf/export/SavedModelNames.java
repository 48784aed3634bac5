package dev.tenon.tf.export;

import java.util.Map;

/**
 * The names a written SavedModel uses, for the record kept beside it. Maps iterate in the order of the spec.
 *
 * @param inputs the spec's input name to the signature's key, equal where the name was legal
 * @param outputs the spec's output name to the signature's key
 * @param variables the spec's variable name to the name it has after loading (without {@code :0}), equal where the name was a
 *     legal TensorFlow name
 * @param checkpointKeys the spec's variable name to its key in the checkpoint
 */
public record SavedModelNames(
    Map<String, String> inputs,
    Map<String, String> outputs,
    Map<String, String> variables,
    Map<String, String> checkpointKeys) {}
