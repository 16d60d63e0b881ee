// Joins pods to what made them: pods to their ReplicaSet and on to its Deployment; what nothing made is an asset by itself.
// Pure. The order of the inputs never changes the result (R6).
import type { PodImages, WorkloadAsset } from "../core/model.ts";
import { entryOf } from "./fields.ts";
import type { PodRecord } from "./project-pod.ts";
import { type ControllerKind, projectWorkload, type WorkloadHead } from "./project-workload.ts";
import { projectPod } from "./project-pod.ts";
import type { ObjectProblem, Projected } from "./projected.ts";

/** Every workload with its pods, sorted by namespace, name and kind. */
export function joinWorkloads(heads: readonly WorkloadHead[], pods: readonly PodRecord[]): readonly WorkloadAsset[] {
  const byUid = new Map(heads.map((head) => [head.uid, head]));
  const deployments = new Map(
    heads.filter((head) => head.kind === "Deployment").map((head) => [`${head.namespace}/${head.name}`, head]),
  );
  const podsOf = new Map<string, PodImages[]>();
  const assets: WorkloadAsset[] = [];
  for (const pod of pods) {
    // Pods on their way out, and those that ended, run nothing that counts.
    if (pod.asset.deleting || pod.asset.phase === "Succeeded" || pod.asset.phase === "Failed") continue;
    const maker = makerOf(pod, byUid, deployments);
    if (maker === undefined) assets.push(barePod(pod));
    else listOf(podsOf, maker.uid).push(imagesOf(pod));
  }
  for (const head of heads) {
    if (head.dormant || rootOf(head, byUid) !== head) continue;
    const { controller: _controller, dormant: _dormant, ...asset } = head;
    const own = podsOf.get(head.uid) ?? [];
    assets.push({ ...asset, pods: own.sort((a, b) => compareText(a.name, b.name)) });
  }
  return assets.sort(
    (a, b) =>
      compareText(a.namespace, b.namespace) ||
      compareText(a.name, b.name) ||
      compareText(a.kind, b.kind) ||
      compareText(a.uid, b.uid),
  );
}

/** A Deployment's ReplicaSets are its revisions. */
function rootOf(head: WorkloadHead, byUid: ReadonlyMap<string, WorkloadHead>): WorkloadHead {
  if (head.kind !== "ReplicaSet" || head.controller === undefined) return head;
  const owner = byUid.get(head.controller.uid);
  return owner?.kind === "Deployment" ? owner : head;
}

function makerOf(
  { asset }: PodRecord,
  byUid: ReadonlyMap<string, WorkloadHead>,
  deployments: ReadonlyMap<string, WorkloadHead>,
): WorkloadHead | undefined {
  if (asset.controller === undefined) return undefined;
  const head = byUid.get(asset.controller.uid);
  if (head !== undefined) return rootOf(head, byUid);
  // A dump without ReplicaSets: they are named after their Deployment and the hash that their pods carry.
  const hash = entryOf(asset.labels, "pod-template-hash");
  const { kind, name } = asset.controller;
  if (kind !== "ReplicaSet" || hash === undefined || !name.endsWith(`-${hash}`)) return undefined;
  return deployments.get(`${asset.namespace}/${name.slice(0, -hash.length - 1)}`);
}

function imagesOf({ asset, running }: PodRecord): PodImages {
  return { name: asset.name, ready: asset.ready, running };
}

function barePod(pod: PodRecord): WorkloadAsset {
  const { namespace, name, uid, labels, controller, ready } = pod.asset;
  return {
    kind: "Pod",
    namespace,
    name,
    uid,
    resourceVersion: pod.resourceVersion,
    labels,
    createdAt: pod.createdAt,
    containers: pod.containers,
    pods: [imagesOf(pod)],
    rollingUpdate: false,
    managedBy: controller === undefined ? undefined : `${controller.kind} ${controller.name}`,
    rollout: { complete: ready, deadlineExceeded: false, desired: 1, available: ready ? 1 : 0 },
    mark: pod.claimId === undefined ? undefined : { claimId: pod.claimId },
  };
}

function listOf<T>(map: Map<string, T[]>, key: string): T[] {
  const list = map.get(key) ?? [];
  map.set(key, list);
  return list;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export interface WorkloadObjects {
  readonly deployments?: readonly unknown[];
  readonly statefulsets?: readonly unknown[];
  readonly daemonsets?: readonly unknown[];
  readonly replicasets?: readonly unknown[];
  readonly jobs?: readonly unknown[];
  readonly pods?: readonly unknown[];
}

/** Projects and joins raw objects; a bad one becomes a problem, the others go on. */
export function projectWorkloads(objects: WorkloadObjects): {
  readonly workloads: readonly WorkloadAsset[];
  readonly problems: readonly ObjectProblem[];
} {
  const problems: ObjectProblem[] = [];
  const keep = <T>(projected: Projected<T>): T[] => {
    if (projected.ok) return [projected.value];
    problems.push(projected.problem);
    return [];
  };
  const lists: readonly (readonly [ControllerKind, readonly unknown[] | undefined])[] = [
    ["Deployment", objects.deployments],
    ["StatefulSet", objects.statefulsets],
    ["DaemonSet", objects.daemonsets],
    ["ReplicaSet", objects.replicasets],
    ["Job", objects.jobs],
  ];
  const heads = lists.flatMap(([kind, list]) => (list ?? []).flatMap((object) => keep(projectWorkload(kind, object))));
  const pods = (objects.pods ?? []).flatMap((object) => keep(projectPod(object)));
  return { workloads: joinWorkloads(heads, pods), problems };
}
