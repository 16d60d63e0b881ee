// A controller's caches, each of which may be behind by itself: it moves forward over the versions that were stored, never back, and may
// leave out what came and went in between, as a watch's cache does.
import type { KubeObject } from "../../controller/kube/port.ts";
import type { ClusterReader } from "../../controller/reconcile/cluster.ts";
import {
  CLUSTER_KEYS,
  type ClusterKey,
  type ClusterObjects,
  resourceOf,
  scopeOf,
} from "../../controller/reconcile/cluster-kinds.ts";
import type { StoredVersion } from "../../controller/sandbox/apiserver/index.ts";
import { Crash, type Soul } from "../sweep/soul.ts";
import type { Stage } from "../sweep/stage.ts";
import type { Chance } from "./chance.ts";

/** No cache is behind by more than this, ms of policy time. */
export const MOST_LAG_MS = 15_000;

interface Cache {
  readonly table: string;
  readonly prefix: string;
  readonly objects: Map<string, KubeObject>;
  /** Versions of the history that it has taken in. */
  taken: number;
  list: readonly KubeObject[] | undefined;
}

/** Caches that were just listed. `chance` undefined: they are never behind. */
export function staleReader(stage: Stage, soul: Soul, chance: () => Chance | undefined): ClusterReader {
  return behindReader(stage, soul, () => {
    const drawn = chance();
    const together = drawn?.below(3) ?? 0;
    return (_, low, high) => (together === 0 ? high : pick(together === 1 ? undefined : drawn, low, high));
  });
}

/** How far a cache is taken in one reading: at least to `low`, at most to `high`, in versions of the history. */
export type TakenTo = (key: ClusterKey, low: number, high: number) => number;

/** Caches that were just listed, and from then on are as far as is said. */
export function behindReader(stage: Stage, soul: Soul, read: () => TakenTo): ClusterReader {
  const { store } = stage.cluster.server;
  const { tables } = store.snapshot();
  const begun = store.history().length;
  const caches = new Map<ClusterKey, Cache>(
    CLUSTER_KEYS.map((key) => {
      const { plural, group } = resourceOf(key);
      const table = group === "" ? plural : `${plural}.${group}`;
      const { namespace } = scopeOf(key);
      const prefix = namespace === undefined ? "" : `${namespace}/`;
      const objects = [...(tables.get(table)?.objects ?? [])].filter(([name]) => name.startsWith(prefix));
      return [key, { table, prefix, objects: new Map(objects) as never, taken: begun, list: undefined }];
    }),
  );
  return {
    read() {
      if (soul.dead) return Promise.reject(new Crash("dead"));
      const history = store.history();
      const oldest = firstAfter(history, stage.clock.now() - MOST_LAG_MS);
      const takenTo = read();
      const lists = [...caches].map(([key, cache]): readonly [ClusterKey, readonly KubeObject[]] => {
        const low = Math.max(cache.taken, oldest);
        takeIn(cache, history, takenTo(key, low, history.length));
        return [key, (cache.list ??= inOrder(cache.objects))];
      });
      return Promise.resolve(Object.fromEntries(lists) as unknown as ClusterObjects);
    },
    pending: () => [],
    stop: () => Promise.resolve(),
  };
}

/** Without a draw all are as old as they may be. */
function pick(chance: Chance | undefined, low: number, high: number): number {
  if (chance === undefined || low >= high) return low;
  return [high, low, high - 1, Math.floor((low + high) / 2)][chance.below(4)] ?? high;
}

function takeIn(cache: Cache, history: readonly StoredVersion[], until: number): void {
  for (; cache.taken < until; cache.taken += 1) {
    const version = history[cache.taken];
    if (version?.resource !== cache.table) continue;
    const name = version.key.slice(cache.table.length + 1);
    if (!name.startsWith(cache.prefix)) continue;
    if (version.type === "DELETED") cache.objects.delete(name);
    else cache.objects.set(name, version.object);
    cache.list = undefined;
  }
}

/** Each row in the order of its key, as a list has it. */
function inOrder(objects: ReadonlyMap<string, KubeObject>): readonly KubeObject[] {
  return [...objects.keys()].sort().map((name) => objects.get(name) as KubeObject);
}

function firstAfter(history: readonly StoredVersion[], time: number): number {
  let index = history.length;
  while (index > 0 && (history[index - 1]?.time ?? 0) > time) index -= 1;
  return index;
}
