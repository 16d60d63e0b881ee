// Rings as lanes, and what stands still in groups: the data of `ringward status`, whatever it is printed as.
import { describeReason } from "../api/reasons.ts";
import type { Instant } from "../clock.ts";
import { shortName } from "../core/asset-name.ts";
import { parseDuration } from "../core/duration.ts";
import type { AssetRow, Block } from "../core/model.ts";
import type { Estimate } from "../core/estimate/estimate.ts";
import type { RingOutcome } from "../core/rollout/plan.ts";
import type { Situation } from "./situation.ts";

/** One ring, with its assets by what they do. */
export interface Lane {
  readonly ring: string;
  readonly after: readonly string[];
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
  readonly blockedBy: readonly Block[];
  readonly estimates: readonly Estimate[];
}

/** A target with an operation under way. */
export interface Flight {
  readonly row: AssetRow;
  readonly step: string;
  readonly since: Instant | undefined;
  readonly failure: string | undefined;
}

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

/** A lane for each ring in ring order, and what is in none. */
export function drawLanes({ plan, input, estimates }: Situation): readonly Lane[] {
  const next = new Set(
    plan.decisions.filter(({ action }) => action === "claim").map(({ target }) => shortName(target)),
  );
  return plan.rings.map((outcome) => {
    const { name, spec } = outcome.ring;
    const rows = plan.rows.filter((row) => row.ring === name);
    return {
      ring: name,
      after: spec.after ?? [],
      phase: outcome.phase,
      members: outcome.members,
      ...sortRows(rows, next),
      inFlight: rows.filter((row) => row.phase === "InProgress").map((row) => flightOf(row, input)),
      soakLeft: soakLeftOf(outcome),
      blockedBy: outcome.blockedBy,
      estimates: estimates.filter(({ ring }) => ring === name),
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

/** The longest that a complete level of the ring still has to be observed. */
function soakLeftOf({ ring, progress }: RingOutcome): number | undefined {
  const wanted = parseDuration(ring.spec.soak ?? "24h") ?? 0;
  const left = [...progress.values()]
    .filter(({ complete, soaked }) => complete && !soaked)
    .map(({ soakedMs }) => Math.max(0, wanted - soakedMs));
  return left.length === 0 ? undefined : Math.max(...left);
}

/** Assets that stand still for one reason. */
export interface Group {
  readonly reason: string;
  readonly message: string;
  readonly since: Instant | undefined;
  readonly person: boolean;
  readonly rows: readonly AssetRow[];
}

/** Rows that stand still for the same reason in the same words. Those that need a person come first. */
export function groupRows(rows: readonly AssetRow[]): readonly Group[] {
  const groups = Map.groupBy(rows, (row) =>
    JSON.stringify([row.blockedBy[0]?.reason ?? standing(row), row.blockedBy[0]?.message ?? ""]),
  );
  return [...groups.values()]
    .map((list): Group => {
      const block = list[0]?.blockedBy[0];
      const times = list.flatMap((row) => row.blockedBy[0]?.since ?? []);
      return {
        reason: block?.reason ?? (list[0] === undefined ? "" : standing(list[0])),
        message: block?.message ?? "",
        since: times.length === 0 ? undefined : Math.min(...times),
        person: block !== undefined && describeReason(block.reason).care === "person",
        rows: list,
      };
    })
    .sort(
      (a, b) =>
        Number(b.person) - Number(a.person) ||
        b.rows.length - a.rows.length ||
        (a.reason + a.message < b.reason + b.message ? -1 : 1),
    );
}

/** What is said of a row that nothing blocks. */
function standing({ state, reason }: AssetRow): string {
  return reason === undefined ? state : `${state} (${reason})`;
}
