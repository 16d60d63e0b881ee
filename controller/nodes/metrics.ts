// What the API server refuses of a drain, counted where evictions are sent. Classes of answers only: never a pod's, a node's or a budget's name.
import { defineCounter, type Meter, type MetricDefinition } from "../metrics.ts";

/** How an eviction was answered: by the name of its reason where it has one. */
export const REFUSALS = ["PDBBlocked", "PDBNeverAllows", "PDBConflict", "ServerBusy", "Gone", "Other"] as const;
export type RefusalClass = (typeof REFUSALS)[number];

const EVICTIONS_REFUSED = defineCounter(
  "ringward_evictions_refused_total",
  "Evictions that the API server refused, also those that were only tried before a cordon: PDBBlocked, PDBNeverAllows (429 of a budget), PDBConflict (500, two budgets), ServerBusy (any other 429), Gone (404: the pod had left) or Other.",
  ["reason"],
);

export const NODE_METRICS: readonly MetricDefinition<"counter">[] = [EVICTIONS_REFUSED];

/** Ties refusals to a meter; every class is there from the beginning, so that no first refusal is hidden from `rate`. */
export function countRefusals(meter: Meter): (reason: RefusalClass) => void {
  const refused = meter.counter(EVICTIONS_REFUSED);
  for (const reason of REFUSALS) refused.add({ reason }, 0);
  return (reason) => refused.add({ reason });
}
