// Small independent readers of stored objects. On purpose not the controller's own projections: a checker that shared their mistakes
// would not see them. Nothing here throws on a strange object; what cannot be read is undefined.
import { isDeepStrictEqual } from "node:util";
import type { DisruptionLedgerSpec } from "../../api/disruption-ledger.ts";
import type { NodeOperation, WorkloadOperation } from "../../api/patch-state.ts";
import type { Instant } from "../../clock.ts";
import type { Claim } from "../../core/model.ts";
import type { KubeObject } from "../../kube/port.ts";

/** Claim that holds an object. */
export const CLAIM_MARK = "ringward.dev/claim";
export const PRIOR_MARK = "ringward.dev/prior-unschedulable";
/** What keeps autoscalers away from a node. */
export const KEEP_MARKS = [
  "cluster-autoscaler.kubernetes.io/scale-down-disabled",
  "karpenter.sh/do-not-disrupt",
] as const;
export const STEP_LABEL = "ringward.dev/step";
export const NODE_LABEL = "ringward.dev/node-uid";
export const JOB_NAMESPACE = "ringward-jobs";

type Fields = Readonly<Record<string, unknown>>;

/** The value at a path of field names. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  let here: unknown = value;
  for (const key of path) {
    if (typeof here !== "object" || here === null) return undefined;
    here = (here as Fields)[key];
  }
  return here;
}

export function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  const found = at(value, ...path);
  return typeof found === "string" ? found : undefined;
}

export function listAt(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

export interface NodeView {
  readonly name: string;
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly zone: string;
  readonly controlPlane: boolean;
  readonly ready: boolean;
  readonly unschedulable: boolean;
  readonly bootId: string;
  /** `kernelVersion`, `kubeletVersion`, `osImage`, `containerRuntimeVersion`. */
  readonly info: unknown;
  readonly claimId: string | undefined;
  readonly prior: string | undefined;
  /** Values of KEEP_MARKS. */
  readonly kept: readonly (string | undefined)[];
  /** Not there for workloads since; undefined: it is there. */
  readonly awaySince: Instant | undefined;
  /** When somebody other than a controller last uncordoned it. */
  readonly givenBackAt: Instant | undefined;
  /** Since when its report (`info`) is as it is. */
  readonly infoSince: Instant;
  /** Since when its labels are as they are. */
  readonly labelsSince: Instant;
}

const CONTROL_PLANE = [
  "node-role.kubernetes.io/control-plane",
  "node-role.kubernetes.io/master",
  "node-role.kubernetes.io/etcd",
];

export function readNode(
  object: KubeObject,
  now: Instant,
  before: NodeView | undefined,
  byController: boolean,
): NodeView {
  const { name, uid = "", labels = {}, annotations = {} } = object.metadata;
  const unschedulable = at(object.spec, "unschedulable") === true;
  const ready = listAt(object.status, "conditions").some(
    (item) => at(item, "type") === "Ready" && at(item, "status") === "True",
  );
  const away = unschedulable || !ready;
  const info = at(object.status, "nodeInfo");
  const known = before?.uid === uid ? before : undefined;
  return {
    name,
    uid,
    labels,
    zone: labels["topology.kubernetes.io/zone"] ?? "",
    controlPlane: CONTROL_PLANE.some((label) => labels[label] !== undefined),
    ready,
    unschedulable,
    bootId: textAt(object.status, "nodeInfo", "bootID") ?? "",
    info,
    claimId: annotations[CLAIM_MARK],
    prior: annotations[PRIOR_MARK],
    kept: KEEP_MARKS.map((key) => annotations[key]),
    awaySince: away ? (before?.uid === uid ? (before.awaySince ?? now) : now) : undefined,
    givenBackAt: before?.unschedulable === true && !unschedulable && !byController ? now : before?.givenBackAt,
    infoSince: known !== undefined && isDeepStrictEqual(known.info, info) ? known.infoSince : now,
    labelsSince: known !== undefined && isDeepStrictEqual(known.labels, labels) ? known.labelsSince : now,
  };
}

export interface WorkloadView {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly claimId: string | undefined;
  /** `container=image` of every container of the template, joined. */
  readonly images: string;
}

export function readWorkload(object: KubeObject): WorkloadView {
  const { name, namespace = "", uid = "", labels = {}, annotations = {} } = object.metadata;
  const pod = at(object.spec, "template", "spec");
  const images = ["initContainers", "containers"].flatMap((list) =>
    listAt(pod, list).map((item) => `${textAt(item, "name") ?? ""}=${textAt(item, "image") ?? ""}`),
  );
  return {
    kind: object.kind ?? "",
    namespace,
    name,
    uid,
    labels,
    claimId: annotations[CLAIM_MARK],
    images: images.join(" "),
  };
}

/** The node that a pod must leave in a drain; undefined: it may stay, or is ours, or runs nowhere. */
export function evictableFrom(object: KubeObject): string | undefined {
  const { namespace, ownerReferences = [], annotations = {} } = object.metadata;
  if (namespace === JOB_NAMESPACE) return undefined;
  if (annotations["kubernetes.io/config.mirror"] !== undefined) return undefined;
  if (ownerReferences.some((owner) => owner.controller === true && owner.kind === "DaemonSet")) return undefined;
  const phase = textAt(object.status, "phase");
  if (phase === "Succeeded" || phase === "Failed") return undefined;
  return textAt(object.spec, "nodeName");
}

export interface LedgerFacts {
  readonly spec: DisruptionLedgerSpec;
  readonly claims: readonly Claim[];
  /** Its claims were known to be complete once. */
  readonly rebuilt: boolean;
}

export function readLedger(object: KubeObject): LedgerFacts {
  return {
    spec: (object.spec ?? {}) as DisruptionLedgerSpec,
    claims: listAt(object.status, "claims") as readonly Claim[],
    rebuilt: textAt(object.status, "rebuiltTime") !== undefined,
  };
}

/** An operation under way, of a node or a workload. */
export type OperationView = (NodeOperation | WorkloadOperation) & { readonly claimId: string };

export interface StateFacts {
  readonly uid: string | undefined;
  readonly operation: OperationView | undefined;
  readonly history: readonly { readonly claimId: string; readonly result: string }[];
  readonly verified: readonly { readonly baseline: string; readonly digest: string }[];
  /** Something says why it does not move. */
  readonly named: boolean;
}

export function readPatchState(object: KubeObject): StateFacts {
  return {
    uid: textAt(object.status, "targetUID"),
    operation: at(object.status, "operation") as OperationView | undefined,
    history: listAt(object.status, "history") as StateFacts["history"],
    verified: listAt(object.status, "verified") as StateFacts["verified"],
    named: listAt(object.status, "blockedBy").length > 0,
  };
}

/** At most so many of `total`: percent is rounded down, but at least 1 unless it is 0. */
export function mostOf(value: number | string | undefined, total: number, fallback: number | string): number {
  const wanted = value ?? fallback;
  if (typeof wanted === "number") return wanted;
  const percent = Number.parseFloat(wanted);
  return percent > 0 ? Math.max(1, Math.floor((percent * total) / 100)) : 0;
}
