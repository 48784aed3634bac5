package dev.tenon.tf.export;

import java.util.List;
import java.util.Map;
import org.tensorflow.proto.GraphDef;

/**
 * A signature's function as a flat graph. Its nodes keep their names, so {@code node:0} of every intermediate tensor can be
 * fetched from a session, once {@link #restoreOp()} has run in it.
 *
 * @param graph the graph; functions that the body calls are in its library
 * @param inputs signature key to the placeholder to feed, in order
 * @param outputs signature key to the tensor to fetch, in order
 * @param variables the variables the function uses
 * @param restoreOp node to run first: it reads the checkpoint (where the SavedModel was opened) and assigns the variables
 */
public record InlinedGraph(
    GraphDef graph, Map<String, String> inputs, Map<String, String> outputs, List<Variable> variables, String restoreOp) {

  /**
   * A variable of the graph.
   *
   * @param name its name in the SavedModel
   * @param handle the {@code VarHandleOp} node
   * @param checkpointKey its value's key in the checkpoint
   */
  public record Variable(String name, String handle, String checkpointKey) {}
}
