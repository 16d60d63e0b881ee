// The contract of `-o json` and `-o yaml` of `ringward status` and `ringward rollout`. Pure.
import { shortName } from "../../core/asset-name.ts";
import type { Opening } from "../../core/rollout/opening.ts";
import type { Instant } from "../../clock.ts";
import { showTime } from "../output.ts";
import { blockData, estimateData, summarise } from "../plan.ts";
import type { Situation } from "../situation.ts";
import { type Group, groupRows } from "./groups.ts";
import type { Lane } from "./lanes.ts";

/** Everything that `status` knows. */
export function fleetData(situation: Situation, lanes: readonly Lane[]): object {
  const { plan, warnings } = situation;
  return {
    at: showTime(plan.at),
    ledger: ledgerData(situation),
    rings: lanes.map(laneData),
    unassigned: plan.rows.filter((row) => row.ring === undefined).length,
    summary: summarise(plan.rows),
    warnings,
  };
}

/** One ring, with its levels and what every target under way does. */
export function rolloutData(situation: Situation, lane: Lane): object {
  return {
    at: showTime(situation.plan.at),
    ledger: ledgerData(situation),
    ring: {
      ...laneData(lane),
      levels: lane.levels.map(({ startedAt, soakedMs, ...level }) => ({
        ...level,
        startedAt: time(startedAt),
        soakedSeconds: Math.floor(soakedMs / 1000),
      })),
      operations: lane.inFlight.map(({ row, step, since, failure }) => ({
        asset: shortName(row.asset),
        baseline: row.baseline,
        level: row.level ?? null,
        step,
        since: time(since),
        failure: failure ?? null,
      })),
    },
    warnings: situation.warnings,
  };
}

function ledgerData({ input: { ledger } }: Situation): object {
  const nodes = ledger.claims.filter(({ kind }) => kind === "Node").length;
  return {
    mode: ledger.spec.mode ?? "Observe",
    nodes,
    workloads: ledger.claims.length - nodes,
    rebuilding: ledger.rebuilding,
  };
}

function laneData(lane: Lane): object {
  return {
    name: lane.ring,
    after: lane.after,
    phase: lane.phase,
    members: lane.members,
    assets: lane.assets,
    done: lane.done,
    inFlight: lane.inFlight.length,
    failed: lane.inFlight.filter(({ failure }) => failure !== undefined).map(({ row }) => shortName(row.asset)),
    blocked: lane.blocked.length,
    next: lane.next.map((row) => shortName(row.asset)),
    waiting: lane.waiting.length,
    soakSeconds: Math.ceil(lane.soakWanted / 1000),
    soakLeftSeconds: lane.soakLeft === undefined ? null : Math.ceil(lane.soakLeft / 1000),
    budget: lane.budget,
    window: openingData(lane.opening),
    laterLevels: lane.later.map(({ baseline, level, reason, message }) => ({ baseline, level, reason, message })),
    blockedBy: lane.blockedBy.map(blockData),
    problems: groupRows([...lane.blocked, ...lane.waiting]).map(groupData),
    estimates: lane.estimates.map(estimateData),
  };
}

function openingData(opening: Opening): object {
  switch (opening.kind) {
    case "Always":
      return { state: "Always" };
    case "Open":
      return { state: "Open", lastStartAt: time(opening.until), closesAt: time(opening.closesAt) };
    case "Shut":
      return { state: "Shut", opensAt: time(opening.opensAt) };
    case "Frozen":
      return {
        state: "Frozen",
        freeze: opening.freeze,
        reason: opening.reason,
        until: time(opening.until),
        opensAt: time(opening.opensAt),
      };
    case "Unknown":
      return { state: "Unknown", ...blockData(opening.block) };
  }
}

function groupData({ state, reason, message, since, rows }: Group): object {
  return { state, reason, message, since: time(since), assets: rows.map((row) => shortName(row.asset)) };
}

function time(at: Instant | undefined): string | null {
  return at === undefined ? null : showTime(at);
}
