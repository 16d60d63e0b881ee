// Health gates of a ring: three-valued, and no data never passes (research: unknown is never success).
// Targets that Ringward itself holds down (claimed, not failed) do not shut the gate: their claim already counts.
import type { Gate } from "../../api/rollout-ring.ts";
import type { Static } from "../../api/schema.ts";
import type { Block } from "../model.ts";
import type { Share } from "./census.ts";

/** What is well of the ring's nodes and of all workloads, without those whose claim is under way and has not failed. */
export interface GateFacts {
  readonly nodes: Share;
  readonly workloads: Share;
}

/** The first gate that does not hold. */
export function findShutGate(gates: readonly Static<typeof Gate>[], facts: GateFacts): Block | undefined {
  for (const gate of [...gates].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const { total, well } = gate.type === "NodesReady" ? facts.nodes : facts.workloads;
    const healthy = total === 0 ? undefined : (well * 100) / total;
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
