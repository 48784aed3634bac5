package dev.tenon.frontend.pickle;

import dev.tenon.frontend.archive.ScalarType;
import dev.tenon.ir.Storage;
import java.util.List;
import java.util.Optional;

/**
 * A storage as a value in a pickle.
 *
 * @param id what the pickle says of it
 * @param storage its bytes
 */
record StorageValue(StorageId id, Storage storage) {

  private static final int MAX_KEY = 100;

  /** A storage class that a pickle names; without a type for the untyped one. */
  record StorageClass(String name, Optional<ScalarType> type) {}

  /** Finds the storage of a persistent id. */
  static StorageValue load(PicklePlace place, Object persistentId, StorageSource storages) {
    List<?> id = place.sequence(persistentId, "a persistent id");
    if (!id.isEmpty() && "module".equals(id.get(0))) {
      throw place.bad("a model saved whole with torch.save(model)", WholeModels.ADVICE);
    }
    if (id.size() < 5 || !"storage".equals(id.get(0))) {
      throw place.bad("a persistent id of " + id.size() + " fields", "('storage', class, key, location, size)");
    }
    Object type = id.get(1);
    Optional<ScalarType> elements;
    if (type instanceof StorageClass c) {
      elements = c.type();
    } else if (type instanceof ScalarType t) {
      elements = Optional.of(t);
    } else {
      throw place.bad(PicklePlace.describe(type) + " as the class of a storage", "torch.FloatStorage or its kin");
    }
    String key = place.string(id.get(2), "a storage's key");
    if (key.length() > MAX_KEY) {
      throw place.bad("a storage's key of " + key.length() + " characters", "at most " + MAX_KEY);
    }
    long numel = place.integer(id.get(4), "a storage's size");
    if (numel < 0 || numel > Long.MAX_VALUE / 16) {
      throw place.bad("a storage of " + numel + " elements", "a size that is possible");
    }
    StorageId parsed = new StorageId(elements, key, numel, view(place, id));
    Storage storage = storages.storage(parsed);
    long wanted = numel * parsed.elementBytes();
    if (storage.byteSize() < wanted) {
      throw place.bad("storage " + key + " of " + storage.byteSize() + " bytes", "the " + wanted + " bytes of its " + numel + " elements");
    }
    return new StorageValue(parsed, storage);
  }

  private static Optional<StorageId.View> view(PicklePlace place, List<?> id) {
    if (id.size() < 6 || id.get(5) == PickleNone.NONE) {
      return Optional.empty();
    }
    List<?> view = place.sequence(id.get(5), "a storage's view");
    if (view.size() != 3) {
      throw place.bad("a storage's view of " + view.size() + " fields", "(key, offset, size)");
    }
    return Optional.of(new StorageId.View(place.string(view.get(0), "a view's key"), place.integer(view.get(1), "a view's offset"),
        place.integer(view.get(2), "a view's size")));
  }
}
