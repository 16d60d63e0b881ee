// What a reflector knows of one kind: projections by key, with secondary indexes. It holds only what `project` made of
// an object, never the object itself. Iteration is in the order of the keys, so it depends on the content alone and not
// on the order in which events came. An object with another uid under the same key is a delete and an add, never an update.
import type { ObjectMeta } from "./port.ts";

/** Where an object of a kind stands in a store: `namespace/name`, or `name` for cluster-scoped kinds. */
export function keyOf(metadata: Pick<ObjectMeta, "name" | "namespace">): string {
  return metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
}

export type Change<P> =
  | { readonly type: "added"; readonly key: string; readonly value: P }
  | { readonly type: "updated"; readonly key: string; readonly value: P; readonly previous: P }
  | { readonly type: "deleted"; readonly key: string; readonly previous: P };

export interface Entry<P> {
  readonly key: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly value: P;
}

/** Values under which a projection is found; for example the node name of a pod. */
export type Index<P> = (value: P) => string | readonly string[] | undefined;

/** The side that planners and loops read. */
export interface ReadonlyStore<P, I extends string = string> {
  readonly size: number;
  /** Grows with every change; equal revisions mean equal content. */
  readonly revision: number;
  get(key: string): P | undefined;
  entry(key: string): Entry<P> | undefined;
  /** Keys in ascending order of their code units; a snapshot, so the store may change meanwhile. */
  keys(): readonly string[];
  /** Projections in the order of their keys. */
  values(): IterableIterator<P>;
  /** Projections that an index files under `value`, in the order of their keys. */
  byIndex(index: I, value: string): readonly P[];
  /** Calls back after each change; returns how to stop that. A listener that throws harms nobody else. */
  onChange(listener: (change: Change<P>) => void): () => void;
}

/** The side that a reflector writes. */
export interface Store<P, I extends string = string> extends ReadonlyStore<P, I> {
  /** Puts the newest state of an object in place. An equal uid and resourceVersion changes nothing. */
  upsert(entry: Entry<P>): void;
  /** Removes the object; with a `uid`, only if it is that one. */
  remove(key: string, uid?: string): void;
}

export interface StoreOptions<P, I extends string> {
  readonly indexes?: Readonly<Record<I, Index<P>>>;
  /** Hears of listeners that threw. */
  readonly onError?: (error: unknown) => void;
}

/** Place of `key` in a sorted array, or where it would go. */
function position(sorted: readonly string[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

function insertSorted(sorted: string[], key: string): void {
  // Lists come in key order, so nearly every insert is an append.
  const last = sorted.at(-1);
  if (last === undefined || last < key) sorted.push(key);
  else sorted.splice(position(sorted, key), 0, key);
}

function removeSorted(sorted: string[], key: string): void {
  const at = position(sorted, key);
  if (sorted[at] === key) sorted.splice(at, 1);
}

function indexValues<P>(index: Index<P>, value: P): readonly string[] {
  const found = index(value);
  if (found === undefined) return [];
  return typeof found === "string" ? [found] : [...new Set(found)];
}

/** One secondary index: the sorted keys under each value. */
function createBuckets<P>(index: Index<P>) {
  const buckets = new Map<string, string[]>();
  return {
    keys: (value: string): readonly string[] => buckets.get(value) ?? [],
    add(key: string, value: P) {
      for (const bucket of indexValues(index, value)) {
        const keys = buckets.get(bucket);
        if (keys === undefined) buckets.set(bucket, [key]);
        else insertSorted(keys, key);
      }
    },
    remove(key: string, value: P) {
      for (const bucket of indexValues(index, value)) {
        const keys = buckets.get(bucket);
        if (keys === undefined) continue;
        removeSorted(keys, key);
        if (keys.length === 0) buckets.delete(bucket);
      }
    },
  };
}

/** An empty store. `indexes` must be pure functions of the projection. */
export function createStore<P, I extends string = never>(options: StoreOptions<P, I> = {}): Store<P, I> {
  const entries = new Map<string, Entry<P>>();
  const sorted: string[] = [];
  const buckets = new Map(
    Object.entries<Index<P>>(options.indexes ?? {}).map(([name, index]) => [name, createBuckets(index)]),
  );
  const listeners = new Set<(change: Change<P>) => void>();
  let revision = 0;

  function tell(change: Change<P>): void {
    revision += 1;
    for (const listener of listeners) {
      try {
        listener(change);
      } catch (error) {
        options.onError?.(error);
      }
    }
  }

  function remove(key: string, uid?: string): void {
    const known = entries.get(key);
    if (known === undefined || (uid !== undefined && known.uid !== uid)) return;
    entries.delete(key);
    removeSorted(sorted, key);
    for (const bucket of buckets.values()) bucket.remove(key, known.value);
    tell({ type: "deleted", key, previous: known.value });
  }

  function replace(known: Entry<P>, entry: Entry<P>): void {
    entries.set(entry.key, entry);
    for (const bucket of buckets.values()) {
      bucket.remove(entry.key, known.value);
      bucket.add(entry.key, entry.value);
    }
    tell({ type: "updated", key: entry.key, value: entry.value, previous: known.value });
  }

  return {
    get size() {
      return entries.size;
    },
    get revision() {
      return revision;
    },
    get: (key) => entries.get(key)?.value,
    entry: (key) => entries.get(key),
    keys: () => [...sorted],
    *values() {
      const snapshot = sorted.slice();
      for (const key of snapshot) {
        const entry = entries.get(key);
        if (entry !== undefined) yield entry.value;
      }
    },
    byIndex(index, value) {
      const bucket = buckets.get(index);
      if (bucket === undefined) throw new Error(`the store has no index "${index}"`);
      return bucket.keys(value).map((key) => (entries.get(key) as Entry<P>).value);
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    upsert(entry) {
      const known = entries.get(entry.key);
      if (known !== undefined && known.uid === entry.uid) {
        if (known.resourceVersion !== entry.resourceVersion) replace(known, entry);
        return;
      }
      if (known !== undefined) remove(entry.key);
      entries.set(entry.key, entry);
      insertSorted(sorted, entry.key);
      for (const bucket of buckets.values()) bucket.add(entry.key, entry.value);
      tell({ type: "added", key: entry.key, value: entry.value });
    },
    remove,
  };
}
