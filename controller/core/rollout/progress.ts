// How far a ring is with a level: counts, completion and soak. Soak is a sum of observed healthy time, so restarts and clock
// jumps only lengthen it; only a verified target's regression resets it (R1, R2).
import type { State } from "../../api/patch-state.ts";
import type { RingLevelStatus } from "../../api/rollout-ring.ts";
import type { Instant } from "../../clock.ts";
import { parseDuration } from "../duration.ts";
import type { Claim, RingInForce, StoredStates } from "../model.ts";
import { failureOf } from "./claim-failure.ts";
import type { Approval } from "./entries.ts";
import type { TargetRecord, TargetState } from "./target-record.ts";
import type { Target } from "./targets.ts";

export interface LevelProgress {
  readonly status: RingLevelStatus;
  /** Exact observed soak; `status.soakedSeconds` is this, rounded down. */
  readonly soakedMs: number;
  readonly complete: boolean;
  readonly soaked: boolean;
  readonly failures: number;
  /** How many targets of this ring and baseline are in scope. */
  readonly scope: number;
  /** And of these, how many are not done. */
  readonly notDone: number;
}

export interface ProgressInput {
  readonly now: Instant;
  readonly ring: RingInForce;
  readonly approval: Approval;
  readonly previous: RingLevelStatus | undefined;
  /** Exact soak so far, if this process knows more than what is stored. */
  readonly soakedMs: number | undefined;
  /** Healthy time that was observed since the last look, ms. */
  readonly observedMs: number;
  /** Of the ring's targets under this baseline. */
  readonly tally: Tally;
  /** Claims of this ring under this baseline, at this level or at one before. */
  readonly claims: readonly Claim[];
  readonly stored: StoredStates;
  readonly gatesHold: boolean;
  /** Whether targets may start, but for windows and budgets. */
  readonly offered: boolean;
}

/** Whether a target runs its approved level. Above a floor counts; drift above an exact level and a conflict do not. */
export function isDone(target: Target): boolean {
  const { state, offTarget, approved } = target.assessment;
  return (
    approved && !offTarget && target.conflict === undefined && (state === "Installed" || state === "InstalledOther")
  );
}

/** In scope: what is neither exempt nor without any component of the level. */
export function isInScope(target: Target): boolean {
  return target.assessment.state !== "Exempt" && target.assessment.state !== "NotApplicable";
}

/** Whether something is to be done about a target, if it were allowed. */
export function needsWork(target: Target): boolean {
  const { state, offTarget, approved } = target.assessment;
  if (!approved) return false;
  if (offTarget || state === "Missing" || state === "Unknown") return true;
  // A node waits for a reboot that we may give it; a workload's pods follow their own rollout.
  if (state === "InstalledPendingReboot")
    return target.node !== undefined && target.level?.spec.node?.rebootPolicy !== "Never";
  return false;
}

/** What a ring's targets under one baseline come to, by themselves. */
export interface Tally {
  /** So many are in scope, */
  readonly scope: number;
  /** and so many of them done. */
  readonly done: number;
  /** No node that is done is down. */
  readonly up: boolean;
  readonly regressed: boolean;
}

/** Counts targets; `claimed` are UIDs under a claim of this ring and baseline: a target is not done before its claim is freed. */
export function tallyTargets(records: readonly TargetRecord[], claimed: ReadonlySet<string>): Tally {
  let [scope, done] = [0, 0];
  let up = true;
  let regressed = false;
  for (const { target, state } of records) {
    if (!isInScope(target)) continue;
    scope += 1;
    if (isDone(target) && !claimed.has(target.asset.uid)) {
      done += 1;
      if (target.node?.ready === false) up = false;
    }
    regressed ||= hasRegressed(target, state);
  }
  return { scope, done, up, regressed };
}

/** What parts come to together. */
export function sumTallies(tallies: readonly Tally[]): Tally {
  return {
    scope: tallies.reduce((sum, one) => sum + one.scope, 0),
    done: tallies.reduce((sum, one) => sum + one.done, 0),
    up: tallies.every((one) => one.up),
    regressed: tallies.some((one) => one.regressed),
  };
}

/** Looks at one ring's level and moves its status forward. */
export function advanceLevel(input: ProgressInput): LevelProgress {
  const { ring, previous, claims, stored } = input;
  const { scope, done, up, regressed } = input.tally;
  const failures = countFailures(input);
  const inFlight = claims.filter((claim) => !hasFailed(claim, stored)).length;
  const complete = isComplete(ring, { scope, done, inFlight, failures });
  const empty = scope === 0 && ring.spec.completion?.onEmpty !== "Pass";
  const offered = input.offered || previous?.offeredTime !== undefined;
  // Time counts only between two looks that both found the level complete, and only where it may be run at all. What passes while a verified
  // target has fallen back counts for nobody, also where enough others are there.
  const healthy = !regressed && complete && offered && previous?.completedTime !== undefined && input.gatesHold && up;
  const wanted = parseDuration(ring.spec.soak ?? "24h") ?? Number.POSITIVE_INFINITY;
  const before = regressed ? 0 : soakBefore(input);
  const soakedMs = healthy && before < wanted ? Math.min(wanted, before + observedSince(input)) : before;
  const soaked = !regressed && offered && soakedMs >= wanted && (complete || previous?.soakedTime !== undefined);
  const facts: Facts = {
    scope,
    empty,
    done,
    inFlight,
    failures,
    complete,
    offered,
    soaked,
    soakedMs,
  };
  return {
    status: summarise(input, facts),
    soakedMs,
    complete,
    soaked,
    failures,
    scope,
    notDone: scope - done,
  };
}

interface Counts {
  readonly scope: number;
  readonly done: number;
  readonly inFlight: number;
  readonly failures: number;
}

/** At least minPercent verified, none in flight, no more failures than are allowed; an empty ring only where it says so (R5). */
function isComplete({ spec }: RingInForce, { scope, done, inFlight, failures }: Counts): boolean {
  if (inFlight > 0 || failures > (spec.budget?.maxFailures ?? 0)) return false;
  if (scope === 0) return spec.completion?.onEmpty === "Pass";
  return done * 100 >= scope * (spec.completion?.minPercent ?? 100);
}

/** What a process remembers beyond what is stored; more than it can have seen since the last write is from before a reset. */
const SOAK_UNWRITTEN_MS = 2 * 60_000;

function soakBefore({ soakedMs, previous }: ProgressInput): number {
  const stored = (previous?.soakedSeconds ?? 0) * 1000;
  return soakedMs !== undefined && soakedMs >= stored && soakedMs - stored <= SOAK_UNWRITTEN_MS ? soakedMs : stored;
}

/**
 * Of the time since this process's last look, what counts. Another leader may have found the level complete after that look, and may have
 * counted the same time already: then what it stored is taken over, and nothing is added to it (L1).
 */
function observedSince({ now, observedMs, soakedMs, previous }: ProgressInput): number {
  if (soakedMs !== undefined && soakedMs < (previous?.soakedSeconds ?? 0) * 1000) return 0;
  const complete = now - Date.parse(previous?.completedTime ?? "");
  // Complete since a time to come: the clock was put back, and only the looks themselves tell how long it was.
  return complete >= 0 ? Math.min(observedMs, complete) : observedMs;
}

const LOST_STATES: ReadonlySet<State> = new Set(["Missing", "Failed"]);

/**
 * A target that was verified at this very level and runs something older now. A kernel or image that is installed but was booted
 * away from is as lost as one that was removed; a reboot that the system asks for is not.
 */
function hasRegressed({ assessment, asset, node, baseline }: Target, state: TargetState | undefined): boolean {
  if (!assessment.approved) return false;
  if (assessment.reason === "Regressed") return true;
  if (state === undefined || (state.targetUID !== undefined && state.targetUID !== asset.uid)) return false;
  if (!(state.verified ?? []).some((one) => one.baseline === baseline.name && one.digest === assessment.digest))
    return false;
  return assessment.components.some(
    (component) =>
      LOST_STATES.has(component.state) ||
      // A workload's pods that are started anew elsewhere, as every drain makes them be, have lost nothing.
      (node !== undefined && component.state === "InstalledPendingReboot" && component.name !== "reboot"),
  );
}

function hasFailed(claim: Claim, stored: StoredStates): boolean {
  return failureOf(claim, stored) !== undefined;
}

/** Failed targets that hold a claim at this level, and those whose failure outlives it; each UID once. */
function countFailures({ claims, approval, previous, stored }: ProgressInput): number {
  const failed = new Set(previous?.lost);
  for (const claim of claims)
    if (claim.digest === approval.level.digest && hasFailed(claim, stored)) failed.add(claim.uid);
  return failed.size;
}

interface Facts extends Counts {
  readonly complete: boolean;
  /** Nothing is in scope, and the ring does not say that this may pass. */
  readonly empty: boolean;
  /** Now or before. */
  readonly offered: boolean;
  readonly soaked: boolean;
  readonly soakedMs: number;
}

function summarise({ now, approval, previous, claims, offered }: ProgressInput, facts: Facts): RingLevelStatus {
  const time = new Date(now).toISOString();
  const started =
    previous?.startedTime ?? (claims.some((claim) => claim.digest === approval.level.digest) ? time : undefined);
  const offeredTime = previous?.offeredTime ?? (offered ? time : undefined);
  return {
    baseline: approval.baseline,
    level: approval.level.name,
    digest: approval.level.digest,
    ...(offeredTime === undefined ? {} : { offeredTime }),
    ...(started === undefined ? {} : { startedTime: started }),
    ...(facts.complete ? { completedTime: previous?.completedTime ?? time } : {}),
    soakedSeconds: Math.floor(facts.soakedMs / 1000),
    ...(facts.soaked ? { soakedTime: previous?.soakedTime ?? time } : {}),
    ...(previous?.lost === undefined ? {} : { lost: previous.lost }),
    failed: facts.failures,
    targets: facts.scope,
    done: facts.done,
    inFlight: facts.inFlight,
    phase: phaseOf(facts, offered),
  };
}

function phaseOf(facts: Facts, offered: boolean): NonNullable<RingLevelStatus["phase"]> {
  if (facts.soaked && facts.complete) return "Done";
  if (facts.empty && facts.inFlight === 0) return "Blocked";
  if (facts.inFlight > 0) return "InProgress";
  if (facts.complete && facts.offered) return "Soaking";
  if (!offered) return "NotOffered";
  return facts.done > 0 ? "InProgress" : "Offered";
}
