// Joins pods to what made them: pods to their ReplicaSet and on to its Deployment; what nothing made is an asset by itself.
// Pure. The order of the inputs never changes the result (R6).
import type { PodImages, WorkloadAsset } from "../core/model.ts";
import { isSameList } from "../core/incremental/memory.ts";
import { findChanges, MOST_CHANGES, patch } from "../core/incremental/sorted-list.ts";
import { finish, type Steps } from "../core/incremental/steps.ts";
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

/** What made pods, as it is asked for. */
interface Makers {
  readonly byUid: ReadonlyMap<string, WorkloadHead>;
  /** By `namespace/name`. */
  readonly deployments: ReadonlyMap<string, WorkloadHead>;
}

/** Workloads with their pods, and what the next join starts from. */
export interface Joins {
  readonly heads: readonly WorkloadHead[];
  readonly pods: readonly PodRecord[];
  readonly makers: Makers;
  /** By UID of their maker, by name; the next join writes into it. */
  readonly podsOf: Map<string, readonly PodImages[]>;
  /** By UID; the next join writes into it. */
  readonly joined: Map<string, Joined>;
  /** Sorted by namespace, name and kind. */
  readonly workloads: readonly WorkloadAsset[];
}

/**
 * Every workload with its pods. Starts from the last joins, which are used up by that: what is joined from the same is the same object,
 * and where only a few pods changed, only their workloads are joined again.
 */
export function joinWorkloads(heads: readonly WorkloadHead[], pods: readonly PodRecord[], before?: Joins): Joins {
  return finish(joinInSteps(heads, pods, before));
}

/** The same in steps. */
export function* joinInSteps(heads: readonly WorkloadHead[], pods: readonly PodRecord[], before?: Joins): Steps<Joins> {
  const few = before !== undefined && isSameList(before.heads, heads) ? joinFew(before, pods) : undefined;
  return few ?? (yield* joinAll(heads, pods, before?.joined ?? new Map()));
}

/** Pods or workloads. */
const JOINED_IN_ONE_STEP = 4096;

function* joinAll(
  heads: readonly WorkloadHead[],
  pods: readonly PodRecord[],
  known: ReadonlyMap<string, Joined>,
): Steps<Joins> {
  const joined = new Map<string, Joined>();
  const makers: Makers = {
    byUid: new Map(heads.map((head) => [head.uid, head])),
    deployments: new Map(
      heads.filter((head) => head.kind === "Deployment").map((head) => [`${head.namespace}/${head.name}`, head]),
    ),
  };
  const lists = new Map<string, PodImages[]>();
  let count = 0;
  for (const pod of pods) {
    if (++count % JOINED_IN_ONE_STEP === 0) yield;
    if (!isCounted(pod)) continue;
    const maker = makerOf(pod, makers);
    if (maker === undefined) joined.set(pod.asset.uid, joinPod(pod, known));
    else listOf(lists, maker.uid).push(pod.images);
  }
  const podsOf = new Map<string, readonly PodImages[]>();
  for (const [uid, list] of lists) {
    if (++count % JOINED_IN_ONE_STEP === 0) yield;
    podsOf.set(uid, list.sort(byName));
  }
  for (const head of heads) {
    if (++count % JOINED_IN_ONE_STEP === 0) yield;
    if (isAsset(head, makers)) joined.set(head.uid, joinHead(head, podsOf.get(head.uid) ?? NO_PODS, known));
  }
  yield;
  const workloads = [...joined.values()].map(({ asset }) => asset).sort(compareWorkloads);
  return { heads, pods, makers, podsOf, joined, workloads };
}

/** The same where nothing but a few pods changed. Undefined: too many did. */
function joinFew(before: Joins, pods: readonly PodRecord[]): Joins | undefined {
  const { makers, podsOf, joined } = before;
  const { gone, come } = findChanges(before.pods, pods);
  if (gone.length + come.length > MOST_CHANGES) return undefined;
  const touched = new Map<string, { readonly gone: Set<PodImages>; readonly come: PodImages[] }>();
  const bare: { readonly gone: PodRecord[]; readonly come: PodRecord[] } = { gone: [], come: [] };
  const sortOut = (pod: PodRecord, side: "gone" | "come"): void => {
    if (!isCounted(pod)) return;
    const maker = makerOf(pod, makers);
    if (maker === undefined) {
      bare[side].push(pod);
      return;
    }
    const own = touched.get(maker.uid) ?? { gone: new Set(), come: [] };
    touched.set(maker.uid, own);
    if (side === "gone") own.gone.add(pod.images);
    else own.come.push(pod.images);
  };
  for (const pod of gone) sortOut(pod, "gone");
  for (const pod of come) sortOut(pod, "come");
  const changes = new Map<string, Joined | undefined>(bare.gone.map(({ asset }) => [asset.uid, undefined]));
  for (const pod of bare.come) changes.set(pod.asset.uid, joinPod(pod, joined));
  for (const [uid, own] of touched) {
    const kept = (podsOf.get(uid) ?? NO_PODS).filter((one) => !own.gone.has(one));
    const list = [...kept, ...own.come].sort(byName);
    podsOf.set(uid, list);
    const head = makers.byUid.get(uid);
    if (head !== undefined && isAsset(head, makers)) changes.set(uid, joinHead(head, list, joined));
  }
  const olds = [...changes.keys()].flatMap((uid) => joined.get(uid)?.asset ?? []);
  const news = [...changes.values()].flatMap((one) => one?.asset ?? []);
  for (const [uid, one] of changes)
    if (one === undefined) joined.delete(uid);
    else joined.set(uid, one);
  const workloads =
    patch(before.workloads, olds, news, compareWorkloads) ??
    [...joined.values()].map(({ asset }) => asset).sort(compareWorkloads);
  return { ...before, pods, workloads };
}

const NO_PODS: readonly PodImages[] = [];

/** Pods on their way out, and those that ended, run nothing that counts. */
function isCounted({ asset: { deleting, phase } }: PodRecord): boolean {
  return !deleting && phase !== "Succeeded" && phase !== "Failed";
}

function isAsset(head: WorkloadHead, makers: Makers): boolean {
  return !head.dormant && rootOf(head, makers.byUid) === head;
}

function joinHead(head: WorkloadHead, pods: readonly PodImages[], known: ReadonlyMap<string, Joined>): Joined {
  return joinAgain(head, head.uid, pods, known, () => {
    const { controller: _controller, dormant: _dormant, ...asset } = head;
    return { ...asset, pods };
  });
}

function joinPod(pod: PodRecord, known: ReadonlyMap<string, Joined>): Joined {
  return joinAgain(pod, pod.asset.uid, [pod.images], known, () => barePod(pod));
}

function joinAgain(
  from: Joined["from"],
  uid: string,
  pods: readonly PodImages[],
  known: ReadonlyMap<string, Joined>,
  make: () => WorkloadAsset,
): Joined {
  const before = known.get(uid);
  return before !== undefined && before.from === from && isSameList(before.pods, pods)
    ? before
    : { from, pods, asset: make() };
}

function byName(a: PodImages, b: PodImages): number {
  return compareText(a.name, b.name);
}

function compareWorkloads(a: WorkloadAsset, b: WorkloadAsset): number {
  return (
    compareText(a.namespace, b.namespace) ||
    compareText(a.name, b.name) ||
    compareText(a.kind, b.kind) ||
    compareText(a.uid, b.uid)
  );
}

/** A Deployment's ReplicaSets are its revisions. */
function rootOf(head: WorkloadHead, byUid: ReadonlyMap<string, WorkloadHead>): WorkloadHead {
  if (head.kind !== "ReplicaSet" || head.controller === undefined) return head;
  const owner = byUid.get(head.controller.uid);
  return owner?.kind === "Deployment" ? owner : head;
}

function makerOf({ asset }: PodRecord, { byUid, deployments }: Makers): WorkloadHead | undefined {
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
  return { workloads: joinWorkloads(valuesOf(heads), valuesOf(pods)).workloads, problems };
}

/** The kinds that make pods, with the lists that hold them. */
export const CONTROLLERS: readonly (readonly [ControllerKind, Exclude<keyof WorkloadObjects, "pods">])[] = [
  ["Deployment", "deployments"],
  ["StatefulSet", "statefulsets"],
  ["DaemonSet", "daemonsets"],
  ["ReplicaSet", "replicasets"],
  ["Job", "jobs"],
];
