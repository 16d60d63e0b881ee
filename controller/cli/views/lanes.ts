// Rings as lanes: the data of `ringward status` and `ringward rollout`, whatever it is printed as. Pure; all of it comes from the plan.
import type { Instant } from "../../clock.ts";
import { shortName } from "../../core/asset-name.ts";
import { parseDuration } from "../../core/duration.ts";
import type { Estimate } from "../../core/estimate/estimate.ts";
import type { AssetRow, Block } from "../../core/model.ts";
import { findLaterLevels, type LaterLevel } from "../../core/promotion/index.ts";
import { type BudgetUse, budgetUse } from "../../core/rollout/budget-use.ts";
import { compileCalendars } from "../../core/rollout/calendars.ts";
import { countFinished } from "../../core/rollout/history.ts";
import { type Opening, openingOf } from "../../core/rollout/opening.ts";
import type { RingOutcome } from "../../core/rollout/summary.ts";
import type { Situation } from "../situation.ts";

/** One ring, with its assets by what they do. */
export interface Lane {
  readonly ring: string;
  readonly after: readonly string[];
  /** Rings that come after this one. */
  readonly before: readonly string[];
  readonly phase: string;
  readonly members: { readonly nodes: number; readonly workloads: number };
  readonly assets: number;
  readonly done: number;
  readonly inFlight: readonly Flight[];
  readonly blocked: readonly AssetRow[];
  /** What is claimed next. */
  readonly next: readonly AssetRow[];
  readonly waiting: readonly AssetRow[];
  /** ms; undefined while no level soaks. */
  readonly soakLeft: number | undefined;
  /** ms that the ring asks for. */
  readonly soakWanted: number;
  readonly blockedBy: readonly Block[];
  readonly estimates: readonly Estimate[];
  readonly budget: BudgetUse;
  readonly opening: Opening;
  readonly levels: readonly LevelLane[];
  /** Newer levels than these: a lane that is done with what it is approved for may have one that waits for approval. */
  readonly later: readonly LaterLevel[];
}

/** How far a ring is with one level that it is approved to run. */
export interface LevelLane {
  readonly baseline: string;
  readonly level: string;
  readonly phase: string;
  readonly done: number;
  readonly targets: number;
  readonly inFlight: number;
  readonly failed: number;
  readonly soakedMs: number;
  readonly complete: boolean;
  readonly soaked: boolean;
  readonly startedAt: Instant | undefined;
  /** Targets that came to the level within the last hour, as their histories say. */
  readonly lastHour: number;
}

/** A target with an operation under way. */
export interface Flight {
  readonly row: AssetRow;
  readonly step: string;
  readonly since: Instant | undefined;
  readonly failure: string | undefined;
}

const NO_USE: BudgetUse = { nodes: { used: 0, limit: 0 }, workloads: { used: 0, limit: 0 } };
const HOUR = 3_600_000;

function flightOf(row: AssetRow, { stored }: Situation["input"]): Flight {
  const operation = (stored.nodes.get(row.asset.uid) ?? stored.workloads.get(row.asset.uid))?.operation;
  const failure = operation?.failure;
  return {
    row,
    step: operation?.step ?? "Claimed",
    since: operation === undefined ? undefined : Date.parse(failure?.time ?? operation.stepTime),
    failure: failure === undefined ? undefined : `${failure.reason}: ${failure.message}`,
  };
}

/** A lane for each ring in ring order. */
export function drawLanes({ plan, input, estimates }: Situation): readonly Lane[] {
  const later = Map.groupBy(findLaterLevels(plan, input), ({ ring }) => ring);
  const next = new Set(
    plan.decisions.filter(({ action }) => action === "claim").map(({ target }) => shortName(target)),
  );
  const calendars = compileCalendars(input.policy);
  const budgets = budgetUse(plan.capacity, input.ledger.claims);
  const rowsOf = Map.groupBy(plan.rows, (row) => row.ring);
  return plan.rings.map((outcome) => {
    const { name, spec } = outcome.ring;
    const rows = rowsOf.get(name) ?? [];
    return {
      ring: name,
      after: spec.after ?? [],
      before: plan.rings.flatMap(({ ring }) => (ring.spec.after?.includes(name) === true ? [ring.name] : [])),
      phase: outcome.phase,
      members: outcome.members,
      ...sortRows(rows, next),
      inFlight: rows.filter((row) => row.phase === "InProgress").map((row) => flightOf(row, input)),
      soakLeft: soakLeftOf(outcome),
      soakWanted: soakWantedOf(outcome),
      blockedBy: outcome.blockedBy,
      estimates: estimates.filter(({ ring }) => ring === name),
      budget: budgets.get(name) ?? NO_USE,
      opening: openingOf(outcome.ring, calendars, plan.at),
      levels: levelsOf(outcome, rows, input),
      later: later.get(name) ?? [],
    };
  });
}

function levelsOf(
  { progress }: RingOutcome,
  rows: readonly AssetRow[],
  input: Situation["input"],
): readonly LevelLane[] {
  return [...progress]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([baseline, { status, soakedMs, complete, soaked, failures, scope, notDone }]) => {
      const uids = new Set(rows.filter((row) => row.baseline === baseline).map(({ asset }) => asset.uid));
      return {
        baseline,
        level: status.level,
        phase: status.phase ?? "NotOffered",
        done: scope - notDone,
        targets: scope,
        inFlight: status.inFlight ?? 0,
        failed: failures,
        soakedMs,
        complete,
        soaked,
        startedAt: status.startedTime === undefined ? undefined : Date.parse(status.startedTime),
        lastHour: countFinished(input.stored, uids, status.level, { from: input.now - HOUR, until: input.now }),
      };
    });
}

function sortRows(rows: readonly AssetRow[], next: ReadonlySet<string>) {
  const isDone = (row: AssetRow): boolean => row.phase === "Done" || row.phase === "Soaking";
  const isNext = (row: AssetRow): boolean => row.phase === "Offered" && next.has(shortName(row.asset));
  return {
    assets: rows.length,
    done: rows.filter(isDone).length,
    blocked: rows.filter((row) => row.phase === "Blocked"),
    next: rows.filter(isNext),
    waiting: rows.filter(
      (row) => !isDone(row) && !isNext(row) && row.phase !== "InProgress" && row.phase !== "Blocked",
    ),
  };
}

function soakWantedOf({ ring }: RingOutcome): number {
  return parseDuration(ring.spec.soak ?? "24h") ?? 0;
}

/** The longest that a complete level of the ring still has to be observed. */
function soakLeftOf(outcome: RingOutcome): number | undefined {
  const wanted = soakWantedOf(outcome);
  const left = [...outcome.progress.values()]
    .filter(({ complete, soaked }) => complete && !soaked)
    .map(({ soakedMs }) => Math.max(0, wanted - soakedMs));
  return left.length === 0 ? undefined : Math.max(...left);
}
