// What is kept of an object while it is watched. Of Kubernetes' own kinds only the projection is kept, because the objects themselves
// are many and large; it goes on under the object's place in the lists, so that a pass reads the same lists however they came.
// Ringward's own kinds, and the jobs that it made itself, are kept as they are.
import { holdsOfDaemonSet, holdsOfJob } from "../inventory/foreign.ts";
import type { Projected } from "../inventory/projected.ts";
import { projectNode } from "../inventory/project-node.ts";
import { projectPdb } from "../inventory/project-pdb.ts";
import { projectPod } from "../inventory/project-pod.ts";
import { projectVolume } from "../inventory/project-volume.ts";
import { type ControllerKind, projectWorkload } from "../inventory/project-workload.ts";
import type { Share } from "../inventory/sharing.ts";
import type { KubeObject } from "../kube/port.ts";
import { JOB_NAMESPACE } from "../nodes/recipe-job.ts";
import type { ClusterKey } from "./cluster-kinds.ts";

const PROJECTION = Symbol("projection");

/** Stands for an object of which only the projection is left. */
interface Kept extends KubeObject {
  readonly [PROJECTION]: Projected<unknown>;
}

function isKept(object: KubeObject): object is Kept {
  return PROJECTION in object;
}

/** The projection of an object: what was kept of it, or a new one. */
export function projectionOf<T>(object: KubeObject, project: (object: KubeObject) => Projected<T>): Projected<T> {
  return isKept(object) ? (object[PROJECTION] as Projected<T>) : project(object);
}

/** Ringward's own jobs are nobody's workload. */
export function isOurs({ metadata }: KubeObject): boolean {
  return metadata.namespace === JOB_NAMESPACE;
}

type Keep = (object: KubeObject) => KubeObject;

/** An asset has its object's name and namespace: it stands for the metadata, too, and nothing more is kept. */
function keep<T>(
  object: KubeObject,
  projected: Projected<T>,
  assetOf: (value: T) => { readonly name: string },
): KubeObject {
  const { name, namespace } = object.metadata;
  const bare = namespace === undefined ? { name } : { name, namespace };
  const metadata = projected.ok ? (assetOf(projected.value) as KubeObject["metadata"]) : bare;
  const kept: Kept = { metadata, [PROJECTION]: projected };
  return kept;
}

function keepWorkload(kind: ControllerKind): Keep {
  return (object) => keep(object, projectWorkload(kind, object), (head) => head);
}

/** The projection, and beside it the object itself where other tools' locks on nodes are read from it (inventory/foreign.ts). */
function keepWithHolds(kind: ControllerKind, holds: (object: KubeObject) => readonly unknown[]): Keep {
  const keepHead = keepWorkload(kind);
  return (object) => {
    const kept = keepHead(object);
    return holds(object).length === 0 ? kept : { ...kept, ...object };
  };
}

const keepJob = keepWithHolds("Job", holdsOfJob);

/** Of a Lease the time of the last heartbeat counts, and whose it is (readHeardAt). */
function keepLease(object: KubeObject): KubeObject {
  const { name, namespace, ownerReferences } = object.metadata;
  const { renewTime } = (object.spec ?? {}) as { readonly renewTime?: unknown };
  return {
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(ownerReferences === undefined ? {} : { ownerReferences }),
    },
    spec: { renewTime },
  };
}

/** What to keep of the objects of a kind; those that have none here are kept as they are. */
export function keepersOf(share: Share): Readonly<Partial<Record<ClusterKey, Keep>>> {
  return {
    nodes: (object) => keep(object, projectNode(object), (node) => node),
    pods: (object) => keep(object, projectPod(object, share), (pod) => pod.asset),
    deployments: keepWorkload("Deployment"),
    statefulsets: keepWorkload("StatefulSet"),
    daemonsets: keepWithHolds("DaemonSet", holdsOfDaemonSet),
    replicasets: keepWorkload("ReplicaSet"),
    jobs: (object) => (isOurs(object) ? object : keepJob(object)),
    pdbs: (object) => keep(object, projectPdb(object), (pdb) => pdb),
    volumes: (object) => keep(object, projectVolume(object), (volume) => volume),
    leases: keepLease,
  };
}
