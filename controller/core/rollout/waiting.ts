// Whether it is worth waiting for a rollout: it is done, it may still come about by itself or by a step that belongs to every rollout (a
// window, a soak, an approval that is open), or it needs a person. Pure; it only retells what the plan says, and decides nothing.
import { describeReason, type Reason } from "../../api/reasons.ts";
import { isCompliant } from "../compliance/states.ts";
import type { AssetRef, AssetRow, LedgerView } from "../model.ts";
import type { Plan } from "./plan.ts";
import type { RingOutcome } from "./summary.ts";

/** What does not come about without a person. `asset` undefined: of the whole ring; `ring` undefined: of the cluster. */
export interface Standstill {
  readonly ring: string | undefined;
  readonly asset: AssetRef | undefined;
  readonly reason: Reason;
  readonly message: string;
}

export type Verdict =
  | { readonly kind: "Done" }
  /** Something goes on, or may go on by itself. `behind`: rings of which nothing is concluded yet. */
  | { readonly kind: "Open"; readonly behind?: readonly string[] }
  /** A person has to act before it can be done. Never empty. */
  | { readonly kind: "Stuck"; readonly because: readonly Standstill[] };

/** What a verdict is made from. */
export interface Standing {
  readonly plan: Pick<Plan, "rows" | "rings">;
  readonly ledger: Pick<LedgerView, "spec">;
  /**
   * Rings that stand here as they were before the policy repository's last commit: the controller has not come to them under it yet. Of
   * these nothing is concluded: who merges and waits would be told of the rollout before.
   */
  readonly behind?: ReadonlySet<string>;
}

/**
 * These hold the ring as a whole, and end only when a person changes policy, the cluster's mode or the ring: nothing else that goes on
 * meanwhile makes the wait worth it.
 */
const ENDS_AT_ONCE: ReadonlySet<Reason> = new Set([
  "RingHalted",
  "RingSuspended",
  "HistoryRewritten",
  "SignatureInvalid",
  "RepositorySuspended",
  "PolicyInvalid",
  "ReferenceMissing",
  "LevelWithdrawn",
]);

/**
 * A person is told of these, and yet they may pass: approvals that are asked for, a level that a baseline has not come to yet, and what
 * the cluster itself may mend or is tried again.
 */
const MAY_PASS: ReadonlySet<Reason> = new Set([
  "WaitingForApproval",
  "ScopeGrew",
  "LevelMissing",
  "GateUnknown",
  "PDBBlocked",
  "PodBlocksDrain",
  "PodStuckTerminating",
  "DrainTimedOut",
  "NodeNotReady",
  "VersionNotAvailable",
  "JobRefused",
  "InventoryStale",
  "RepositoryStale",
]);

/** How one ring stands: done when every asset of it is. Undefined: there is no such ring. */
export function judgeRing(name: string, standing: Standing): Verdict | undefined {
  return createJudge(standing).ofRing(name);
}

/** How all rings stand: done when every asset of the cluster is compliant and none is in flight, as the exit code of `status` says it. */
export function judgeFleet(standing: Standing): Verdict {
  const { plan, behind = NONE } = standing;
  if (behind.size > 0) return { kind: "Open", behind: [...behind] };
  const judge = createJudge(standing);
  const halted = plan.rings.flatMap((outcome) => haltOf(outcome));
  const open = plan.rows.filter((row) => !isCompliant(row.state) || row.phase === "InProgress");
  return judge.ofRows(open, halted);
}

/** An asset that a ring's rollout has come to, as its lane counts it. */
function isThere({ phase }: AssetRow): boolean {
  return phase === "Done" || phase === "Soaking";
}

interface Judge {
  readonly ofRing: (name: string) => Verdict | undefined;
  readonly ofRows: (open: readonly AssetRow[], halted: readonly Standstill[]) => Verdict;
}

const NONE: ReadonlySet<string> = new Set();

function createJudge({ plan, ledger, behind = NONE }: Standing): Judge {
  const rowsOf = Map.groupBy(plan.rows, (row) => row.ring);
  const known = new Map<string, Verdict>();
  const outcomeOf = (name: string): RingOutcome | undefined => plan.rings.find(({ ring }) => ring.name === name);

  function ofRing(name: string): Verdict | undefined {
    const outcome = outcomeOf(name);
    if (outcome === undefined) return undefined;
    if (behind.has(name)) return { kind: "Open", behind: [name] };
    const before = known.get(name);
    if (before !== undefined) return before;
    // Rings that come after each other in a circle wait for each other, and an answer about one may not wait for itself.
    known.set(name, { kind: "Open" });
    const rows = rowsOf.get(name) ?? [];
    const open = rows.filter((row) => !isThere(row));
    const verdict = ofRows(open, [...haltOf(outcome), ...(rows.length === 0 ? emptinessOf(outcome) : [])]);
    known.set(name, verdict);
    return verdict;
  }

  function ofRows(open: readonly AssetRow[], whole: readonly Standstill[]): Verdict {
    const atOnce = [...whole, ...modeOf(open, ledger), ...open.flatMap((row) => holdsOf(row, outcomeOf))];
    if (atOnce.length > 0) return stuck(atOnce);
    if (open.length === 0) return { kind: "Done" };
    const each = open.map((row) => needsOf(row));
    return each.every((needs) => needs.length > 0) ? stuck(each.flat()) : { kind: "Open" };
  }

  /** Why a target does not come about without a person; none: it may. */
  function needsOf(row: AssetRow): readonly Standstill[] {
    if (row.phase === "InProgress") return [];
    const { ring, asset } = row;
    const own = row.blockedBy
      .filter(({ reason }) => needsPerson(reason))
      .slice(0, 1)
      .map(({ reason, message }) => ({ ring, asset, reason, message }));
    return own.length > 0 ? own : predecessorsOf(row);
  }

  /** What keeps the rings before this one from ever soaking the level. */
  function predecessorsOf({ ring, baseline, blockedBy }: AssetRow): readonly Standstill[] {
    if (ring === undefined || !blockedBy.some(({ reason }) => reason === "PredecessorNotSoaked")) return [];
    return (outcomeOf(ring)?.ring.spec.after ?? []).flatMap((name) => {
      const outcome = outcomeOf(name);
      // What is complete soaks, whatever became of the few that it does without.
      if (outcome === undefined || (outcome.halted === undefined && outcome.progress.get(baseline)?.complete === true))
        return [];
      const before = ofRing(name);
      return before?.kind === "Stuck" ? before.because : [];
    });
  }

  return { ofRing, ofRows };
}

/** `Unassigned` and the like need nobody, but whoever waits for such an asset waits for ever. */
function needsPerson(reason: Reason): boolean {
  if (reason === "Unassigned") return true;
  return describeReason(reason).care === "person" && !MAY_PASS.has(reason);
}

function haltOf({ ring, halted }: RingOutcome): readonly Standstill[] {
  return halted === undefined ? [] : [{ ring: ring.name, asset: undefined, ...halted }];
}

/** A ring without any asset: nothing was patched, so that is no success unless the ring says so. */
function emptinessOf({ ring }: RingOutcome): readonly Standstill[] {
  if (ring.spec.completion?.onEmpty === "Pass") return [];
  const message = `ring ${ring.name} has no asset under a baseline`;
  return [{ ring: ring.name, asset: undefined, reason: "RingEmpty", message }];
}

function modeOf(open: readonly AssetRow[], { spec: { mode = "Observe" } }: Standing["ledger"]): readonly Standstill[] {
  if (mode === "Enforce" || open.length === 0) return [];
  const reason = mode === "Stop" ? "Stopped" : "Observing";
  return [{ ring: undefined, asset: undefined, reason, message: `the ledger's mode is ${mode}: nothing is touched` }];
}

/** What holds a row's whole ring, or its ring's entry of the baseline; of a target in flight only its own steps count. */
function holdsOf(
  { ring, baseline, phase, blockedBy }: AssetRow,
  outcomeOf: (ring: string) => RingOutcome | undefined,
): readonly Standstill[] {
  if (phase === "InProgress") return [];
  const entry = ring === undefined ? undefined : outcomeOf(ring)?.entries.problems.get(baseline);
  return [...(entry === undefined ? [] : [entry]), ...blockedBy.filter(({ reason }) => ENDS_AT_ONCE.has(reason))].map(
    ({ reason, message }) => ({ ring, asset: undefined, reason, message }),
  );
}

/** Each once. */
function stuck(because: readonly Standstill[]): Verdict {
  const key = ({ ring, asset, reason, message }: Standstill): string =>
    JSON.stringify([ring, asset?.uid, reason, asset === undefined ? message : ""]);
  return { kind: "Stuck", because: [...new Map(because.map((one) => [key(one), one])).values()] };
}
