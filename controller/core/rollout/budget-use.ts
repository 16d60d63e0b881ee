// How much of a ring's budget is in use: the same sums that admit a claim (limits.ts), told to people. Nothing decides by it.
import type { Claim } from "../model.ts";
import { isUnavailable } from "./census.ts";
import { type Capacity, limitOf } from "./limits.ts";

export interface Use {
  readonly used: number;
  readonly limit: number;
}

export interface BudgetUse {
  /** Claimed, or unavailable for any other reason; each node once. */
  readonly nodes: Use;
  readonly workloads: Use;
}

/** The use of each ring's budget, by the ring's name. */
export function budgetUse(capacity: Capacity, claims: readonly Claim[]): ReadonlyMap<string, BudgetUse> {
  const down = new Map<string, Set<string>>();
  const workloads = new Map<string, number>();
  const nodesOf = (ring: string): Set<string> => {
    const known = down.get(ring) ?? new Set();
    down.set(ring, known);
    return known;
  };
  for (const node of capacity.nodes) {
    const ring = isUnavailable(node) ? capacity.ringOf(node.uid) : undefined;
    if (ring !== undefined) nodesOf(ring).add(node.uid);
  }
  for (const { kind, ring, uid } of claims)
    if (kind === "Node") nodesOf(ring).add(uid);
    else workloads.set(ring, (workloads.get(ring) ?? 0) + 1);
  return new Map(
    capacity.rings.map(({ name, spec }) => [
      name,
      {
        nodes: { used: nodesOf(name).size, limit: limitOf(spec.budget?.nodes, capacity.ringNodes(name), 1) },
        workloads: {
          used: workloads.get(name) ?? 0,
          limit: limitOf(spec.budget?.workloads, capacity.ringWorkloads(name), 1),
        },
      },
    ]),
  );
}
