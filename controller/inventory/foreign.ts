// Which other tools hold a node: from its own marks, and from their locks, Leases and jobs elsewhere. Must never throw: anybody who may
// write a node, a DaemonSet or a Lease writes these (V4). What a mark means stands in core/interop/markers.ts.
import type { Instant } from "../clock.ts";
import { findHolds, type ForeignHold, type NodeMarks } from "../core/interop/markers.ts";
import { fieldsAt, instantOf, isFields, listOf, textOf } from "./fields.ts";
import { conditionOf } from "./projected.ts";

type Strings = Readonly<Record<string, string>>;

/** Namespace of the Leases that medik8s' operators share. */
export const MEDIK8S_LEASES = "medik8s-leases";
const KURED_LOCK = "weave.works/kured-node-lock";
const SUC_NODE = "upgrade.cattle.io/node";
/** Longest lock that is read; kured's names each holder in about 150 characters. */
const MAX_LOCK = 32_768;

/** What stands on the node itself; the very same empty list where nothing does. */
export function holdsOnNode(object: unknown, labels: Strings, annotations: Strings): readonly ForeignHold[] {
  const marks: NodeMarks = { labels, annotations, taints: taintsOf(object), conditions: trueConditions(object) };
  const holds = findHolds(marks);
  return holds.length === 0 ? NONE : holds;
}

const NONE: readonly ForeignHold[] = Object.freeze([]);

function taintsOf(object: unknown): Strings {
  const taints = listOf(fieldsAt(object, "spec")["taints"]).map((taint) => {
    const { key, value } = fieldsAt(taint);
    return [textOf(key, 317), textOf(value, 63)] as const;
  });
  return Object.fromEntries(taints);
}

function trueConditions(object: unknown): ReadonlySet<string> {
  const conditions = listOf(fieldsAt(object, "status")["conditions"]).map(fieldsOf);
  return new Set(conditions.filter(({ status }) => status === "True").map(({ type }) => textOf(type, 64)));
}

function fieldsOf(value: unknown): ReturnType<typeof fieldsAt> {
  return fieldsAt(value);
}

/** A hold, and the name of the node that it is about. */
export interface HoldElsewhere {
  readonly node: string;
  readonly hold: ForeignHold;
}

/** What DaemonSets, Jobs and Leases say about nodes, sorted by node and text. */
export interface HoldSources {
  readonly daemonSets: Iterable<unknown>;
  readonly jobs: Iterable<unknown>;
  /** Of the namespace medik8s-leases. */
  readonly leases: Iterable<unknown>;
}

export function holdsElsewhere({ daemonSets, jobs, leases }: HoldSources): ReadonlyMap<string, readonly ForeignHold[]> {
  const found: HoldElsewhere[] = [];
  for (const object of daemonSets) found.push(...holdsOfDaemonSet(object));
  for (const object of jobs) found.push(...holdsOfJob(object));
  for (const object of leases) found.push(...holdsOfLease(object));
  return groupHolds(found);
}

export function groupHolds(found: readonly HoldElsewhere[]): ReadonlyMap<string, readonly ForeignHold[]> {
  const sorted = [...found].sort((a, b) => compare(a.node, b.node) || compare(a.hold.message, b.hold.message));
  const byNode = new Map<string, ForeignHold[]>();
  for (const { node, hold } of sorted) byNode.set(node, [...(byNode.get(node) ?? []), hold]);
  return byNode;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** kured keeps its lock in an annotation of its own DaemonSet: one holder, or a list (pkg/daemonsetlock). */
export function holdsOfDaemonSet(object: unknown): readonly HoldElsewhere[] {
  const text = fieldsAt(object, "metadata", "annotations")[KURED_LOCK];
  if (typeof text !== "string" || text === "" || text.length > MAX_LOCK) return [];
  const lock = parse(text);
  const holders = lock["locks"] === undefined ? [lock] : listOf(lock["locks"]).map(fieldsOf);
  return holders.flatMap((holder) => {
    const node = textOf(holder["nodeID"]);
    if (node === "") return [];
    const until = endOf(holder);
    const at = `DaemonSet ${placeOf(object)}`;
    const message = `kured: holds its reboot lock for the node (${at})`;
    return [{ node, hold: { reason: "LockedByOther", message, at, ...(until === undefined ? {} : { until }) } }];
  });
}

/** `TTL` is a Go duration, in nanoseconds; 0 never ends. */
function endOf(holder: ReturnType<typeof fieldsAt>): Instant | undefined {
  const created = instantOf(holder["created"]);
  const ttl = holder["TTL"];
  if (typeof ttl !== "number" || !(ttl > 0) || created === undefined) return undefined;
  return endingAt(created + Math.ceil(ttl / 1_000_000));
}

/** The last instant that a time can be written for (ECMA-262, "Time Values and Time Range"). */
const LAST_INSTANT = 8.64e15;

/** A hold whose end no calendar has does not end. */
function endingAt(end: number): Instant | undefined {
  return end <= LAST_INSTANT ? end : undefined;
}

/** A job of a Plan that has not ended. Its label is the node's hostname, which nearly always is its name. */
export function holdsOfJob(object: unknown): readonly HoldElsewhere[] {
  const node = textOf(fieldsAt(object, "metadata", "labels")[SUC_NODE], 63);
  if (node === "" || isTrue(object, "Complete") || isTrue(object, "Failed")) return [];
  const at = `Job ${placeOf(object)}`;
  const message = `system-upgrade-controller: works on the node (${at})`;
  return [{ node, hold: { reason: "UnderMaintenance", message, at } }];
}

function isTrue(object: unknown, type: string): boolean {
  return conditionOf(object, type)?.status === "True";
}

/** A Lease that somebody holds; without a duration it never ends. */
export function holdsOfLease(object: unknown): readonly HoldElsewhere[] {
  const name = textOf(fieldsAt(object, "metadata")["name"]);
  const { holderIdentity, renewTime, leaseDurationSeconds } = fieldsAt(object, "spec");
  const holder = textOf(holderIdentity, 128);
  if (!name.startsWith("node-") || holder === "") return [];
  const renewed = instantOf(renewTime);
  const seconds =
    typeof leaseDurationSeconds === "number" && leaseDurationSeconds > 0 ? leaseDurationSeconds : undefined;
  const until = renewed === undefined || seconds === undefined ? undefined : endingAt(renewed + seconds * 1000);
  const at = `Lease ${MEDIK8S_LEASES}/${name}`;
  const message = `medik8s: ${holder} holds the node (${at})`;
  return [
    {
      node: name.slice("node-".length),
      hold: { reason: "LockedByOther", message, at, ...(until === undefined ? {} : { until }) },
    },
  ];
}

function placeOf(object: unknown): string {
  const { namespace, name } = fieldsAt(object, "metadata");
  return `${textOf(namespace, 63)}/${textOf(name)}`;
}

function parse(text: string): ReturnType<typeof fieldsAt> {
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) ? value : {};
  } catch {
    return {};
  }
}

/** A node with what is held elsewhere about it. */
export function withHolds<T extends { readonly foreign?: readonly ForeignHold[] }>(
  node: T,
  elsewhere: readonly ForeignHold[] | undefined,
): T {
  return elsewhere === undefined ? node : { ...node, foreign: [...(node.foreign ?? []), ...elsewhere] };
}
