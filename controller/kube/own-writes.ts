// Remembers our own last write to each object, so that nothing acts on a cache that is older than it (K4; the idea is
// KEP-5647's). Resource versions of one kind may be compared as numbers (KEP-5504); where they are not numbers, any
// difference counts as older, which is careful and heals with the next event.
import type { KubeObject, ObjectMeta } from "./port.ts";
import { keyOf } from "./store.ts";
import type { Entry } from "./store.ts";

export interface OwnWrites {
  /** Call it with what the server answered to a create, update, patch or apply. */
  wrote(object: KubeObject): void;
  /** Call it when the object is gone, or is known under another uid. */
  forget(metadata: Pick<ObjectMeta, "name" | "namespace">): void;
  /** True while the cache has not yet seen our last write: act on nothing, the event will come. */
  isStale(key: string, cached: Pick<Entry<unknown>, "uid" | "resourceVersion"> | undefined): boolean;
}

const decimal = /^[1-9][0-9]*$/;

/** True if `cached` is certainly not older than `written`. */
function isCurrent(cached: string, written: string): boolean {
  if (cached === written) return true;
  // Compared by length first: a 64-bit version does not fit into a number.
  if (!decimal.test(cached) || !decimal.test(written)) return false;
  return cached.length === written.length ? cached > written : cached.length > written.length;
}

/** An empty memory, for one kind. Entries go when the cache has caught up, so it holds only what is under way. */
export function createOwnWrites(): OwnWrites {
  const pending = new Map<string, { uid: string | undefined; resourceVersion: string }>();
  return {
    wrote(object) {
      const { uid, resourceVersion } = object.metadata;
      if (resourceVersion === undefined) return;
      const key = keyOf(object.metadata);
      const known = pending.get(key);
      // Answers may overtake each other: only a newer write replaces what is remembered.
      if (known !== undefined && known.uid === uid && isCurrent(known.resourceVersion, resourceVersion)) return;
      pending.set(key, { uid, resourceVersion });
    },
    forget: (metadata) => void pending.delete(keyOf(metadata)),
    isStale(key, cached) {
      const written = pending.get(key);
      if (written === undefined) return false;
      // Absent may mean not yet seen or already deleted: the caller confirms absence by a live read, then forgets (K3).
      if (cached === undefined) return true;
      // Another uid: the cache may show the predecessor or the successor of what we wrote; its version tells.
      if (!isCurrent(cached.resourceVersion, written.resourceVersion)) return true;
      pending.delete(key);
      return false;
    },
  };
}
