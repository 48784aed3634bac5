package dev.tenon.frontend.pickle;

import dev.tenon.frontend.archive.ScalarType;
import java.util.Optional;

/**
 * What a pickle says of a storage that is kept outside of it: the persistent id
 * {@code ('storage', class, key, location, numel[, view])}.
 *
 * @param type of the elements; empty for an untyped storage, whose elements are bytes
 * @param key the storage's name
 * @param numel the number of elements
 * @param view the part of another storage that this is (legacy files only)
 */
public record StorageId(Optional<ScalarType> type, String key, long numel, Optional<View> view) {

  /**
   * @param key the view's own name
   * @param offset of its first element in the root storage, in elements
   * @param numel the number of its elements
   */
  public record View(String key, long offset, long numel) {}

  /** The bytes of one element. */
  public int elementBytes() {
    return type.map(ScalarType::byteSize).orElse(1);
  }
}
