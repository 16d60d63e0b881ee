// What PodDisruptionBudgets will answer to an eviction: the rules of the API server's eviction subresource, restated
// (pkg/registry/core/pod/storage/eviction.go). A property test holds them against the sandbox's API server: never "cannot" where the
// eviction succeeds, and never "can" where a budget allows nothing.
import type { Block, PdbAsset, PodAsset } from "../model.ts";
import { matches } from "../selectors.ts";
import { isSameList } from "../incremental/memory.ts";
import { compareNames, namePods } from "./drain.ts";

/** Budgets by namespace: who forecasts for many pods looks only at those that can matter. */
export type Budgets = ReadonlyMap<string, readonly PdbAsset[]>;

/** A namespace in which nothing changed has the very same list as `before`. */
export function indexBudgets(pdbs: readonly PdbAsset[], before?: Budgets): Budgets {
  const lists = new Map<string, readonly PdbAsset[]>(Map.groupBy(pdbs, ({ namespace }) => namespace));
  if (before !== undefined)
    for (const [namespace, list] of lists) {
      const known = before.get(namespace);
      if (known !== undefined && isSameList(known, list)) lists.set(namespace, known);
    }
  return lists;
}

/** The budgets that select a pod, the tightest first, for messages. */
export function budgetsOf(pod: PodAsset, budgets: Budgets): readonly PdbAsset[] {
  return (budgets.get(pod.namespace) ?? [])
    .filter(({ selector }) => selector !== undefined && matches(selector, pod.labels))
    .sort((a, b) => a.disruptionsAllowed - b.disruptionsAllowed || (a.name < b.name ? -1 : 1));
}

export type EvictionReason = "PDBConflict" | "PDBNeverAllows" | "PDBBlocked";

export interface EvictionRefusal {
  readonly pod: PodAsset;
  readonly reason: EvictionReason;
  readonly why: string;
}

/** Why the API server would refuse to evict a pod now; undefined: it would not. */
export function foreseeEviction(pod: PodAsset, budgets: Budgets): EvictionRefusal | undefined {
  if (isFree(pod)) return undefined;
  const mine = budgetsOf(pod, budgets);
  const [budget] = mine;
  if (budget === undefined) return undefined;
  if (mine.length > 1) return { pod, reason: "PDBConflict", why: conflictOf(mine) };
  if (!spends(pod, budget)) return undefined;
  if (budget.outdated === true)
    return { pod, reason: "PDBBlocked", why: `PodDisruptionBudget ${budget.name} is still being processed` };
  return budget.disruptionsAllowed > 0 ? undefined : refusalOf(pod, budget);
}

/** What will not pass by itself: two budgets on one pod, and budgets that can never be spent from. */
export function foreseeNever(pod: PodAsset, budgets: Budgets): EvictionRefusal | undefined {
  const refusal = foreseeEviction(pod, budgets);
  return refusal?.reason === "PDBBlocked" ? undefined : refusal;
}

/** What of a budget only people change: who remembers a forecast by it need not look again whenever a pod comes or goes. */
export function lastingBudgets(pdbs: readonly PdbAsset[]): Budgets {
  return indexBudgets(
    pdbs.map((pdb): PdbAsset => {
      const { namespace, name, selector, disruptionsAllowed, desiredHealthy, expectedPods = 0 } = pdb;
      const never = disruptionsAllowed <= 0 && expectedPods > 0 && desiredHealthy >= expectedPods;
      const numbers = never
        ? { disruptionsAllowed: 0, desiredHealthy, expectedPods }
        : { disruptionsAllowed: 1, desiredHealthy: 0, expectedPods: 0 };
      return { namespace, name, selector, currentHealthy: 0, ...numbers };
    }),
  );
}

/** Ended, not started, or going already: no budget is asked. */
function isFree({ phase, deleting }: PodAsset): boolean {
  return deleting || phase === "Succeeded" || phase === "Failed" || phase === "Pending";
}

/** A pod that is not ready lowers nothing: AlwaysAllow lets it go, and so does a budget that is met (KEP-3017). */
function spends({ ready }: PodAsset, { alwaysAllowsUnhealthy, currentHealthy, desiredHealthy }: PdbAsset): boolean {
  if (ready) return true;
  return alwaysAllowsUnhealthy !== true && !(currentHealthy >= desiredHealthy && desiredHealthy > 0);
}

function refusalOf(pod: PodAsset, budget: PdbAsset): EvictionRefusal {
  const { name, expectedPods = 0, desiredHealthy, currentHealthy } = budget;
  // Also with every pod healthy nothing could be spared; a pod that is not ready may be let go when it is the only one that is not.
  if (pod.ready && expectedPods > 0 && desiredHealthy >= expectedPods)
    return {
      pod,
      reason: "PDBNeverAllows",
      why:
        expectedPods === 1
          ? `PodDisruptionBudget ${name} wants its only replica healthy, always: it can never be evicted`
          : `PodDisruptionBudget ${name} wants ${desiredHealthy} of its ${expectedPods} pods healthy: it can never spare one`,
    };
  const counts =
    currentHealthy <= desiredHealthy && desiredHealthy > 0
      ? ` (${currentHealthy} healthy, ${desiredHealthy} wanted)`
      : "";
  return { pod, reason: "PDBBlocked", why: `PodDisruptionBudget ${name} allows no disruption${counts}` };
}

function conflictOf(budgets: readonly PdbAsset[]): string {
  const names = budgets.map(({ name }) => name).sort();
  return `is selected by PodDisruptionBudgets ${names.join(" and ")}, and a pod with more than one is never evicted: change one of their selectors`;
}

/** Worst first: what a person has to mend, then what may pass. */
const ORDER: readonly EvictionReason[] = ["PDBConflict", "PDBNeverAllows", "PDBBlocked"];

/** Refused pods as one block that names the first of the worst. */
export function describeRefusals(refusals: readonly EvictionRefusal[]): Block | undefined {
  for (const reason of ORDER) {
    const mine = refusals.filter((one) => one.reason === reason).sort((a, b) => compareNames(a.pod, b.pod));
    const [first] = mine;
    if (first !== undefined) return { reason, message: `${namePods(mine.map(({ pod }) => pod))}: ${first.why}` };
  }
  return undefined;
}
