// Cluster objects → what the core reasons about: inventory and stored states. Bad objects become problems; the others go on (V4).
import type { NodePatchStateStatus, WorkloadPatchStateStatus } from "../api/patch-state.ts";
import type { Inventory, NodeAsset, PodAsset, StoredStates, WorkloadAsset } from "../core/model.ts";
import {
  turnPage,
  createMemory,
  type AnswerMemory,
  isSameList,
  recall,
  recallInSteps,
  revise,
  reviseInSteps,
  settle,
} from "../core/incremental/memory.ts";
import { makeAgain, type MadeList, selectAgain, type Selection } from "../core/incremental/sorted-list.ts";
import { finish, type Steps } from "../core/incremental/steps.ts";
import { controlPlanePod, controlPlanePods } from "../inventory/control-plane.ts";
import { CONTROLLERS, joinInSteps, type Joins } from "../inventory/join-workloads.ts";
import { holdsElsewhere, withHolds } from "../inventory/foreign.ts";
import { projectNode, readHeardAt } from "../inventory/project-node.ts";
import { projectPdb } from "../inventory/project-pdb.ts";
import { type PodRecord, projectPod } from "../inventory/project-pod.ts";
import { projectVolume } from "../inventory/project-volume.ts";
import { projectWorkload, type WorkloadHead } from "../inventory/project-workload.ts";
import { type ObjectProblem, type Projected, valuesOf } from "../inventory/projected.ts";
import type { ApiServerView } from "../kube/api-server.ts";
import { stateRef, statusFor } from "../kube/patch-states.ts";
import type { KubeObject } from "../kube/port.ts";
import { keyOf } from "../kube/store.ts";
import { JOB_NAMESPACE } from "../nodes/recipe-job.ts";
import type { ClusterKey, ClusterObjects } from "./cluster-kinds.ts";
import { isOurs, projectionOf } from "./kept.ts";

export interface Snapshot {
  readonly inventory: Inventory;
  readonly stored: StoredStates;
  readonly problems: readonly ObjectProblem[];
}

/**
 * Builds the inventory and pairs every target with its stored state. With a memory, objects that are the very same as last time are not
 * projected again and become the very same assets; losing it costs time only.
 */
export function takeSnapshot(
  objects: ClusterObjects,
  apiServer: ApiServerView,
  memory: AnswerMemory = createMemory(),
): Snapshot {
  return finish(takeSnapshotInSteps(objects, apiServer, memory));
}

/**
 * The same in steps, a piece of work each. What happens to the cluster meanwhile is not in it: `objects` are what they are. One that is
 * left half-way costs the next one time; only one at a time may use the memory.
 */
export function* takeSnapshotInSteps(
  objects: ClusterObjects,
  apiServer: ApiServerView,
  memory: AnswerMemory,
): Steps<Snapshot> {
  turnPage(memory);
  function* project<T>(key: ClusterKey, make: (object: KubeObject) => T): Steps<readonly T[]> {
    const made = yield* reviseInSteps(memory, key, (before: MadeList<KubeObject, T> | undefined) =>
      makeAgain(before, objects[key], make),
    );
    return made.to;
  }
  const values = <T>(name: string, list: readonly Projected<T>[]): readonly T[] =>
    recall(memory, `values/${name}`, [list], () => valuesOf(list));
  const projected = yield* project("nodes", (node) => projectionOf(node, projectNode));
  const elsewhere = recall(
    memory,
    "elsewhere",
    [objects.daemonsets, objects.jobs, objects.maintenanceLeases],
    (before: HoldsByNode | undefined) => settle(before, readHolds(objects)),
  );
  yield;
  const nodes = recall(
    memory,
    "heard",
    [projected, objects.leases, elsewhere],
    (before: ReadonlyMap<NodeAsset, NodeAsset> | undefined) =>
      completeNodes(valuesOf(projected), { leases: objects.leases, elsewhere }, before),
  );
  yield;
  const heads: (readonly (Projected<WorkloadHead> | undefined)[])[] = [];
  for (const [kind, key] of CONTROLLERS)
    heads.push(
      yield* project(key, (object) =>
        key === "jobs" && isOurs(object) ? undefined : projectionOf(object, (whole) => projectWorkload(kind, whole)),
      ),
    );
  yield;
  const pods = yield* project("pods", (pod) =>
    isOurs(pod) ? undefined : projectionOf(pod, (whole) => projectPod(whole)),
  );
  yield;
  const pdbs = yield* project("pdbs", (pdb) => projectionOf(pdb, projectPdb));
  const volumes = yield* project("volumes", (volume) => projectionOf(volume, projectVolume));
  const records = recall(memory, "records", [pods], () => valuesOf(others(pods)));
  const controllers = recall(memory, "heads", heads, () => valuesOf(others(heads.flat())));
  yield;
  const { workloads } = yield* recallInSteps(memory, "joins", [records, controllers], (before: Joins | undefined) =>
    joinInSteps(controllers, records, before),
  );
  yield;
  const assets = recall(memory, "nodeAssets", [nodes], () => [...nodes.values()]);
  const podAssets = recall(memory, "podAssets", [records], () => records.map((record) => record.asset));
  yield;
  return {
    inventory: {
      nodes: assets,
      workloads,
      pods: podAssets,
      pdbs: values("pdbs", pdbs),
      volumes: values("volumes", volumes),
      apiServerVersion: apiServer.version,
      controlPlane: {
        pods: controlPlanePods(
          revise(memory, "controlPlane", (before: Selection<PodRecord> | undefined) =>
            selectAgain(before, records, (record) => controlPlanePod(record) !== undefined),
          ).chosen,
        ),
        ready: apiServer.ready,
      },
    },
    stored: {
      nodes: recall(memory, "nodeStates", [assets, objects.nodeStates], () => nodeStates(objects, assets)),
      workloads: recall(memory, "workloadStates", [workloads, objects.workloadStates], () =>
        workloadStates(objects, workloads),
      ),
    },
    problems: [projected, ...heads, pods, pdbs, volumes].flatMap((list, at) =>
      recall(memory, `problems/${at}`, [list], () => problemsOf(list)),
    ),
  };
}

function others<T>(list: readonly (T | undefined)[]): readonly T[] {
  return list.filter((one) => one !== undefined);
}

function problemsOf(list: readonly (Projected<unknown> | undefined)[]): readonly ObjectProblem[] {
  return list.flatMap((one) => (one === undefined || one.ok ? [] : [one.problem]));
}

type HoldsByNode = ReturnType<typeof holdsElsewhere>;

function readHolds({ daemonsets, jobs, maintenanceLeases }: ClusterObjects): HoldsByNode {
  return holdsElsewhere({ daemonSets: daemonsets, jobs, leases: maintenanceLeases });
}

/** Nodes with what their Leases and other tools' locks say, by what they say themselves. One of which the same is said is the same. */
function completeNodes(
  nodes: readonly NodeAsset[],
  { leases, elsewhere }: { readonly leases: readonly KubeObject[]; readonly elsewhere: HoldsByNode },
  before: ReadonlyMap<NodeAsset, NodeAsset> | undefined,
): ReadonlyMap<NodeAsset, NodeAsset> {
  const byName = new Map(leases.map((lease) => [lease.metadata.name, lease]));
  return new Map(
    nodes.map((node) => {
      const lease = byName.get(node.name);
      const heardAt = lease === undefined ? undefined : readHeardAt(lease, node.uid);
      const known = before?.get(node);
      const now = withHolds({ ...node, heardAt }, elsewhere.get(node.name));
      const same =
        known !== undefined && known.heardAt === heardAt && isSameList(known.foreign ?? [], now.foreign ?? []);
      return [node, same ? known : now];
    }),
  );
}

function nodeStates(objects: ClusterObjects, nodes: readonly NodeAsset[]): ReadonlyMap<string, NodePatchStateStatus> {
  const uids = new Map(nodes.map((node) => [node.name, node.uid]));
  const states = new Map<string, NodePatchStateStatus>();
  for (const object of objects.nodeStates) {
    // A node that is gone keeps its state until its claim is settled: it is found by the UID that the state speaks of.
    const status = object.status as NodePatchStateStatus | undefined;
    const uid = uids.get(object.metadata.name) ?? status?.targetUID;
    const mine = uid === undefined ? undefined : statusFor<NodePatchStateStatus>(object, uid);
    if (uid !== undefined && mine !== undefined) states.set(uid, mine);
  }
  return states;
}

function workloadStates(
  objects: ClusterObjects,
  workloads: readonly WorkloadAsset[],
): ReadonlyMap<string, WorkloadPatchStateStatus> {
  const byKey = new Map(objects.workloadStates.map((object) => [keyOf(object.metadata), object]));
  const states = new Map<string, WorkloadPatchStateStatus>();
  for (const workload of workloads) {
    const { name, namespace } = stateRef(workload);
    const object = byKey.get(keyOf({ name, ...(namespace === undefined ? {} : { namespace }) }));
    const status = object === undefined ? undefined : statusFor<WorkloadPatchStateStatus>(object, workload.uid);
    if (status !== undefined) states.set(workload.uid, status);
  }
  return states;
}

/** One node as just read, without its Lease: what it says of itself is as fresh as the read. */
export function projectLiveNode(object: KubeObject): NodeAsset | undefined {
  const projected = projectNode(object);
  return projected.ok ? projected.value : undefined;
}

/** One pod of a drain; Ringward's own jobs do not count. */
export function projectLivePod(object: KubeObject): PodAsset | undefined {
  if (object.metadata.namespace === JOB_NAMESPACE) return undefined;
  const projected = projectPod(object);
  return projected.ok ? projected.value.asset : undefined;
}
