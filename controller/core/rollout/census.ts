// How many nodes and workloads there are, by ring and zone, and which of them are not there: what limits and gates count from, kept up to
// date by what changed.
import type { WorkloadAsset } from "../model.ts";
import type { AssetRecord, Change, Register } from "./records.ts";
import { ringOf } from "./membership.ts";
import { MOST_CHANGES } from "../incremental/sorted-list.ts";

/** A node that is not there for workloads, for any reason but our own claim. Defined once, here. */
export function isUnavailable(node: { readonly ready: boolean; readonly unschedulable: boolean }): boolean {
  return !node.ready || node.unschedulable;
}

export interface DownNode {
  readonly zone: string;
  readonly ring: string | undefined;
  readonly controlPlane: boolean;
}

/** Of a total, so many are well. */
export interface Share {
  readonly total: number;
  readonly well: number;
}

export interface Census {
  /** Nodes by ring ("" for none) and zone ("" for none). */
  readonly zones: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** Unavailable nodes by UID. */
  readonly down: ReadonlyMap<string, DownNode>;
  /** Nodes that are Ready, by ring. */
  readonly nodes: ReadonlyMap<string, Share>;
  /** Workloads whose controller brings replicas up, and those that have all of them. */
  readonly workloads: Share;
}

interface Draft {
  readonly zones: Map<string, Map<string, number>>;
  readonly down: Map<string, DownNode>;
  readonly nodes: Map<string, Share>;
  workloads: Share;
}

/** Counts all records, starting from the last census where little changed. */
export function takeCensus(
  before: Census | undefined,
  { nodes, workloads }: Readonly<Record<"nodes" | "workloads", Register>>,
): Census {
  const changes = [...nodes.changes, ...workloads.changes];
  if (before !== undefined && changes.length === 0) return before;
  const few = before !== undefined && changes.length <= MOST_CHANGES;
  const draft: Draft = few
    ? {
        zones: new Map([...before.zones].map(([ring, zones]) => [ring, new Map(zones)])),
        down: new Map(before.down),
        nodes: new Map(before.nodes),
        workloads: before.workloads,
      }
    : { zones: new Map(), down: new Map(), nodes: new Map(), workloads: { total: 0, well: 0 } };
  const all: readonly Change[] = few
    ? changes
    : [...nodes.records, ...workloads.records].map((now) => ({ before: undefined, now }));
  for (const change of all) {
    if (change.before !== undefined) count(draft, change.before, -1);
    if (change.now !== undefined) count(draft, change.now, 1);
  }
  return draft;
}

function count(draft: Draft, { asset, membership }: AssetRecord, by: 1 | -1): void {
  if ("kind" in asset) {
    draft.workloads = addTo(draft.workloads, shareOf(asset), by);
    return;
  }
  const [ring, zone] = [ringOf(membership), asset.zone ?? ""];
  const zones = draft.zones.get(ring ?? "") ?? new Map<string, number>();
  draft.zones.set(ring ?? "", zones);
  zones.set(zone, (zones.get(zone) ?? 0) + by);
  const well = asset.ready ? 1 : 0;
  draft.nodes.set(ring ?? "", addTo(draft.nodes.get(ring ?? "") ?? { total: 0, well: 0 }, { total: 1, well }, by));
  if (by < 0) draft.down.delete(asset.uid);
  else if (isUnavailable(asset)) draft.down.set(asset.uid, { zone, ring, controlPlane: asset.controlPlane });
}

function shareOf({ kind, rollout }: WorkloadAsset): Share {
  if (kind !== "Deployment" && kind !== "StatefulSet" && kind !== "DaemonSet") return { total: 0, well: 0 };
  return { total: 1, well: rollout.available >= rollout.desired ? 1 : 0 };
}

function addTo(share: Share, one: Share, by: 1 | -1): Share {
  return { total: share.total + by * one.total, well: share.well + by * one.well };
}

/** A share without some of those that were counted. */
export function without(
  census: Census,
  ring: string,
  left: readonly AssetRecord[],
): { readonly nodes: Share; readonly workloads: Share } {
  let nodes = census.nodes.get(ring) ?? { total: 0, well: 0 };
  let { workloads } = census;
  for (const { asset, membership } of left)
    if ("kind" in asset) workloads = addTo(workloads, shareOf(asset), -1);
    else if (ringOf(membership) === ring) nodes = addTo(nodes, { total: 1, well: asset.ready ? 1 : 0 }, -1);
  return { nodes, workloads };
}
