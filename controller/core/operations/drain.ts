// Drain: which pods of a node must go, which may stay, and which stand in the way. Pure filters, as Cluster API's drain has them;
// eviction itself, and what PodDisruptionBudgets answer, is the shell's.
import type { DrainPolicy } from "../../api/rollout-ring.ts";
import type { Block, PdbAsset, PodAsset } from "../model.ts";
import { matches } from "../selectors.ts";

export interface DrainView {
  /** To be evicted now, lowest priority first. */
  readonly evict: readonly PodAsset[];
  /** Evicted already, still ending. */
  readonly ending: readonly PodAsset[];
  /** Not evicted by policy: the drain cannot end while they are there. */
  readonly standing: readonly { readonly pod: PodAsset; readonly why: string }[];
}

/** Sorts a node's pods. DaemonSet and mirror pods stay, completed pods do not matter (kubectl drain's rules). */
export function viewDrain(pods: readonly PodAsset[], policy: DrainPolicy): DrainView {
  const evict: PodAsset[] = [];
  const ending: PodAsset[] = [];
  const standing: { pod: PodAsset; why: string }[] = [];
  for (const pod of pods) {
    if (pod.mirror || pod.controller?.kind === "DaemonSet") continue;
    if (pod.phase === "Succeeded" || pod.phase === "Failed") continue;
    if (pod.deleting) ending.push(pod);
    else if (pod.controller === undefined && (policy.barePods ?? "Block") === "Block")
      standing.push({ pod, why: "it has no controller that would bring it back (drain.barePods is Block)" });
    else if (pod.emptyDir && policy.emptyDir === "Block")
      standing.push({ pod, why: "its emptyDir would be lost (drain.emptyDir is Block)" });
    else evict.push(pod);
  }
  evict.sort((a, b) => a.priority - b.priority || compareNames(a, b));
  return { evict, ending: ending.sort(compareNames), standing };
}

function compareNames(a: PodAsset, b: PodAsset): number {
  const [left, right] = [`${a.namespace}/${a.name}`, `${b.namespace}/${b.name}`];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Whether nothing that must go is left. */
export function isDrained(view: DrainView): boolean {
  return view.evict.length === 0 && view.ending.length === 0 && view.standing.length === 0;
}

/** ` and 2 more pods`, for messages that name the first. */
export function andMore(others: number): string {
  return others === 0 ? "" : ` and ${others} more ${others === 1 ? "pod" : "pods"}`;
}

/** The budgets that select a pod, the tightest first, for messages. */
export function budgetsOf(pod: PodAsset, pdbs: readonly PdbAsset[]): readonly PdbAsset[] {
  return pdbs
    .filter((pdb) => pdb.namespace === pod.namespace && pdb.selector !== undefined && matches(pdb.selector, pod.labels))
    .sort((a, b) => a.disruptionsAllowed - b.disruptionsAllowed || (a.name < b.name ? -1 : 1));
}

/** Pods that a budget refuses, as one block that names the first. */
export function describeRefusals(refused: readonly PodAsset[], pdbs: readonly PdbAsset[]): Block | undefined {
  const [pod] = [...refused].sort(compareNames);
  if (pod === undefined) return undefined;
  const budget = budgetsOf(pod, pdbs)[0]?.name;
  const others = andMore(refused.length - 1);
  return {
    reason: "PDBBlocked",
    message: `pod ${pod.namespace}/${pod.name}${others}: ${budget === undefined ? "a PodDisruptionBudget" : `PodDisruptionBudget ${budget}`} allows no disruption`,
  };
}
