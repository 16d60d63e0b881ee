// Joins pods to what made them: pods to their ReplicaSet and on to its Deployment; what nothing made is an asset by itself.
// Pure. The order of the inputs never changes the result (R6).
import type { PodImages, WorkloadAsset } from "../core/model.ts";
import { isSameList } from "../core/incremental/memory.ts";
import { compareText } from "../core/text-order.ts";
import { entryOf } from "./fields.ts";
import type { PodRecord } from "./project-pod.ts";
import { type ControllerKind, projectWorkload, type WorkloadHead } from "./project-workload.ts";
import { projectPod } from "./project-pod.ts";
import { type ObjectProblem, valuesOf } from "./projected.ts";

/** A workload, and what it was joined from. */
interface Joined {
  readonly from: WorkloadHead | PodRecord;
  readonly pods: readonly PodImages[];
  readonly asset: WorkloadAsset;
}

/** Workloads by UID as they were joined last time; joining writes into it. */
export type JoinMemory = Map<string, Joined>;

/** Every workload with its pods, sorted by namespace, name and kind. With a memory, what is joined from the same is the same object. */
export function joinWorkloads(
  heads: readonly WorkloadHead[],
  pods: readonly PodRecord[],
  memory: JoinMemory = new Map(),
): readonly WorkloadAsset[] {
  const joined: Joined[] = [];
  const join = (from: Joined["from"], uid: string, own: readonly PodImages[], make: () => WorkloadAsset): void => {
    const known = memory.get(uid);
    const same = known !== undefined && known.from === from && isSameList(known.pods, own);
    joined.push(same ? known : { from, pods: own, asset: make() });
  };
  const byUid = new Map(heads.map((head) => [head.uid, head]));
  const deployments = new Map(
    heads.filter((head) => head.kind === "Deployment").map((head) => [`${head.namespace}/${head.name}`, head]),
  );
  const podsOf = new Map<string, PodImages[]>();
  for (const pod of pods) {
    // Pods on their way out, and those that ended, run nothing that counts.
    if (pod.asset.deleting || pod.asset.phase === "Succeeded" || pod.asset.phase === "Failed") continue;
    const maker = makerOf(pod, byUid, deployments);
    if (maker === undefined) join(pod, pod.asset.uid, [pod.images], () => barePod(pod));
    else listOf(podsOf, maker.uid).push(pod.images);
  }
  for (const head of heads) {
    if (head.dormant || rootOf(head, byUid) !== head) continue;
    const { controller: _controller, dormant: _dormant, ...asset } = head;
    const own = (podsOf.get(head.uid) ?? []).sort((a, b) => compareText(a.name, b.name));
    join(head, head.uid, own, () => ({ ...asset, pods: own }));
  }
  memory.clear();
  for (const one of joined) memory.set(one.asset.uid, one);
  return joined
    .map(({ asset }) => asset)
    .sort(
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
    pods: [pod.images],
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
  const heads = CONTROLLERS.flatMap(([kind, key]) =>
    (objects[key] ?? []).map((object) => projectWorkload(kind, object)),
  );
  const pods = (objects.pods ?? []).map((object) => projectPod(object));
  const problems = [...heads, ...pods].flatMap((one) => (one.ok ? [] : [one.problem]));
  return { workloads: joinWorkloads(valuesOf(heads), valuesOf(pods)), problems };
}

/** The kinds that make pods, with the lists that hold them. */
export const CONTROLLERS: readonly (readonly [ControllerKind, Exclude<keyof WorkloadObjects, "pods">])[] = [
  ["Deployment", "deployments"],
  ["StatefulSet", "statefulsets"],
  ["DaemonSet", "daemonsets"],
  ["ReplicaSet", "replicasets"],
  ["Job", "jobs"],
];
