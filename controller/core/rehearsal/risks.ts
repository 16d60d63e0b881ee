// What the drains of a rehearsal would meet: budgets that refuse, pods that nothing brings back, workloads with a single replica. Read from
// the pinned inventory as it is now; what other drains change meanwhile nobody can foresee. Pure.
import type { Reason } from "../../api/reasons.ts";
import type { Inventory, PolicyInForce } from "../model.ts";
import { budgetsOf, indexBudgets } from "../operations/budgets.ts";
import { viewDrain } from "../operations/drain.ts";
import { forecastNow, mustGo } from "../operations/forecast.ts";
import { compareText } from "../text-order.ts";

export interface DrainRefusal {
  readonly ring: string;
  readonly node: string;
  readonly reason: Reason;
  readonly message: string;
}

export interface DrainRisks {
  /** Pods that have to move. */
  readonly pods: number;
  /** Nodes whose drain would be refused now. */
  readonly refusals: readonly DrainRefusal[];
  /** Budgets that can spare one pod at a time: nodes with such pods follow one another. */
  readonly tight: readonly string[];
  /** Controllers with one pod in the whole cluster, which is evicted. */
  readonly singles: readonly string[];
  /** Pods without a controller. */
  readonly bare: readonly string[];
}

export interface DrainedNode {
  readonly ring: string;
  readonly node: string;
}

/** Risks of draining these nodes under a policy. */
export function findRisks(nodes: readonly DrainedNode[], policy: PolicyInForce, inventory: Inventory): DrainRisks {
  const budgets = indexBudgets(inventory.pdbs);
  const volumes = inventory.volumes ?? [];
  const podsOn = Map.groupBy(inventory.pods, (pod) => pod.nodeName ?? "");
  const rings = new Map(policy.rings.map((ring) => [ring.name, ring]));
  const replicas = new Map<string, number>();
  for (const { controller, phase, deleting } of inventory.pods)
    if (controller !== undefined && phase !== "Succeeded" && phase !== "Failed" && !deleting)
      replicas.set(controller.uid, (replicas.get(controller.uid) ?? 0) + 1);
  const refusals: DrainRefusal[] = [];
  const tight = new Set<string>();
  const singles = new Set<string>();
  const bare = new Set<string>();
  let count = 0;
  for (const { ring, node } of uniqueNodes(nodes)) {
    const pods = podsOn.get(node) ?? [];
    const drain = rings.get(ring)?.spec.drain ?? {};
    const block = forecastNow({ pods, budgets, policy: drain, volumes });
    if (block !== undefined) refusals.push({ ring, node, reason: block.reason, message: block.message });
    for (const pod of mustGo(viewDrain(pods, drain, volumes))) {
      count += 1;
      const [budget] = budgetsOf(pod, budgets);
      if (budget?.disruptionsAllowed === 1) tight.add(`${budget.namespace}/${budget.name}`);
      if (pod.controller === undefined) bare.add(`${pod.namespace}/${pod.name}`);
      else if (!pod.job && replicas.get(pod.controller.uid) === 1)
        singles.add(`${pod.controller.kind} ${pod.namespace}/${pod.controller.name}`);
    }
  }
  const sorted = (names: ReadonlySet<string>): readonly string[] => [...names].sort(compareText);
  return { pods: count, refusals, tight: sorted(tight), singles: sorted(singles), bare: sorted(bare) };
}

function uniqueNodes(nodes: readonly DrainedNode[]): readonly DrainedNode[] {
  const known = new Map(nodes.map((one) => [one.node, one]));
  return [...known.values()].sort((a, b) => compareText(a.node, b.node));
}
