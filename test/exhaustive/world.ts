// One world of the search: all that decides what can happen from here. Its parts (stored objects, machines, what the actors remember, what a
// controller's caches hold, what the checks of the invariants remember) are kept once each and numbered, so a world is a few numbers, and two
// worlds with the same numbers are one. Controllers are alike: which of them is where does not count.
import { type Checker, createChecker } from "../../controller/sandbox/invariants/index.ts";
import type { ApiRequest, KubeObject } from "../../controller/kube/port.ts";
import {
  CLUSTER_KEYS,
  type ClusterKey,
  type ClusterObjects,
  resourceOf,
  scopeOf,
} from "../../controller/reconcile/cluster-kinds.ts";
import type { StoreSnapshot } from "../../controller/sandbox/apiserver/index.ts";
import type { Machine } from "../../controller/sandbox/nodes/machine.ts";
import { digest, digestOnce } from "./digest.ts";
import type { Trace } from "./leader.ts";
import type { Scene, SceneActor } from "./scene.ts";
import type { CountedServer } from "./server.ts";

/** Something that is kept once. */
export interface Kept<T> {
  readonly id: number;
  readonly value: T;
}

/** What its caches hold. */
export type Caches = Kept<ClusterObjects>;

/** A controller: between two passes, or with a request that was not sent yet. */
export interface Leader {
  /** Undefined: it is between two passes. */
  readonly waiting: Waiting | undefined;
  /** Undefined: its caches show the present when a pass begins; else what they show, and how many passes began with that. */
  readonly stale: { readonly caches: Caches; readonly passes: number } | undefined;
}

export interface Waiting {
  readonly trace: Trace;
  readonly request: ApiRequest;
  readonly asked: string;
}

/** What may still happen beside the ordinary. */
export interface Budget {
  readonly faults: number;
  readonly acts: number;
  readonly stale: number;
}

export interface World {
  readonly store: Kept<StoreSnapshot>;
  readonly machines: Kept<readonly Machine[]>;
  /** What each actor remembers, by its place. */
  readonly memories: readonly Kept<unknown>[];
  readonly now: number;
  /** How often in a row time went on because nothing else could. */
  readonly idle: number;
  readonly leaders: readonly Leader[];
  readonly left: Budget;
  /** What a person did and nobody has made good yet. */
  readonly trouble: string | undefined;
  readonly judge: Kept<Checker>;
}

type Table = StoreSnapshot["tables"] extends ReadonlyMap<string, infer T> ? T : never;

export interface Worlds {
  /** The present of the scene. */
  take(): Pick<World, "store" | "machines" | "now">;
  put(world: Pick<World, "store" | "machines" | "now">): void;
  memoryOf(actor: SceneActor): Kept<unknown>;
  keepChecker(checker: Checker): Kept<Checker>;
  keyOf(world: World): string;
  /** The caches of a controller that begins a pass now. */
  cachesOf(store: Kept<StoreSnapshot>): Caches;
  /** Names what the cluster's actors see. */
  builtin(store: Kept<StoreSnapshot>): number;
  readonly counts: () => string;
}

/** Keeps each value once, by its digest. */
function createKeeper<T>() {
  const kept = new Map<string, Kept<T>>();
  return {
    keep(key: string, make: () => T): Kept<T> {
      const known = kept.get(key);
      if (known !== undefined) return known;
      const made = { id: kept.size, value: make() };
      kept.set(key, made);
      return made;
    },
    size: () => kept.size,
  };
}

/** A check of all that comes, to which all that was is known. */
export function newChecker({ cluster }: Scene): Checker {
  const checker = createChecker({ controllerUsers: new Set(["ringward/observer", "ringward/0"]) });
  checker.feed(cluster.server.store.history());
  return checker;
}

function tableName(key: ClusterKey): string {
  const { plural, group } = resourceOf(key);
  return group === "" ? plural : `${plural}.${group}`;
}

export function createWorlds(scene: Scene, server: CountedServer): Worlds {
  const { cluster, clock, nodes } = scene;
  const { machines } = cluster;
  const { store } = cluster.server;
  const begun = store.history().length;
  const stores = createKeeper<StoreSnapshot>();
  const fleets = createKeeper<readonly Machine[]>();
  const memories = createKeeper<unknown>();
  const checkers = createKeeper<Checker>();
  const caches = createKeeper<ClusterObjects>();
  const builtins = createKeeper<undefined>();
  const traces = createKeeper<undefined>();
  const tableKeys = new WeakMap<Table, string>();
  const lists = new WeakMap<Table, Map<string, readonly KubeObject[]>>();
  const keysOf = new WeakMap<StoreSnapshot, { caches?: Caches; builtin?: number }>();

  /** A table of a snapshot never changes again. */
  function tableKey(table: Table | undefined): string {
    if (table === undefined || table.objects.size === 0) return "";
    const known = tableKeys.get(table);
    if (known !== undefined) return known;
    const names = [...table.objects.keys()].sort();
    const made = digest(
      names.map((name) => `${name} ${server.digestOf(table.objects.get(name) as unknown as KubeObject)}`).join("\n"),
    );
    tableKeys.set(table, made);
    return made;
  }

  function listOf(table: Table | undefined, prefix: string): readonly KubeObject[] {
    if (table === undefined) return [];
    const known = lists.get(table) ?? new Map<string, readonly KubeObject[]>();
    lists.set(table, known);
    const found = known.get(prefix);
    if (found !== undefined) return found;
    const names = [...table.objects.keys()].filter((name) => name.startsWith(prefix)).sort();
    const list = names.map((name) => server.see(table.objects.get(name) as unknown as KubeObject));
    known.set(prefix, list);
    return list;
  }

  function digestTables({ tables }: StoreSnapshot, names: Iterable<string>): string {
    return digest([...names].map((name) => `${name} ${tableKey(tables.get(name))}`).join("\n"));
  }

  /** What is gone decides what a new object of that name is: see server.ts. */
  function digestGone({ versions, length }: StoreSnapshot): string {
    const gone: string[] = [];
    for (let index = begun; index < length; index += 1) {
      const version = versions[index];
      if (version?.type === "DELETED")
        gone.push(`${version.key} ${server.digestOf(version.previous ?? version.object)}`);
    }
    return gone.sort().join("\n");
  }

  const cacheTables = [...new Set(CLUSTER_KEYS.map(tableName))];
  const namesOf = (snapshot: StoreSnapshot): { caches?: Caches; builtin?: number } => {
    const known = keysOf.get(snapshot) ?? {};
    keysOf.set(snapshot, known);
    return known;
  };

  return {
    take() {
      const snapshot = store.snapshot();
      const key = digest(
        [
          digestTables(snapshot, [...snapshot.tables.keys()].sort()),
          digestMap(snapshot.logs),
          digestGone(snapshot),
        ].join(),
      );
      const fleet = nodes.map((name) => machines.get(name) as Machine);
      return {
        store: stores.keep(key, () => snapshot),
        machines: fleets.keep(fleet.map((machine) => digestOnce(machine)).join(), () => fleet),
        now: clock.now(),
      };
    },
    put({ store: { value }, machines: fleet, now }) {
      store.restore(value);
      for (const machine of fleet.value) if (machines.get(machine.name) !== machine) machines.put(machine);
      clock.set(now);
    },
    memoryOf({ actor }) {
      const state = actor.snapshot?.();
      return memories.keep(state === undefined ? "" : digest(JSON.stringify(state)), () => state);
    },
    keepChecker: (checker) => checkers.keep(digestChecker(checker), () => checker),
    builtin: ({ value }) =>
      (namesOf(value).builtin ??= builtins.keep(digestTables(value, BUILTIN), () => undefined).id),
    cachesOf({ value: snapshot }) {
      return (namesOf(snapshot).caches ??= caches.keep(
        digestTables(snapshot, cacheTables),
        () =>
          Object.fromEntries(
            CLUSTER_KEYS.map((one) => {
              const { namespace } = scopeOf(one);
              return [one, listOf(snapshot.tables.get(tableName(one)), namespace === undefined ? "" : `${namespace}/`)];
            }),
          ) as unknown as ClusterObjects,
      ));
    },
    keyOf({ store: { id }, machines: fleet, memories: remembered, now, idle, leaders, left, trouble, judge }) {
      const places = leaders.map(
        ({ waiting, stale }) =>
          `${waiting === undefined ? "" : traces.keep(waiting.trace.key, () => undefined).id}/${stale === undefined ? "" : `${stale.caches.id}.${stale.passes}`}`,
      );
      const memory = remembered.map((one) => one.id).join(".");
      return `${id} ${fleet.id} ${memory} ${(now - START_OF_KEYS) / 1000} ${idle} ${places.sort().join(" ")} ${left.faults}${left.acts}${left.stale} ${trouble ?? ""} ${judge.id}`;
    },
    counts: () => `${stores.size()} stores, ${checkers.size()} memories of checks, ${traces.size()} places in a pass`,
  };
}

/** Only so that keys are short. */
const START_OF_KEYS = Date.parse("2024-12-16T07:00:00Z");

const BUILTIN = [
  "nodes",
  "leases.coordination.k8s.io",
  "pods",
  "deployments.apps",
  "replicasets.apps",
  "statefulsets.apps",
  "daemonsets.apps",
  "controllerrevisions.apps",
  "jobs.batch",
  "poddisruptionbudgets.policy",
];

/** What the checks remember: values never change in place, so each is looked at once. */
function digestChecker(checker: Checker): string {
  const { world, memos } = checker.memory();
  const parts: string[] = [];
  for (const [field, value] of Object.entries(world) as readonly (readonly [string, unknown])[]) {
    if (field === "controllerUsers" || field === "lastLoud") continue;
    parts.push(field, value instanceof Map ? digestMap(value) : digestValue(value));
  }
  for (const [id, memo] of memos) if (memo.size > 0) parts.push(id, digestMap(memo));
  return digest(parts.join("\n"));
}

function digestMap(map: ReadonlyMap<unknown, unknown>): string {
  if (map.size === 0) return "";
  return digest(
    [...map]
      .map(([key, value]) => `${String(key)} ${digestValue(value)}`)
      .sort()
      .join("\n"),
  );
}

function digestValue(value: unknown): string {
  return typeof value === "object" && value !== null ? digestOnce(value) : String(value);
}
