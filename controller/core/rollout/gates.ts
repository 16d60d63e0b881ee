// Health gates of a ring: three-valued, and no data never passes (research: unknown is never success).
// Targets that Ringward itself holds down (claimed, not failed) do not shut the gate: their claim already counts.
import type { Gate } from "../../api/rollout-ring.ts";
import type { Static } from "../../api/schema.ts";
import type { Block, NodeAsset, WorkloadAsset } from "../model.ts";

export interface GateFacts {
  readonly nodes: readonly NodeAsset[];
  readonly workloads: readonly WorkloadAsset[];
  /** UIDs whose claim is under way and has not failed. */
  readonly busy: ReadonlySet<string>;
}

/** The first gate that does not hold. */
export function findShutGate(gates: readonly Static<typeof Gate>[], facts: GateFacts): Block | undefined {
  for (const gate of [...gates].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const healthy = gate.type === "NodesReady" ? nodesReady(facts) : workloadsAvailable(facts);
    const wanted = gate.minPercent ?? 100;
    if (healthy === undefined) return { reason: "GateShut", message: `gate ${gate.name}: ${gate.type} has no data` };
    if (healthy < wanted)
      return {
        reason: "GateShut",
        message: `gate ${gate.name}: ${gate.type} is ${Math.floor(healthy)}%, ${wanted}% is needed`,
      };
  }
  return undefined;
}

function nodesReady({ nodes, busy }: GateFacts): number | undefined {
  const counted = nodes.filter((node) => !busy.has(node.uid));
  if (counted.length === 0) return undefined;
  return (counted.filter((node) => node.ready).length * 100) / counted.length;
}

function workloadsAvailable({ workloads, busy }: GateFacts): number | undefined {
  const counted = workloads.filter(
    (workload) => ["Deployment", "StatefulSet", "DaemonSet"].includes(workload.kind) && !busy.has(workload.uid),
  );
  if (counted.length === 0) return undefined;
  const available = counted.filter((workload) => workload.rollout.available >= workload.rollout.desired);
  return (available.length * 100) / counted.length;
}
