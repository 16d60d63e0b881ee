// How many targets of a ring may be in change at once, less what is unavailable or failed and does not come back by itself.
// Part of the estimate; what may really be claimed is limits.ts' alone.
import type { Block, RingInForce } from "../model.ts";
import { isUnavailable } from "../rollout/census.ts";
import { limitOf } from "../rollout/limits.ts";
import type { Plan } from "../rollout/plan.ts";
import type { PlanInput } from "../rollout/plan-input.ts";

export interface Spare {
  /** At once in the ring, by the tighter of the ring's budget and the cluster's limit. */
  readonly ring: number;
  /** At once in a zone. */
  readonly zone: (zone: string) => number;
  /** Why nothing can ever start where there is no room at all. */
  readonly exhausted: Block;
}

/** Room for nodes or for workloads of a ring. */
export function spareCapacity(input: PlanInput, plan: Plan, ring: RingInForce, kind: "Node" | "Workload"): Spare {
  return kind === "Node" ? spareNodes(input, plan, ring) : spareWorkloads(input, plan, ring);
}

function spareWorkloads({ ledger, stored }: PlanInput, { capacity, members }: Plan, ring: RingInForce): Spare {
  const failed = ledger.claims.filter(
    ({ kind, ring: name, uid }) =>
      kind !== "Node" && name === ring.name && stored.workloads.get(uid)?.operation?.failure !== undefined,
  );
  const own = limitOf(ring.spec.budget?.workloads, members.workloads.get(ring.name)?.length ?? 0, 1);
  const all = limitOf(capacity.limits.workloads, capacity.workloads, "10%");
  return {
    ring: Math.max(0, Math.min(own, all) - failed.length),
    zone: () => Infinity,
    exhausted: {
      reason: "RingBudgetExhausted",
      message: `ring ${ring.name} may have ${Math.min(own, all)} workloads in change at once; ${failed.length} failed and hold that`,
    },
  };
}

function spareNodes(input: PlanInput, plan: Plan, ring: RingInForce): Spare {
  const { capacity, members } = plan;
  const claimed = new Set(input.ledger.claims.map((claim) => claim.uid));
  const down = capacity.nodes.filter((node) => isDown(input, node, claimed));
  const mine = (list: readonly { readonly uid: string }[]): number =>
    list.filter(({ uid }) => capacity.ringOf(uid) === ring.name).length;
  const own = limitOf(ring.spec.budget?.nodes, members.nodes.get(ring.name)?.length ?? 0, 1);
  const all = limitOf(capacity.limits.nodes, capacity.nodes.length, "10%");
  const zones = Map.groupBy(capacity.nodes, (node) => node.zone ?? "");
  const spareOf = (zone: string): number => {
    const nodes = zones.get(zone) ?? [];
    const here = down.filter((node) => (node.zone ?? "") === zone);
    const most = limitOf(capacity.limits.nodesPerZone, nodes.length, "25%") - here.length;
    const perZone = ring.spec.budget?.nodesPerZone;
    if (perZone === undefined) return most;
    return Math.min(most, limitOf(perZone, mine(nodes), 1) - mine(here));
  };
  const spares = new Map([...zones.keys()].map((zone) => [zone, spareOf(zone)]));
  return {
    ring: Math.max(0, Math.min(own - mine(down), all - down.length)),
    zone: (zone) => spares.get(zone) ?? 0,
    exhausted: {
      reason: "RingBudgetExhausted",
      message: `ring ${ring.name} may have ${Math.min(own, all)} of its nodes unavailable at once; ${mine(down)} of them already are, and ${down.length} of the whole cluster`,
    },
  };
}

/** Unavailable and not because of a claim that is under way. */
function isDown(input: PlanInput, node: Plan["capacity"]["nodes"][number], claimed: ReadonlySet<string>): boolean {
  if (claimed.has(node.uid)) return input.stored.nodes.get(node.uid)?.operation?.failure !== undefined;
  return isUnavailable(node);
}
