// How much of a ring's budget is in use: the same sums that admit a claim (limits.ts), told to people. Nothing decides by it.
import type { Claim } from "../model.ts";
import { type Capacity, limitOf, measureUsage } from "./limits.ts";

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
  const { ringNodes, ringWorkloads } = measureUsage(claims, capacity);
  return new Map(
    capacity.rings.map(({ name, spec: { budget } }) => [
      name,
      {
        nodes: { used: ringNodes.get(name) ?? 0, limit: limitOf(budget?.nodes, capacity.ringNodes(name), 1) },
        workloads: {
          used: ringWorkloads.get(name) ?? 0,
          limit: limitOf(budget?.workloads, capacity.ringWorkloads(name), 1),
        },
      },
    ]),
  );
}
