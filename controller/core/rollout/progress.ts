// How far a ring is with a level: counts, completion and soak. Soak is a sum of observed healthy time, so restarts and clock
// jumps only lengthen it; only a verified target's regression resets it (R1, R2).
import { parseDuration } from "../duration.ts";
import type { RingLevelStatus } from "../../api/rollout-ring.ts";
import type { Instant } from "../../clock.ts";
import type { Claim, NodeAsset, RingInForce, StoredStates } from "../model.ts";
import type { Approval } from "./entries.ts";
import type { Target } from "./targets.ts";

export interface LevelProgress {
  readonly status: RingLevelStatus;
  /** Exact observed soak; `status.soakedSeconds` is this, rounded down. */
  readonly soakedMs: number;
  readonly complete: boolean;
  readonly soaked: boolean;
  readonly failures: number;
  /** Targets of this ring and baseline that are in scope. */
  readonly scope: readonly Target[];
  /** Names that are not done, for the next proposal. */
  readonly notDone: readonly Target[];
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
  /** Targets of the ring under this baseline. */
  readonly targets: readonly Target[];
  /** Claims of this ring at this digest. */
  readonly claims: readonly Claim[];
  readonly stored: StoredStates;
  readonly gatesHold: boolean;
  /** Whether targets may start, but for windows and budgets. */
  readonly offered: boolean;
}

/** Whether a target runs its approved level. Above a floor counts; drift above an exact level does not. */
export function isDone(target: Target): boolean {
  const { state, offTarget, approved } = target.assessment;
  return approved && !offTarget && (state === "Installed" || state === "InstalledOther");
}

/** In scope: what is neither exempt nor without any component of the level. */
export function isInScope(target: Target): boolean {
  return target.assessment.state !== "Exempt" && target.assessment.state !== "NotApplicable";
}

/** Looks at one ring's level and moves its status forward. */
export function advanceLevel(input: ProgressInput): LevelProgress {
  const { ring, previous, claims } = input;
  const scope = input.targets.filter(isInScope);
  const claimed = new Set(claims.map((claim) => claim.uid));
  const done = scope.filter((target) => isDone(target) && !claimed.has(target.asset.uid));
  const failures = countFailures(input);
  const maxFailures = ring.spec.budget?.maxFailures ?? 0;
  const complete =
    scope.length > 0
      ? claims.length === 0 &&
        failures <= maxFailures &&
        done.length * 100 >= scope.length * (ring.spec.completion?.minPercent ?? 100)
      : ring.spec.completion?.onEmpty === "Pass";
  const regressed = scope.some((target) => target.assessment.reason === "Regressed");
  const healthy =
    complete && input.gatesHold && done.every(({ node }) => node === undefined || isStanding(node)) && previous?.withdrawnTime === undefined;
  const wanted = parseDuration(ring.spec.soak ?? "24h") ?? Number.POSITIVE_INFINITY;
  const before = regressed ? 0 : (input.soakedMs ?? (previous?.soakedSeconds ?? 0) * 1000);
  const soakedMs = healthy && before < wanted ? Math.min(wanted, before + input.observedMs) : before;
  const soaked = !regressed && soakedMs >= wanted && (complete || previous?.soakedTime !== undefined);
  const status = summarise(input, { scope, done, failures, complete, soaked, soakedMs });
  return {
    status,
    soakedMs,
    complete,
    soaked,
    failures,
    scope,
    notDone: scope.filter((target) => !isDone(target) || claimed.has(target.asset.uid)),
  };
}

function isStanding(node: NodeAsset): boolean {
  return node.ready;
}

/** Failed targets that hold a claim, and those whose failure outlives it; each UID once. */
function countFailures({ claims, previous, stored }: ProgressInput): number {
  const failed = new Set(previous?.lost);
  for (const claim of claims) {
    const operation = (stored.nodes.get(claim.uid) ?? stored.workloads.get(claim.uid))?.operation;
    if (operation?.claimId === claim.id && operation.failure !== undefined) failed.add(claim.uid);
  }
  return failed.size;
}

interface Facts {
  readonly scope: readonly Target[];
  readonly done: readonly Target[];
  readonly failures: number;
  readonly complete: boolean;
  readonly soaked: boolean;
  readonly soakedMs: number;
}

function summarise({ now, approval, previous, claims, offered }: ProgressInput, facts: Facts): RingLevelStatus {
  const time = new Date(now).toISOString();
  const started = previous?.startedTime ?? (claims.length > 0 ? time : undefined);
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
    ...(previous?.withdrawnTime === undefined ? {} : { withdrawnTime: previous.withdrawnTime }),
    ...(previous?.lost === undefined ? {} : { lost: previous.lost }),
    failed: facts.failures,
    targets: facts.scope.length,
    done: facts.done.length,
    inFlight: claims.length,
    phase: phaseOf(facts, claims.length, offered),
  };
}

function phaseOf(facts: Facts, inFlight: number, offered: boolean): NonNullable<RingLevelStatus["phase"]> {
  if (facts.soaked) return "Done";
  if (facts.complete) return "Soaking";
  if (inFlight > 0) return "InProgress";
  if (!offered) return "NotOffered";
  return facts.done.length > 0 ? "InProgress" : "Offered";
}
