// Drain: which pods of a node must go and when, which may stay, and which stand in the way. Pure filters, as Cluster API's drain has them;
// eviction itself is the shell's, and what PodDisruptionBudgets will answer stands in budgets.ts.
import type { DrainPolicy } from "../../api/rollout-ring.ts";
import type { Instant } from "../../clock.ts";
import type { Block, PodAsset, VolumeAsset } from "../model.ts";
import { matches } from "../selectors.ts";

export interface Standing {
  readonly pod: PodAsset;
  readonly why: string;
}

export interface DrainView {
  /** To be evicted now, lowest priority first. */
  readonly evict: readonly PodAsset[];
  /** To be evicted when all others are gone: what the cluster itself runs on. */
  readonly later: readonly PodAsset[];
  /** Evicted already, still ending. */
  readonly ending: readonly PodAsset[];
  /** Not evicted by policy: the drain cannot end while they are there. */
  readonly standing: readonly Standing[];
  /** Left to end by themselves. */
  readonly completing: readonly PodAsset[];
  /** Left on the node. */
  readonly staying: readonly PodAsset[];
}

/** Pods of system-cluster-critical and system-node-critical go last, as Karpenter and the kubelet's graceful shutdown have it. */
export const CRITICAL_PRIORITY = 2_000_000_000;
/** Cluster API's label for pods that a drain leaves alone, or waits for. */
const CAPI_LABEL = "cluster.x-k8s.io/drain";

/** Says of each of a node's pods what becomes of it, in the order in which a drain has them. */
export function viewDrain(
  pods: readonly PodAsset[],
  policy: DrainPolicy,
  volumes: readonly VolumeAsset[] = [],
): DrainView {
  const { evict, later, ending, standing, completing, staying } = dividePods(pods, policy, volumes);
  const byPriority = (a: PodAsset, b: PodAsset): number => a.priority - b.priority || compareNames(a, b);
  return {
    evict: evict.toSorted(byPriority),
    later: later.toSorted(byPriority),
    ending: ending.toSorted(compareNames),
    standing: standing.toSorted((a, b) => compareNames(a.pod, b.pod)),
    completing: completing.toSorted(compareNames),
    staying: staying.toSorted(compareNames),
  };
}

/**
 * The same in any order, for who asks of thousands of nodes whether anything stands in the way. DaemonSet and mirror pods stay, completed pods
 * do not matter (kubectl drain's rules); then the first rule counts.
 */
export function dividePods(
  pods: readonly PodAsset[],
  policy: DrainPolicy,
  volumes: readonly VolumeAsset[] = [],
): DrainView {
  const view = { evict: [], later: [], ending: [], standing: [], completing: [], staying: [] } as {
    readonly [K in Exclude<keyof DrainView, "standing">]: PodAsset[];
  } & { readonly standing: Standing[] };
  for (const pod of pods) {
    const why = findObstacle(pod, policy, volumes);
    switch (behaviorOf(pod, policy)) {
      case "Leave":
        view.staying.push(pod);
        break;
      case "WaitCompleted":
        view.completing.push(pod);
        break;
      default:
        if (pod.deleting) view.ending.push(pod);
        else if (why !== undefined) view.standing.push({ pod, why });
        else (pod.priority >= CRITICAL_PRIORITY ? view.later : view.evict).push(pod);
    }
  }
  return view;
}

type Behavior = "Evict" | "Leave" | "WaitCompleted";

function behaviorOf(pod: PodAsset, policy: DrainPolicy): Behavior | undefined {
  if (pod.mirror || pod.controller?.kind === "DaemonSet") return "Leave";
  if (pod.phase === "Succeeded" || pod.phase === "Failed") return "Leave";
  if (pod.deleting) return "Evict";
  const rule = ruleFor(pod, policy);
  if (rule !== undefined) return rule;
  const label = Object.hasOwn(pod.labels, CAPI_LABEL) ? pod.labels[CAPI_LABEL] : undefined;
  if (label === "skip") return "Leave";
  return label === "wait-completed" ? "WaitCompleted" : undefined;
}

/** The first rule that names the pod. */
function ruleFor(pod: PodAsset, { pods = [] }: DrainPolicy): Behavior | undefined {
  return pods.find(
    ({ selector, namespaces }) =>
      (namespaces === undefined || namespaces.includes(pod.namespace)) && matches(selector, pod.labels),
  )?.behavior;
}

/** Why a pod is not evicted. A rule of the ring that says Evict is stronger. */
function findObstacle(pod: PodAsset, policy: DrainPolicy, volumes: readonly VolumeAsset[]): string | undefined {
  if (ruleFor(pod, policy) === "Evict") return undefined;
  if (pod.doNotEvict !== undefined) return `it says ${pod.doNotEvict} (a rule of drain.pods may say Evict)`;
  if (pod.controller === undefined && (policy.barePods ?? "Block") === "Block")
    return "it has no controller that would bring it back (drain.barePods is Block)";
  if (pod.emptyDir && policy.emptyDir === "Block") return "its emptyDir would be lost (drain.emptyDir is Block)";
  if (policy.localVolumes !== "Block") return undefined;
  if (pod.hostPath === true) return "it uses a hostPath of this node (drain.localVolumes is Block)";
  const pinned = volumesOf(pod, volumes).find(({ local }) => local);
  return pinned === undefined
    ? undefined
    : `local PersistentVolume ${pinned.name} pins it to this node (drain.localVolumes is Block)`;
}

function volumesOf(pod: PodAsset, volumes: readonly VolumeAsset[]): readonly VolumeAsset[] {
  const claims = pod.volumeClaims?.map((name) => `${pod.namespace}/${name}`) ?? [];
  return claims.length === 0 ? [] : volumes.filter(({ claim }) => claim !== undefined && claims.includes(claim));
}

/** In the order of `namespace/name`, without making those texts where the names alone decide. */
export function compareNames(a: PodAsset, b: PodAsset): number {
  const sameNamespace = a.namespace === b.namespace;
  const [left, right] = sameNamespace ? [a.name, b.name] : [`${a.namespace}/${a.name}`, `${b.namespace}/${b.name}`];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Whether nothing that must go is left. */
export function isDrained({ evict, later, ending, standing, completing }: DrainView): boolean {
  return [evict, later, ending, standing, completing].every((list) => list.length === 0);
}

/** `pod shop/web-1 and 2 more pods`, for messages that name the first. */
export function namePods([first, ...others]: readonly PodAsset[]): string {
  if (first === undefined) return "a pod";
  const more = others.length === 0 ? "" : ` and ${others.length} more ${others.length === 1 ? "pod" : "pods"}`;
  return `pod ${first.namespace}/${first.name}${more}`;
}

/** Pods that policy keeps, as one block that names the first. */
export function describeStanding({ standing }: DrainView): Block | undefined {
  const [first] = standing;
  if (first === undefined) return undefined;
  return { reason: "PodBlocksDrain", message: `${namePods(standing.map(({ pod }) => pod))}: ${first.why}` };
}

/** How long after its grace a pod may still be there: the kubelet's own work takes its time. */
const ENDING_SLACK_MS = 30_000;

/** Pods that should be gone by now. */
export function describeStuck({ ending }: DrainView, now: Instant): Block | undefined {
  const stuck = ending.filter(({ endsAt }) => endsAt !== undefined && now > endsAt + ENDING_SLACK_MS);
  const [first] = stuck;
  if (first?.endsAt === undefined) return undefined;
  const finalizers = first.finalizers ?? [];
  const why =
    finalizers.length > 0
      ? `finalizers ${finalizers.join(", ")} hold it`
      : "its node's kubelet has not ended it (it may be down, or a volume may hang)";
  return {
    reason: "PodStuckTerminating",
    message: `${namePods(stuck)}: its grace ended at ${new Date(first.endsAt).toISOString()}, and ${why}`,
  };
}

/** What a drain waits for that goes on by itself. */
export function describeLeaving(view: DrainView): Block {
  const { evict, later, ending, completing } = view;
  if (evict.length + ending.length === 0 && completing.length > 0)
    return { reason: "WaitingForCompletion", message: `${namePods(completing)}: left to end by itself` };
  const times = ending.flatMap(({ endsAt }) => endsAt ?? []);
  const until =
    times.length === 0 ? "" : `, the last of those that are ending by ${new Date(Math.max(...times)).toISOString()}`;
  const count = evict.length + later.length + ending.length + completing.length;
  return { reason: "Draining", message: `${count} ${count === 1 ? "pod has" : "pods have"} to leave${until}` };
}

/** A volume that is attached to the node (VolumeAttachment). */
export interface Attachment {
  readonly name: string;
  /** PersistentVolume; undefined: the attachment does not name one. */
  readonly volume: string | undefined;
}

/** Volumes of pods that left and that are still attached: a node must not reboot under them. Those of pods that stay do not count. */
export function describeAttached(
  { staying }: DrainView,
  attachments: readonly Attachment[],
  volumes: readonly VolumeAsset[],
): Block | undefined {
  const kept = new Set(staying.flatMap((pod) => volumesOf(pod, volumes)).map(({ name }) => name));
  const left = attachments.filter(({ volume }) => volume === undefined || !kept.has(volume));
  const names = left.map(({ name, volume }) => volume ?? name).sort();
  if (names[0] === undefined) return undefined;
  const more = names.length === 1 ? "" : ` and ${names.length - 1} more`;
  return {
    reason: "VolumesAttached",
    message: `volume ${names[0]}${more} of pods that left ${names.length === 1 ? "is" : "are"} not detached yet`,
  };
}
