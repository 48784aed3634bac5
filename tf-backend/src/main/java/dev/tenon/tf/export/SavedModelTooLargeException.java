package dev.tenon.tf.export;

/**
 * The graph would pass 2 GB, the limit of a protobuf message. Variables live outside the graph, so only large constants
 * (a frozen model) bring this about.
 */
public final class SavedModelTooLargeException extends SavedModelException {

  SavedModelTooLargeException(long bytes, String largestNode, long largestBytes) {
    super("The graph takes " + bytes + " bytes, but saved_model.pb cannot hold more than " + SavedModelWriter.MAX_PROTO_BYTES
        + " (the largest node is " + largestNode + " with " + largestBytes
        + " bytes); keep the weights as variables instead of freezing them into constants");
  }
}
