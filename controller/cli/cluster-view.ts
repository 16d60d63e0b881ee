// The cluster as read commands see it: from a dump or, asked once, from an API server. Both come to the same value, so that nothing
// behind this file knows where it came from. It only reads; kinds of Ringward's that are not installed are simply absent.
import type { NodePatchStateStatus, WorkloadPatchStateStatus } from "../api/patch-state.ts";
import type { Clock, Instant } from "../clock.ts";
import { type AnswerMemory, createMemory } from "../core/incremental/memory.ts";
import type { Inventory, StoredStates } from "../core/model.ts";
import { UserError } from "../errors.ts";
import { readDump } from "../inventory/dump.ts";
import { isNotFound } from "../kube/api-errors.ts";
import { type ApiServerView, viewApiServer } from "../kube/api-server.ts";
import { type Client, createClient } from "../kube/client.ts";
import { loadClusterAccess } from "../kube/kubeconfig.ts";
import { stateRef, statusFor } from "../kube/patch-states.ts";
import { ApiError, type KubeObject, TransportError } from "../kube/port.ts";
import { createTransport } from "../kube/transport.ts";
import { CLUSTER_KEYS, type ClusterKey, type ClusterObjects, resourceOf, scopeOf } from "../reconcile/cluster-kinds.ts";
import { takeSnapshot } from "../reconcile/snapshot.ts";

export interface ClusterView {
  readonly inventory: Inventory;
  readonly stored: StoredStates;
  /** Ringward's own objects by kind, as they are there. */
  readonly objects: ReadonlyMap<string, readonly KubeObject[]>;
  /** When the cluster was like this; undefined: nothing in it says so. */
  readonly takenAt: Instant | undefined;
  /** What could not be read, a line each. */
  readonly problems: readonly string[];
}

/** Reads a folder of `kubectl get -o json` output. */
export async function viewDump(folder: string): Promise<ClusterView> {
  const { inventory, objects: own, problems, takenAt } = await readDump(folder);
  const objects = own as unknown as ReadonlyMap<string, readonly KubeObject[]>;
  return {
    inventory,
    objects,
    stored: storedStates(objects, inventory),
    takenAt,
    problems: problems.map(
      ({ kind, namespace, name, message }) =>
        `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name === "" ? "(without a name)" : name}: ${message}`,
    ),
  };
}

/** States by the UID of their target; one that speaks of another object of the same name is none. */
function storedStates(objects: ClusterView["objects"], inventory: Inventory): StoredStates {
  const nodeStates = new Map((objects.get("NodePatchState") ?? []).map((object) => [object.metadata.name, object]));
  const nodes = new Map<string, NodePatchStateStatus>();
  for (const { name, uid } of inventory.nodes) {
    const object = nodeStates.get(name);
    const status = object === undefined ? undefined : statusFor<NodePatchStateStatus>(object, uid);
    if (status !== undefined) nodes.set(uid, status);
  }
  const key = (namespace: string | undefined, name: string): string => `${namespace ?? ""}/${name}`;
  const workloadStates = new Map(
    (objects.get("WorkloadPatchState") ?? []).map(({ metadata, ...rest }) => [
      key(metadata.namespace, metadata.name),
      { metadata, ...rest },
    ]),
  );
  const workloads = new Map<string, WorkloadPatchStateStatus>();
  for (const workload of inventory.workloads) {
    const ref = stateRef(workload);
    const object = workloadStates.get(key(ref.namespace, ref.name));
    const status = object === undefined ? undefined : statusFor<WorkloadPatchStateStatus>(object, workload.uid);
    if (status !== undefined) workloads.set(workload.uid, status);
  }
  return { nodes, workloads };
}

export interface OpenCluster {
  readonly client: Client;
  /** The API server is on this machine. */
  readonly loopback: boolean;
  readonly close: () => Promise<void>;
}

/** A client for a kubeconfig and how to close it. */
export function openCluster(options: {
  readonly kubeconfig: string;
  readonly context?: string | undefined;
  readonly clock: Clock;
}): OpenCluster {
  const { kubeconfig, context, clock } = options;
  const transport = createTransport({
    kubeconfig,
    clock,
    userAgent: "ringward-cli",
    ...(context === undefined ? {} : { context }),
  });
  const client = createClient(transport, { fieldManager: "ringward-cli", clock });
  const { hostname } = loadClusterAccess({ kubeconfig, clock, ...(context === undefined ? {} : { context }) }).server;
  const loopback = hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");
  return { client, loopback, close: () => transport.close() };
}

/** Lists everything that planning needs, once. Throws UserError where the API server cannot be asked. */
export async function viewCluster(client: Client, now: Instant): Promise<ClusterView> {
  const lists = await explainFailure(() => listAll(client));
  return viewObjects(lists, await viewApiServer(client), now);
}

/** The view of what was read. With a memory, what is the very same as last time is not looked at again. */
export function viewObjects(
  lists: ClusterObjects,
  apiServer: ApiServerView,
  now: Instant,
  memory: AnswerMemory = createMemory(),
): ClusterView {
  const { inventory, stored, problems } = takeSnapshot(lists, apiServer, memory);
  const objects = new Map<string, KubeObject[]>();
  for (const key of CLUSTER_KEYS)
    if (resourceOf(key).group === "ringward.dev") objects.set(resourceOf(key).kind, [...lists[key]]);
  return {
    inventory,
    stored,
    objects,
    takenAt: now,
    problems: problems.map(({ kind, name, message }) => `${kind} ${name}: ${message}`),
  };
}

async function listAll(client: Client): Promise<ClusterObjects> {
  const lists: Partial<Record<ClusterKey, readonly KubeObject[]>> = {};
  for (const key of CLUSTER_KEYS) {
    try {
      lists[key] = (await client.list(resourceOf(key), scopeOf(key))).items;
    } catch (error) {
      if (!isNotFound(error) || resourceOf(key).group !== "ringward.dev") throw error;
      lists[key] = [];
    }
  }
  return lists as ClusterObjects;
}

/** What an API server refuses or does not answer is the person's to mend. */
export async function explainFailure<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof TransportError)
      throw new UserError(
        "RW0211",
        `the API server does not answer: ${error.message}`,
        "check the kubeconfig and that the cluster runs",
      );
    throw error instanceof ApiError ? explainRefusal(error) : error;
  }
}

/** What a person can do about a refusal. */
export function explainRefusal(error: ApiError): UserError {
  return new UserError(
    "RW0212",
    `the API server refused: ${error.message}`,
    error.code === 403 ? "ask for the permission that it names" : undefined,
  );
}
