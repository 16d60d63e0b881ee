// Cluster objects → what the core reasons about: inventory and stored states. Bad objects become problems; the others go on (V4).
import type { NodePatchStateStatus, WorkloadPatchStateStatus } from "../api/patch-state.ts";
import type { Inventory, NodeAsset, PodAsset, StoredStates, WorkloadAsset } from "../core/model.ts";
import { projectWorkloads } from "../inventory/join-workloads.ts";
import { projectNode } from "../inventory/project-node.ts";
import { projectPdb } from "../inventory/project-pdb.ts";
import { projectPod } from "../inventory/project-pod.ts";
import type { ObjectProblem, Projected } from "../inventory/projected.ts";
import { stateRef, statusFor } from "../kube/patch-states.ts";
import type { KubeObject } from "../kube/port.ts";
import { keyOf } from "../kube/store.ts";
import { JOB_NAMESPACE } from "../nodes/recipe-job.ts";
import type { ClusterObjects } from "./cluster.ts";

export interface Snapshot {
  readonly inventory: Inventory;
  readonly stored: StoredStates;
  readonly problems: readonly ObjectProblem[];
}

/** Builds the inventory and pairs every target with its stored state. */
export function takeSnapshot(objects: ClusterObjects, apiServerVersion: string | undefined): Snapshot {
  const problems: ObjectProblem[] = [];
  const keep = <T>(projected: Projected<T>): T[] => {
    if (projected.ok) return [projected.value];
    problems.push(projected.problem);
    return [];
  };
  const leases = new Map(objects.leases.map((lease) => [lease.metadata.name, lease]));
  const nodes = objects.nodes.flatMap((node) => keep(projectNode(node, leases.get(node.metadata.name))));
  const others = (list: readonly KubeObject[]): readonly KubeObject[] =>
    list.filter((object) => object.metadata.namespace !== JOB_NAMESPACE);
  const joined = projectWorkloads({
    deployments: objects.deployments,
    statefulsets: objects.statefulsets,
    daemonsets: objects.daemonsets,
    replicasets: objects.replicasets,
    jobs: others(objects.jobs),
    pods: others(objects.pods),
  });
  const pods = others(objects.pods).flatMap((pod) => keep(projectPod(pod)).map((record) => record.asset));
  const pdbs = objects.pdbs.flatMap((pdb) => keep(projectPdb(pdb)));
  return {
    inventory: { nodes, workloads: joined.workloads, pods, pdbs, apiServerVersion },
    stored: { nodes: nodeStates(objects, nodes), workloads: workloadStates(objects, joined.workloads) },
    problems: [...problems, ...joined.problems],
  };
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
