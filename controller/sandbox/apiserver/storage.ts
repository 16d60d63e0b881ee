// Versions of all objects under one revision counter, as etcd keeps them: the present, and every version that ever was.
// It never changes an object (all are frozen), never looks at a clock and knows nothing of kinds. Invariants are checked over
// `history()`, and a crash sweep restores snapshots thousands of times, so both share structure instead of copying objects.
import type { Instant } from "../../clock.ts";
import type { KubeObject } from "../../kube/port.ts";
import { freezeCopy } from "./json.ts";
import type { JsonObject } from "./json.ts";

/** One change of one object. */
export interface StoredVersion {
  readonly revision: number;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  /** `pods` or `deployments.apps`. */
  readonly resource: string;
  /** `pods/NAMESPACE/NAME`, `nodes/NAME`, `deployments.apps/NAMESPACE/NAME`. */
  readonly key: string;
  /** Frozen. Of a DELETED version the last state, with the revision of the deletion. */
  readonly object: Readonly<KubeObject>;
  /** Who wrote. */
  readonly user: string;
  readonly time: Instant;
  readonly previous?: Readonly<KubeObject>;
}

/** What a server knows at one moment. Opaque; cheap to take and to restore any number of times. */
export interface StoreSnapshot {
  readonly revision: number;
  readonly compacted: number;
  readonly tables: ReadonlyMap<string, Table>;
  readonly versions: readonly StoredVersion[];
  readonly length: number;
  readonly logs: ReadonlyMap<string, string>;
}

interface Table {
  readonly objects: Map<string, JsonObject>;
  /** Keys in order; rebuilt when missing. */
  sorted: string[] | undefined;
}

export interface Write {
  readonly resource: string;
  /** `NAMESPACE/NAME` or `NAME`. */
  readonly key: string;
  readonly user: string;
  readonly time: Instant;
}

export interface Storage {
  revision(): number;
  /** The oldest revision that a watch may start from; earlier ones are answered with 410. */
  compactedRevision(): number;
  get(resource: string, key: string): JsonObject | undefined;
  /** Objects of a resource in key order, whose key starts with `prefix`, as of `revision` (now, unless given). */
  list(resource: string, prefix?: string, revision?: number): readonly [string, JsonObject][];
  count(resource: string): number;
  /** Stores an object (its resourceVersion is set here) and returns the frozen result. */
  put(write: Write, object: JsonObject): JsonObject;
  remove(write: Write): JsonObject | undefined;
  /** Changes after `revision`, oldest first. */
  since(revision: number): readonly StoredVersion[];
  subscribe(listener: (version: StoredVersion) => void): () => void;
  history(): readonly StoredVersion[];
  /** Forgets old revisions for watches and continue tokens (the history stays). */
  compact(revision: number): void;
  snapshot(): StoreSnapshot;
  /** Goes back to a snapshot; whoever watches is told through `onRestore`. */
  restore(snapshot: StoreSnapshot): void;
  onRestore(listener: () => void): () => void;
  podLog(namespace: string, name: string): string | undefined;
  setPodLog(namespace: string, name: string, text: string): void;
}

/** An empty store. `historyLimit` is how many revisions back a watch may start. */
export function createStorage(historyLimit: number): Storage {
  let revision = 1;
  let compacted = 0;
  let tables = new Map<string, Table>();
  let versions: StoredVersion[] = [];
  let logs = new Map<string, string>();
  // After a snapshot the present is shared with it: the first write to a table (or the history) copies that part.
  let shared = new Set<string>();
  let versionsShared = false;
  let logsShared = false;
  const listeners = new Set<(version: StoredVersion) => void>();
  const restoreListeners = new Set<() => void>();

  function writable(resource: string): Table {
    const table = tables.get(resource);
    if (table === undefined) {
      const created: Table = { objects: new Map(), sorted: undefined };
      tables.set(resource, created);
      return created;
    }
    if (!shared.has(resource)) return table;
    shared.delete(resource);
    const copy: Table = { objects: new Map(table.objects), sorted: table.sorted?.slice() };
    tables.set(resource, copy);
    return copy;
  }

  function record(version: StoredVersion): void {
    if (versionsShared) {
      versions = versions.slice();
      versionsShared = false;
    }
    versions.push(Object.freeze(version));
    if (revision - compacted > historyLimit) compacted = revision - historyLimit;
    for (const listener of [...listeners]) listener(version);
  }

  function change(
    write: Write,
    type: StoredVersion["type"],
    object: JsonObject,
    previous: JsonObject | undefined,
  ): void {
    record({
      revision,
      type,
      resource: write.resource,
      key: `${write.resource}/${write.key}`,
      object: object as unknown as KubeObject,
      user: write.user,
      time: write.time,
      ...(previous === undefined ? {} : { previous: previous as unknown as KubeObject }),
    });
  }

  function keysOf(table: Table): readonly string[] {
    return (table.sorted ??= [...table.objects.keys()].sort());
  }

  function stateAt(resource: string, at: number): Map<string, JsonObject> {
    const state = new Map(tables.get(resource)?.objects);
    for (let index = versions.length - 1; index >= 0; index--) {
      const version = versions[index];
      if (version === undefined || version.revision <= at) break;
      if (version.resource !== resource) continue;
      const key = version.key.slice(resource.length + 1);
      if (version.previous === undefined) state.delete(key);
      else state.set(key, version.previous as unknown as JsonObject);
    }
    return state;
  }

  return {
    revision: () => revision,
    compactedRevision: () => compacted,
    get: (resource, key) => tables.get(resource)?.objects.get(key),
    count: (resource) => tables.get(resource)?.objects.size ?? 0,
    list(resource, prefix = "", at = revision) {
      const table = tables.get(resource);
      if (table === undefined && at >= revision) return [];
      const objects = at >= revision && table !== undefined ? table.objects : stateAt(resource, at);
      const keys = objects === table?.objects && table !== undefined ? keysOf(table) : [...objects.keys()].sort();
      const found: [string, JsonObject][] = [];
      for (let index = lowerBound(keys, prefix); index < keys.length; index++) {
        const key = keys[index] ?? "";
        if (!key.startsWith(prefix)) break;
        const object = objects.get(key);
        if (object !== undefined) found.push([key, object]);
      }
      return found;
    },
    put(write, object) {
      revision++;
      const metadata = { ...(object["metadata"] as JsonObject), resourceVersion: String(revision) };
      const stored = freezeCopy({ ...object, metadata }) as JsonObject;
      const table = writable(write.resource);
      const previous = table.objects.get(write.key);
      table.objects.set(write.key, stored);
      if (previous === undefined && table.sorted !== undefined)
        table.sorted.splice(lowerBound(table.sorted, write.key), 0, write.key);
      change(write, previous === undefined ? "ADDED" : "MODIFIED", stored, previous);
      return stored;
    },
    remove(write) {
      const table = writable(write.resource);
      const previous = table.objects.get(write.key);
      if (previous === undefined) return undefined;
      revision++;
      table.objects.delete(write.key);
      table.sorted?.splice(lowerBound(table.sorted, write.key), 1);
      const metadata = { ...(previous["metadata"] as JsonObject), resourceVersion: String(revision) };
      change(write, "DELETED", freezeCopy({ ...previous, metadata }) as JsonObject, previous);
      return previous;
    },
    since(after) {
      let low = 0;
      let high = versions.length;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if ((versions[middle]?.revision ?? 0) <= after) low = middle + 1;
        else high = middle;
      }
      return versions.slice(low);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    history() {
      versionsShared = true;
      return versions;
    },
    compact(to) {
      compacted = Math.max(compacted, Math.min(to, revision));
    },
    snapshot() {
      shared = new Set(tables.keys());
      versionsShared = true;
      logsShared = true;
      return { revision, compacted, tables: new Map(tables), versions, length: versions.length, logs };
    },
    restore(snapshot) {
      revision = snapshot.revision;
      compacted = snapshot.compacted;
      tables = new Map(snapshot.tables);
      shared = new Set(tables.keys());
      versions =
        snapshot.versions.length === snapshot.length
          ? (snapshot.versions as StoredVersion[])
          : snapshot.versions.slice(0, snapshot.length);
      versionsShared = true;
      logs = snapshot.logs as Map<string, string>;
      logsShared = true;
      for (const listener of [...restoreListeners]) listener();
    },
    onRestore(listener) {
      restoreListeners.add(listener);
      return () => restoreListeners.delete(listener);
    },
    podLog: (namespace, name) => logs.get(`${namespace}/${name}`),
    setPodLog(namespace, name, text) {
      if (logsShared) {
        logs = new Map(logs);
        logsShared = false;
      }
      logs.set(`${namespace}/${name}`, text);
    },
  };
}

/** The index of the first key that is not before `key`. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] ?? "") < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
