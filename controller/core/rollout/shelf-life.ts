// Until when an assessment is the same by time alone: heartbeats and inventories become stale, and exceptions end. Pure.
import type { PatchBaselineSpec } from "../../api/patch-baseline.ts";
import type { Instant } from "../../clock.ts";
import { parseDuration } from "../duration.ts";
import type { BaselineInForce, ExceptionInForce, NodeAsset, StoredStates } from "../model.ts";

/** A kubelet counts as heard for so long (compliance/node-evidence.ts). */
const HEARD_WITHIN = 5 * 60_000;
const DEFAULT_STALE = "24h";

/** The first time after `now` at which a node's assessment may be another by time alone. */
export function nodeHoldsUntil(
  node: NodeAsset,
  stored: ReturnType<StoredStates["nodes"]["get"]>,
  baselines: readonly BaselineInForce[],
  exceptions: readonly ExceptionInForce[],
  now: Instant,
): Instant {
  const times = exceptions.map(({ spec }) => Date.parse(spec.expirationTime));
  if (node.heardAt !== undefined) times.push(node.heardAt + HEARD_WITHIN + 1);
  if (stored?.inventory !== undefined)
    for (const { spec } of baselines) times.push(Date.parse(stored.inventory.time) + staleAfter(spec) + 1);
  return earliestAfter(times, now);
}

/** The same for a workload: only exceptions end. */
export function workloadHoldsUntil(exceptions: readonly ExceptionInForce[], now: Instant): Instant {
  return earliestAfter(
    exceptions.map(({ spec }) => Date.parse(spec.expirationTime)),
    now,
  );
}

function staleAfter(spec: PatchBaselineSpec): number {
  return parseDuration(spec.node?.inventory?.staleAfter ?? DEFAULT_STALE) ?? parseDuration(DEFAULT_STALE) ?? 0;
}

function earliestAfter(times: readonly number[], now: Instant): Instant {
  let earliest = Number.POSITIVE_INFINITY;
  for (const time of times) if (time > now && time < earliest) earliest = time;
  return earliest;
}
