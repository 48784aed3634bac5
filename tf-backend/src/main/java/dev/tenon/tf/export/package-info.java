/**
 * Writes and reads TensorFlow 2 SavedModels without TensorFlow's Python.
 *
 * <p>The way out: {@link dev.tenon.tf.export.SavedModelWriter} takes a flat {@code GraphDef} and streamed variable
 * values ({@link dev.tenon.tf.export.SavedModelSpec}) and writes
 * <ul>
 *   <li>{@code saved_model.pb}: the graph as a function whose last arguments are the variables' resource handles, a main
 *       graph that calls it (for TensorFlow-Java, TensorFlow Serving and other loaders of the session kind), and an object
 *       graph (for {@code tf.saved_model.load}: attributes, {@code trainable_variables}, a callable, signatures);
 *   <li>{@code variables/}: a checkpoint in TensorFlow's tensor bundle format
 *       ({@link dev.tenon.tf.export.TensorBundleWriter}).
 * </ul>
 *
 * <p>The way in: {@link dev.tenon.tf.export.SavedModelReader} gives the signature, the variables, and the function as a flat
 * graph again, in which every intermediate tensor can be fetched; {@link dev.tenon.tf.export.TensorBundleReader} gives the
 * values.
 *
 * <p>Nothing here knows ONNX, and only the list of registered operators is asked of the TensorFlow native library.
 */
package dev.tenon.tf.export;
