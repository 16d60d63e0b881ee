// Pods from templates, and what the workload controllers share: revisions, conditions, times, numbers or percents.
// Everything is a pure function of its arguments, so that equal runs write equal objects.
import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { Instant } from "../../clock.ts";
import type { KubeObject, OwnerReference } from "../../kube/port.ts";
import type { Condition, ControllerRevision, IntOrPercent, Pod, PodSpec, PodTemplate } from "./objects.ts";

/** metav1.Time: RFC 3339 in whole seconds. */
export function timestamp(now: Instant): string {
  return `${new Date(now).toISOString().slice(0, 19)}Z`;
}

/** metav1.MicroTime, as Leases use it. */
export function microTimestamp(now: Instant): string {
  return `${new Date(now).toISOString().slice(0, -1)}000Z`;
}

/** JSON with sorted members, so that equal values give equal text. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  const sorted = members.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join(",")}}`;
}

const HASH_LABELS = ["pod-template-hash", "controller-revision-hash"];
/** Kubernetes' alphabet for generated names: no vowels, no look-alikes. */
const SAFE = "bcdfghjklmnpqrstvwxz2456789";

/** A short name for a pod template; what the controllers themselves add to it does not count. */
export function templateHash(template: PodTemplate): string {
  const digest = createHash("sha256").update(textOf(template)).digest();
  return Array.from(digest.subarray(0, 10), (byte) => SAFE[byte % SAFE.length]).join("");
}

export function sameTemplate(a: PodTemplate, b: PodTemplate): boolean {
  return a === b || textOf(a) === textOf(b);
}

/** Objects of the view never change, and each template is asked for in every step. */
const texts = new WeakMap<PodTemplate, string>();

function textOf(template: PodTemplate): string {
  const known = texts.get(template);
  if (known !== undefined) return known;
  const text = canonical(withoutHash(template));
  texts.set(template, text);
  return text;
}

function withoutHash(template: PodTemplate): unknown {
  const labels = Object.entries(template.metadata?.labels ?? {}).filter(([key]) => !HASH_LABELS.includes(key));
  // Servers fill in `creationTimestamp: null` in templates at their pleasure.
  const { annotations = {} } = template.metadata ?? {};
  return { labels: Object.fromEntries(labels), annotations, spec: template.spec };
}

export function ownerReference(owner: KubeObject, apiVersion: string, kind: string): OwnerReference {
  const { name, uid = "" } = owner.metadata;
  return { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true };
}

export interface PodOrigin {
  readonly template: PodTemplate;
  readonly namespace: string | undefined;
  readonly owner: OwnerReference;
  /** An exact name, else one is generated from the owner's. */
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly spec?: Partial<PodSpec>;
}

/** A pod as a controller creates it. */
export function podFrom(origin: PodOrigin): Pod {
  const { template, namespace, owner, name, labels = {}, finalizers = [], spec = {} } = origin;
  const { annotations } = template.metadata ?? {};
  return {
    metadata: {
      // With a generated name the server fills it in.
      ...(name === undefined ? { generateName: `${owner.name}-`, name: "" } : { name }),
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...template.metadata?.labels, ...labels },
      ...(annotations === undefined ? {} : { annotations }),
      ownerReferences: [owner],
      ...(finalizers.length === 0 ? {} : { finalizers: [...finalizers] }),
    },
    spec: { ...template.spec, ...spec },
  };
}

/** A revision of a StatefulSet's or DaemonSet's template, as `kubectl rollout history` reads it. */
export function revisionOf(set: KubeObject, kind: string, template: PodTemplate, revision: number): ControllerRevision {
  const hash = templateHash(template);
  const { namespace, name } = set.metadata;
  return {
    metadata: {
      name: `${name}-${hash}`,
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...template.metadata?.labels, "controller-revision-hash": hash },
      ownerReferences: [ownerReference(set, "apps/v1", kind)],
    },
    data: { spec: { template } },
    revision,
  };
}

/** The number that an int-or-percent means; the rounding differs by field and is the caller's to know. */
export function scaled(
  value: IntOrPercent | undefined,
  total: number,
  round: "up" | "down",
  absent: IntOrPercent,
): number {
  const given = value ?? absent;
  if (typeof given === "number") return given;
  const exact = (Number.parseInt(given, 10) * total) / 100;
  return round === "up" ? Math.ceil(exact) : Math.floor(exact);
}

/** The list with one condition set; its transition time moves only when the status does. */
export function withCondition(
  conditions: readonly Condition[] | undefined,
  next: Condition,
  now: Instant,
): readonly Condition[] {
  const previous = conditions?.find(({ type }) => type === next.type);
  const lastTransitionTime =
    previous?.status === next.status ? (previous.lastTransitionTime ?? timestamp(now)) : timestamp(now);
  const merged = { ...next, lastTransitionTime };
  if (previous === undefined) return [...(conditions ?? []), merged];
  return (conditions ?? []).map((condition) => (condition === previous ? merged : condition));
}

/** Equality by value, order of members aside. */
export function equal(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(a, b) || canonical(a) === canonical(b);
}
