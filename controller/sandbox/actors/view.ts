// What the sandbox's actors see of the cluster, and the only way they write to it: a cache of built-in kinds behind the
// API port, kept current by watches (demo) or by `refresh()` once a round (deterministic in-process runs).
// Answers to own writes go into the cache at once, so that an actor never acts twice because a watch lags; an older
// version never replaces a newer one. It knows no kind of ringward.dev and nothing of the server's insides.
import type { Clock, Random } from "../../clock.ts";
import { toApiError } from "../../kube/api-errors.ts";
import { readPages, sendListTo } from "../../kube/pages.ts";
import type { ApiPort, ApiResponse, KubeObject } from "../../kube/port.ts";
import { startReflector } from "../../kube/reflector.ts";
import type { Reflector } from "../../kube/reflector.ts";
import * as resources from "../../kube/resources.ts";
import type { Resource } from "../../kube/resources.ts";
import { createStore, keyOf } from "../../kube/store.ts";
import type { Store } from "../../kube/store.ts";
import type * as objects from "./objects.ts";

/** The kinds in the view, by the names that paths use. */
export interface Kinds {
  nodes: objects.Node;
  leases: objects.Lease;
  pods: objects.Pod;
  deployments: objects.Deployment;
  replicasets: objects.ReplicaSet;
  statefulsets: objects.StatefulSet;
  daemonsets: objects.DaemonSet;
  controllerrevisions: objects.ControllerRevision;
  jobs: objects.Job;
  poddisruptionbudgets: objects.PodDisruptionBudget;
}
export type KindName = keyof Kinds;

const NODE_LEASES = "kube-node-lease";
const SERVED: Readonly<Record<KindName, { readonly resource: Resource; readonly namespace?: string }>> = {
  nodes: { resource: resources.NODES },
  leases: { resource: resources.LEASES, namespace: NODE_LEASES },
  pods: { resource: resources.PODS },
  deployments: { resource: resources.DEPLOYMENTS },
  replicasets: { resource: resources.REPLICA_SETS },
  statefulsets: { resource: resources.STATEFUL_SETS },
  daemonsets: { resource: resources.DAEMON_SETS },
  controllerrevisions: { resource: resources.CONTROLLER_REVISIONS },
  jobs: { resource: resources.JOBS },
  poddisruptionbudgets: { resource: resources.POD_DISRUPTION_BUDGETS },
};
const KIND_NAMES = Object.keys(SERVED) as readonly KindName[];
const WAKING_KINDS = KIND_NAMES.filter((kind) => kind !== "leases");

export interface Reader {
  /** All objects of a kind in the order of namespace/name. */
  list<K extends KindName>(kind: K): readonly Kinds[K][];
  get<K extends KindName>(kind: K, name: string, namespace?: string): Kinds[K] | undefined;
  /** Pods bound to a node. */
  podsOn(nodeName: string): readonly objects.Pod[];
  /** Objects whose controller owner has this uid. */
  ownedBy<K extends KindName>(kind: K, uid: string): readonly Kinds[K][];
}

/** Writes answer with the stored object, or undefined when the race was lost (404, 409): look again next step. */
export interface ActorClient extends Reader {
  create<K extends KindName>(kind: K, object: Kinds[K]): Promise<Kinds[K] | undefined>;
  /** PUT under the object's resourceVersion. */
  replace<K extends KindName>(kind: K, object: Kinds[K], subresource?: "status"): Promise<Kinds[K] | undefined>;
  /** DELETE under the object's uid; answers whether the server took it. */
  remove<K extends KindName>(kind: K, object: Kinds[K], options?: RemoveOptions): Promise<boolean>;
  bind(pod: objects.Pod, nodeName: string): Promise<boolean>;
  /** Hands a pod's log to the sandbox's server; a real one has kubelets for that and answers 404. */
  setLog(pod: objects.Pod, log: string): Promise<void>;
  /** Writes that the server took, since the client was made. */
  writes(): number;
}

export interface RemoveOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: "Background" | "Foreground" | "Orphan";
}

export interface ClusterView extends Reader {
  /** A client that tells the server its name. */
  client(actor: string): ActorClient;
  /** Reads every kind once. Not to be mixed with `follow`. */
  refresh(): Promise<void>;
  /** Starts watches; resolves when every kind has been read once. */
  follow(options: FollowOptions): Promise<void>;
  stop(): Promise<void>;
  /** Forgets everything: after a restore the same version numbers may stand for other content. */
  reset(): void;
  /** Grows with every change of the cache, but for Leases: nobody acts on a heartbeat. */
  revision(): number;
  /** Calls back after each such change; returns how to stop that. */
  onChange(listener: () => void): () => void;
  /** Lets answers and events that are already there come in. */
  yielded(): Promise<void>;
}

export interface FollowOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly onError: (error: unknown) => void;
}

type Index = "node" | "owner";
type AnyStore = Store<KubeObject, Index>;

interface Cache {
  readonly store: AnyStore;
  /** Takes an object in unless a newer version, or its end, is known. */
  absorb(object: KubeObject): void;
  forget(object: KubeObject): void;
  clear(): void;
}

/** A cache that starts empty: `refresh` or `follow` fills it. `as` gives each actor a port under its own name. */
export function createView(port: ApiPort, as: (actor: string) => ApiPort = () => port): ClusterView {
  const caches = Object.fromEntries(KIND_NAMES.map((kind) => [kind, createCache()])) as Record<KindName, Cache>;
  const reader = createReader(caches);
  let reflectors: Reflector[] = [];

  return {
    ...reader,
    client: (actor) => createActorClient(as(actor), caches, reader, actor),
    async refresh() {
      for (const kind of KIND_NAMES) await relist(port, kind, caches[kind].store);
    },
    async follow(options) {
      reflectors = KIND_NAMES.map((kind) => {
        const { resource, namespace } = SERVED[kind];
        const store = guarded(caches[kind]);
        return startReflector({ port, resource, namespace, store, project: (object) => object, ...options });
      });
      await Promise.all(reflectors.map((reflector) => reflector.synced));
    },
    async stop() {
      await Promise.all(reflectors.map((reflector) => reflector.stop()));
      reflectors = [];
    },
    reset: () => KIND_NAMES.forEach((kind) => caches[kind].clear()),
    revision: () => WAKING_KINDS.reduce((sum, kind) => sum + caches[kind].store.revision, 0),
    onChange(listener) {
      const stops = WAKING_KINDS.map((kind) => caches[kind].store.onChange(listener));
      return () => stops.forEach((stop) => stop());
    },
    yielded: () => new Promise((resolve) => setImmediate(resolve)),
  };
}

function createCache(): Cache {
  const store: AnyStore = createStore<KubeObject, Index>({
    indexes: {
      node: (object) => (object as objects.Pod).spec?.nodeName,
      owner: (object) => controllerOf(object)?.uid,
    },
  });
  /** Ended objects, so that a late event of their life does not bring them back. Bounded: only the newest matter. */
  const ended = new Set<string>();
  return {
    store,
    absorb(object) {
      const { uid = "", resourceVersion = "" } = object.metadata;
      const known = store.entry(keyOf(object.metadata));
      if (ended.has(uid)) return;
      // It only counts as there: a list that lags behind must not take it away.
      if (known !== undefined && isNewer(known.resourceVersion, resourceVersion)) return store.upsert(known);
      store.upsert({ key: keyOf(object.metadata), uid, resourceVersion, value: object });
    },
    forget(object) {
      const { uid = "" } = object.metadata;
      ended.add(uid);
      const [oldest] = ended;
      if (ended.size > 5_000 && oldest !== undefined) ended.delete(oldest);
      store.remove(keyOf(object.metadata), uid);
    },
    clear() {
      ended.clear();
      for (const key of store.keys()) store.remove(key);
    },
  };
}

/** Resource versions of one kind can be compared since KEP-5504; anything else counts as not newer. */
function isNewer(known: string, incoming: string): boolean {
  return /^\d+$/.test(known) && /^\d+$/.test(incoming) && BigInt(known) > BigInt(incoming);
}

/** The store as a reflector sees it: its news go through `absorb`, so that a lagging watch undoes no answer. */
function guarded(cache: Cache): Store<KubeObject> {
  const { store } = cache;
  return {
    get size() {
      return store.size;
    },
    get revision() {
      return store.revision;
    },
    get: (key) => store.get(key),
    entry: (key) => store.entry(key),
    keys: () => store.keys(),
    values: () => store.values(),
    byIndex: () => [],
    onChange: (listener) => store.onChange(listener),
    upsert: (entry) => cache.absorb(entry.value),
    beginSweep: () => store.beginSweep(),
    sweep: () => store.sweep(),
    remove: (key, uid) => store.remove(key, uid),
  };
}

function createReader(caches: Record<KindName, Cache>): Reader {
  /** The last list of each kind, and the revision that it was of: most steps find nothing new. */
  const lists = new Map<KindName, { readonly revision: number; readonly objects: readonly KubeObject[] }>();
  return {
    list: <K extends KindName>(kind: K) => {
      const { store } = caches[kind];
      const known = lists.get(kind);
      if (known?.revision === store.revision) return known.objects as unknown as readonly Kinds[K][];
      const objects = store.values();
      lists.set(kind, { revision: store.revision, objects });
      return objects as unknown as readonly Kinds[K][];
    },
    get: <K extends KindName>(kind: K, name: string, namespace?: string) =>
      caches[kind].store.get(namespace === undefined ? name : `${namespace}/${name}`) as Kinds[K] | undefined,
    podsOn: (nodeName) => caches.pods.store.byIndex("node", nodeName) as unknown as readonly objects.Pod[],
    ownedBy: <K extends KindName>(kind: K, uid: string) =>
      caches[kind].store.byIndex("owner", uid) as unknown as readonly Kinds[K][],
  };
}

async function relist(port: ApiPort, kind: KindName, store: AnyStore): Promise<void> {
  const { resource, namespace } = SERVED[kind];
  for await (const page of readPages(sendListTo(port, resource, { namespace }), { namespace })) {
    if (page.first) store.beginSweep();
    for (const object of page.items) {
      const { uid = "", resourceVersion = "" } = object.metadata;
      store.upsert({ key: keyOf(object.metadata), uid, resourceVersion, value: object });
    }
  }
  store.sweep();
}

/** The owner that controls an object, if any. */
export function controllerOf(
  object: KubeObject,
): { readonly kind: string; readonly name: string; readonly uid: string } | undefined {
  return object.metadata.ownerReferences?.find((owner) => owner.controller === true);
}

function createActorClient(port: ApiPort, caches: Record<KindName, Cache>, reader: Reader, actor: string): ActorClient {
  let writes = 0;
  const headers = { "user-agent": `sandbox-${actor}` };
  const send = async (
    method: "POST" | "PUT" | "DELETE",
    path: string,
    body: unknown,
  ): Promise<ApiResponse | undefined> => {
    const response = await port.request({ method, path, query: { fieldManager: actor }, headers, body });
    if (response.status === 404 || response.status === 409) return undefined;
    if (response.status >= 300) throw toApiError(response);
    writes += 1;
    return response;
  };
  const stored = <K extends KindName>(kind: K, response: ApiResponse | undefined): Kinds[K] | undefined => {
    if (response === undefined) return undefined;
    caches[kind].absorb(response.body as KubeObject);
    return response.body as Kinds[K];
  };
  return {
    ...reader,
    create: async (kind, object) => {
      const { resource } = SERVED[kind];
      const path = resources.collectionPath(resource, object.metadata.namespace);
      return stored(kind, await send("POST", path, typed(resource, object)));
    },
    replace: async (kind, object, subresource) => {
      const { resource } = SERVED[kind];
      const path = resources.objectPath(resource, object.metadata, subresource);
      return stored(kind, await send("PUT", path, typed(resource, object)));
    },
    remove: async (kind, object, options = {}) => {
      const path = resources.objectPath(SERVED[kind].resource, object.metadata);
      const preconditions = { uid: object.metadata.uid };
      const body = { kind: "DeleteOptions", apiVersion: "v1", preconditions, ...options };
      const response = await send("DELETE", path, body);
      if (response === undefined) return false;
      settleRemoval(caches[kind], object, response.body as KubeObject);
      return true;
    },
    bind: async (pod, nodeName) => {
      const { name, namespace = "", uid = "" } = pod.metadata;
      const target = { apiVersion: "v1", kind: "Node", name: nodeName };
      const body = { apiVersion: "v1", kind: "Binding", metadata: { name, namespace, uid }, target };
      const path = resources.objectPath(resources.PODS, { name, namespace }, "binding");
      if ((await send("POST", path, body)) === undefined) return false;
      const path2 = resources.objectPath(resources.PODS, { name, namespace });
      // A Binding is answered with a Status; the next actor should see the pod where it now is.
      const response = await port.request({ method: "GET", path: path2, headers });
      if (response.status === 200) caches.pods.absorb(response.body as KubeObject);
      return true;
    },
    setLog: async (pod, log) => {
      const { name, namespace = "" } = pod.metadata;
      const path = `/sandbox/v1/namespaces/${namespace}/pods/${name}/log`;
      const response = await port.request({ method: "PUT", path, headers, body: log });
      if (response.status >= 300 && response.status !== 404) throw toApiError(response);
    },
    writes: () => writes,
  };
}

/** Lists leave apiVersion and kind out; a write needs them. */
function typed(resource: Resource, object: KubeObject): KubeObject {
  return { ...object, apiVersion: resources.apiVersionOf(resource), kind: resource.kind };
}

/** A DELETE answers with a Status or the last state; only finalizers or a grace period leave something behind. */
function settleRemoval(cache: Cache, object: KubeObject, answer: KubeObject): void {
  const meta = answer.metadata as objects.Pod["metadata"] | undefined;
  const lingers =
    meta?.deletionTimestamp !== undefined &&
    ((meta.finalizers?.length ?? 0) > 0 || (meta.deletionGracePeriodSeconds ?? 0) > 0);
  if (lingers) cache.absorb(answer);
  else cache.forget(object);
}
