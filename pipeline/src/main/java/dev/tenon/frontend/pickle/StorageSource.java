package dev.tenon.frontend.pickle;

import dev.tenon.ir.Storage;

/** Finds the storages that a pickle refers to. */
@FunctionalInterface
public interface StorageSource {

  /**
   * The bytes of a storage, all of it also where the id is a view.
   *
   * @throws dev.tenon.ir.diag.BadInputException if there is no such storage
   */
  Storage storage(StorageId id);
}
