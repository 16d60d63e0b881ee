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
  /** Projections in the order of their keys; a snapshot. */
  values(): readonly P[];
  /** Projections that an index files under `value`, in the order of their keys. */
  byIndex(index: I, value: string): readonly P[];
  /** Calls back after each change; returns how to stop that. A listener that throws harms nobody else. */
  onChange(listener: (change: Change<P>) => void): () => void;
}

/** The side that a reflector writes. */
export interface Store<P, I extends string = string> extends ReadonlyStore<P, I> {
  /** Puts the newest state of an object in place. An equal uid and resourceVersion changes nothing but the mark. */
  upsert(entry: Entry<P>): void;
  /** Removes the object; with a `uid`, only if it is that one. */
  remove(key: string, uid?: string): void;
  /** A reading of the whole kind begins: what is put from now on is marked. */
  beginSweep(): void;
  /** The reading has ended: what was not put since it began is removed. */
  sweep(): void;
}

export interface StoreOptions<P, I extends string> {
  readonly indexes?: Readonly<Record<I, Index<P>>>;
  /** Hears of listeners that threw. */
  readonly onError?: (error: unknown) => void;
}

/** Where an entry stands: one object in the map and in the sorted list, so that to go through all needs no look into the map. */
interface Slot<P> {
  readonly key: string;
  entry: Entry<P>;
  /** Number of the sweep in which it was put last. */
  mark: number;
}

interface Keyed {
  readonly key: string;
}

/** Place of `key` in a sorted list, or where it would go. */
function position(sorted: readonly Keyed[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as Keyed).key < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

function insertSorted<T extends Keyed>(sorted: T[], one: T): void {
  // Lists come in key order, so nearly every insert is an append.
  const last = sorted.at(-1);
  if (last === undefined || last.key < one.key) sorted.push(one);
  else sorted.splice(position(sorted, one.key), 0, one);
}

function removeSorted(sorted: Keyed[], key: string): void {
  const at = position(sorted, key);
  if (sorted[at]?.key === key) sorted.splice(at, 1);
}

function indexValues<P>(index: Index<P>, value: P): readonly string[] {
  const found = index(value);
  if (found === undefined) return [];
  return typeof found === "string" ? [found] : [...new Set(found)];
}

/** One secondary index: the sorted slots under each value. */
function createBuckets<P>(index: Index<P>) {
  const buckets = new Map<string, Slot<P>[]>();
  return {
    slots: (value: string): readonly Slot<P>[] => buckets.get(value) ?? [],
    add(slot: Slot<P>) {
      for (const bucket of indexValues(index, slot.entry.value)) {
        const slots = buckets.get(bucket);
        if (slots === undefined) buckets.set(bucket, [slot]);
        else insertSorted(slots, slot);
      }
    },
    remove({ key, entry }: Slot<P>) {
      for (const bucket of indexValues(index, entry.value)) {
        const slots = buckets.get(bucket);
        if (slots === undefined) continue;
        removeSorted(slots, key);
        if (slots.length === 0) buckets.delete(bucket);
      }
    },
  };
}

/** An empty store. `indexes` must be pure functions of the projection. */
export function createStore<P, I extends string = never>(options: StoreOptions<P, I> = {}): Store<P, I> {
  const slots = new Map<string, Slot<P>>();
  const sorted: Slot<P>[] = [];
  const buckets = new Map(
    Object.entries<Index<P>>(options.indexes ?? {}).map(([name, index]) => [name, createBuckets(index)]),
  );
  const listeners = new Set<(change: Change<P>) => void>();
  let revision = 0;
  let sweeps = 0;

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
    const slot = slots.get(key);
    if (slot === undefined || (uid !== undefined && slot.entry.uid !== uid)) return;
    slots.delete(key);
    removeSorted(sorted, key);
    for (const bucket of buckets.values()) bucket.remove(slot);
    tell({ type: "deleted", key, previous: slot.entry.value });
  }

  function replace(slot: Slot<P>, entry: Entry<P>): void {
    const previous = slot.entry.value;
    for (const bucket of buckets.values()) bucket.remove(slot);
    slot.entry = entry;
    for (const bucket of buckets.values()) bucket.add(slot);
    tell({ type: "updated", key: entry.key, value: entry.value, previous });
  }

  return {
    get size() {
      return slots.size;
    },
    get revision() {
      return revision;
    },
    get: (key) => slots.get(key)?.entry.value,
    entry: (key) => slots.get(key)?.entry,
    keys: () => sorted.map(({ key }) => key),
    values: () => sorted.map(({ entry }) => entry.value),
    byIndex(index, value) {
      const bucket = buckets.get(index);
      if (bucket === undefined) throw new Error(`the store has no index "${index}"`);
      return bucket.slots(value).map(({ entry }) => entry.value);
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    upsert(entry) {
      const known = slots.get(entry.key);
      if (known !== undefined && known.entry.uid === entry.uid) {
        known.mark = sweeps;
        if (known.entry.resourceVersion !== entry.resourceVersion) replace(known, entry);
        return;
      }
      if (known !== undefined) remove(entry.key);
      const slot: Slot<P> = { key: entry.key, entry, mark: sweeps };
      slots.set(entry.key, slot);
      insertSorted(sorted, slot);
      for (const bucket of buckets.values()) bucket.add(slot);
      tell({ type: "added", key: entry.key, value: entry.value });
    },
    remove,
    beginSweep: () => void (sweeps += 1),
    sweep() {
      for (const { key } of sorted.filter(({ mark }) => mark !== sweeps)) remove(key);
    },
  };
}
