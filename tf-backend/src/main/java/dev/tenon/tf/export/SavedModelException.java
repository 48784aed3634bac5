package dev.tenon.tf.export;

import java.io.IOException;

/** A SavedModel that cannot be written or read; the message is one line that says where, what was found and what was expected. */
public class SavedModelException extends IOException {

  public SavedModelException(String message) {
    super(message);
  }

  public SavedModelException(String message, Throwable cause) {
    super(message, cause);
  }
}
