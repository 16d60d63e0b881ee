// Until when an assessment is the same by time alone: heartbeats and inventories become stale, and exceptions end. Pure.
import type { Instant } from "../../clock.ts";
import { HEARD_WITHIN_MS, staleAfterMs } from "../compliance/freshness.ts";
import type { BaselineInForce, ExceptionInForce, NodeAsset, StoredStates } from "../model.ts";

/** The first time after `now` at which a node's assessment may be another by time alone. */
export function nodeHoldsUntil(
  node: NodeAsset,
  stored: ReturnType<StoredStates["nodes"]["get"]>,
  baselines: readonly BaselineInForce[],
  exceptions: readonly ExceptionInForce[],
  now: Instant,
): Instant {
  const times = exceptions.map(({ spec }) => Date.parse(spec.expirationTime));
  if (node.heardAt !== undefined) times.push(node.heardAt + HEARD_WITHIN_MS + 1);
  if (stored?.inventory !== undefined)
    for (const { spec } of baselines) times.push(Date.parse(stored.inventory.time) + staleAfterMs(spec) + 1);
  return earliestAfter(times, now);
}

/** The same for a workload: only exceptions end. */
export function workloadHoldsUntil(exceptions: readonly ExceptionInForce[], now: Instant): Instant {
  return earliestAfter(
    exceptions.map(({ spec }) => Date.parse(spec.expirationTime)),
    now,
  );
}

function earliestAfter(times: readonly number[], now: Instant): Instant {
  let earliest = Number.POSITIVE_INFINITY;
  for (const time of times) if (time > now && time < earliest) earliest = time;
  return earliest;
}
