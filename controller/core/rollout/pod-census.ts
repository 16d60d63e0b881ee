// Pods as gates count them, kept up to date by what changed: how many are Ready on each node, and which hold their node back.
// A pod that ended, or that no node has yet, is counted nowhere.
import type { Gate } from "../../api/gate.ts";
import { findChanges, selectAgain, type Selection } from "../incremental/sorted-list.ts";
import type { PodAsset } from "../model.ts";
import { matches } from "../selectors.ts";
import type { Share } from "./census.ts";

type PodSettings = NonNullable<Gate["pods"]>;

export interface PodCensus {
  readonly settings: PodSettings | undefined;
  readonly list: readonly PodAsset[];
  readonly byNode: ReadonlyMap<string, Share>;
}

/** Pods that run for good, by node: total and Ready. Those of jobs come and go, and say nothing of a node's health. */
export function countPods(
  before: PodCensus | undefined,
  list: readonly PodAsset[],
  settings: PodSettings | undefined,
): PodCensus {
  const known = before !== undefined && before.settings === settings ? before : { list: [], byNode: new Map() };
  if (before === known && before?.list === list) return before;
  const byNode = new Map<string, Share>(known.byNode);
  const { gone, come } = findChanges<PodAsset>(known.list, list);
  for (const [pods, by] of [
    [gone, -1],
    [come, 1],
  ] as const)
    for (const pod of pods) {
      if (pod.nodeName === undefined || pod.deleting || pod.job || !isMeant(pod, settings)) continue;
      const { total, well } = byNode.get(pod.nodeName) ?? { total: 0, well: 0 };
      byNode.set(pod.nodeName, { total: total + by, well: well + (pod.ready ? by : 0) });
    }
  return { settings, list, byNode };
}

export interface BlockingCensus {
  readonly settings: PodSettings;
  readonly selection: Selection<PodAsset>;
}

/** Pods that a gate means. */
export function findBlocking(
  before: BlockingCensus | undefined,
  list: readonly PodAsset[],
  settings: PodSettings,
): BlockingCensus {
  const known = before?.settings === settings ? before.selection : undefined;
  return { settings, selection: selectAgain(known, list, (pod) => isMeant(pod, settings)) };
}

/** Whether a pod has not ended and is one that the gate is about. */
export function isMeant(pod: PodAsset, settings: PodSettings | undefined): boolean {
  if (pod.phase === "Succeeded" || pod.phase === "Failed") return false;
  const { namespaces, selector } = settings ?? {};
  if (namespaces !== undefined && !namespaces.includes(pod.namespace)) return false;
  return selector === undefined || matches(selector, pod.labels);
}
