// Everything that a pass reads of the cluster, as one value. Two readers: `listing` asks the API server each time (one process,
// deterministic runs), `watching` reads the stores of reflectors and is ready only when all of them are synced (K3).
import type { Breath } from "../breath.ts";
import type { Clock, Random } from "../clock.ts";
import type { Client } from "../kube/client.ts";
import { measureReflector } from "../kube/metrics.ts";
import { createSharing } from "../inventory/sharing.ts";
import type { KubeObject } from "../kube/port.ts";
import { createWords, protobufReader } from "../kube/protobuf/index.ts";
import { type Reflector, startReflector } from "../kube/reflector.ts";
import type { Resource } from "../kube/resources.ts";
import { createStore, type Store } from "../kube/store.ts";
import type { Meter } from "../metrics.ts";
import { CLUSTER_KEYS, type ClusterKey, type ClusterObjects, resourceOf, scopeOf } from "./cluster-kinds.ts";
import { keepersOf } from "./kept.ts";

/** What a cache is called in metrics: its resource, with the namespace where it holds only one. */
function nameOf(key: ClusterKey): string {
  const { namespace } = scopeOf(key);
  const { plural } = resourceOf(key);
  return namespace === undefined ? plural : `${namespace}/${plural}`;
}

export interface ClusterReader {
  /** The cluster as it is, or was a moment ago. */
  read(): Promise<ClusterObjects>;
  /** Kinds that are not synced yet. */
  pending(): readonly ClusterKey[];
  stop(): Promise<void>;
}

/** A reader that lists everything each time. */
export function listing(client: Client): ClusterReader {
  return {
    async read() {
      const lists: Partial<Record<ClusterKey, readonly KubeObject[]>> = {};
      for (const key of CLUSTER_KEYS) {
        lists[key] = (await client.list(resourceOf(key), scopeOf(key))).items;
      }
      return lists as ClusterObjects;
    },
    pending: () => [],
    stop: async () => undefined,
  };
}

export interface WatchingOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly meter: Meter;
  readonly breath?: Breath | undefined;
  /** As in `ReflectorOptions`. */
  readonly backoffSteps?: number | undefined;
  /** Something changed, but for heartbeats. Called often; must only take note. */
  readonly onChange: () => void;
  readonly onError: (error: unknown, key: ClusterKey) => void;
}

export interface WatchingReader extends ClusterReader {
  /** Kinds of which no watch is open: what is known of them may be old. */
  cutOff(): readonly ClusterKey[];
}

/** A reader over reflectors. */
export function watching(options: WatchingOptions): WatchingReader {
  const { client, clock, random, meter, breath, backoffSteps, onChange, onError } = options;
  const reflectors = new Map<ClusterKey, Reflector>();
  const stores = new Map<ClusterKey, Store<KubeObject>>();
  const keepers = keepersOf(createSharing());
  const words = createWords();
  for (const key of CLUSTER_KEYS) {
    const keep = keepers[key] ?? ((object) => typed(object, resourceOf(key)));
    const store = createStore<KubeObject>();
    if (key !== "leases") store.onChange(onChange);
    stores.set(key, store);
    const measured = measureReflector(meter, nameOf(key), clock);
    const reflector = startReflector<KubeObject>({
      port: client.port,
      resource: resourceOf(key),
      clock,
      random,
      store,
      ...scopeOf(key),
      binary: protobufReader(resourceOf(key), words),
      project: keep,
      breath,
      backoffSteps,
      onError: (error) => onError(error, key),
      metrics: measured.hooks,
    });
    measured.follow(reflector, () => store.size);
    reflectors.set(key, reflector);
  }
  // The same list while nothing in it changed: who reads it need not look at every object again.
  const lists = new Map<ClusterKey, { readonly revision: number; readonly list: readonly KubeObject[] }>();
  const listOf = (key: ClusterKey): readonly KubeObject[] => {
    const store = stores.get(key);
    if (store === undefined) return [];
    const known = lists.get(key);
    if (known?.revision === store.revision) return known.list;
    const list = store.values();
    lists.set(key, { revision: store.revision, list });
    return list;
  };
  return {
    async read() {
      await Promise.all([...reflectors.values()].map((reflector) => reflector.synced));
      return Object.fromEntries(CLUSTER_KEYS.map((key) => [key, listOf(key)])) as unknown as ClusterObjects;
    },
    pending: () => CLUSTER_KEYS.filter((key) => reflectors.get(key)?.isSynced() !== true),
    cutOff: () => CLUSTER_KEYS.filter((key) => reflectors.get(key)?.isWatching() !== true),
    stop: async () => {
      await Promise.all([...reflectors.values()].map((reflector) => reflector.stop()));
    },
  };
}

/** Lists leave apiVersion and kind out of their items. */
function typed(object: KubeObject, resource: Resource): KubeObject {
  if (object.kind !== undefined && object.apiVersion !== undefined) return object;
  return {
    ...object,
    apiVersion: resource.group === "" ? resource.version : `${resource.group}/${resource.version}`,
    kind: resource.kind,
  };
}
