// Why a target does not move, each reason with a name and a time, and the phase that comes of it. Whatever is not as it should be and
// does not move says why; what is under a claim speaks for its operation (V2).
import { REASONS } from "../../api/reasons.ts";
import { isCompliant } from "../compliance/states.ts";
import type { Block, Claim, Phase } from "../model.ts";
import type { Context } from "./prepare.ts";
import { failureOf } from "./claim-failure.ts";
import { isDone, needsWork } from "./progress.ts";
import type { Saying, TargetRecord } from "./target-record.ts";
import { findBrakes } from "./ring-checks.ts";
import type { RingView } from "./ring-view.ts";
import { describeUnknown } from "./target-checks.ts";
import type { Target } from "./targets.ts";

type Views = ReadonlyMap<string, RingView>;

/** The same reason as before keeps its time. */
export function sinceOf({ reason }: Block, { state }: TargetRecord): number | undefined {
  const before = state?.blockedBy?.find((other) => other.reason === reason)?.since;
  return before === undefined ? undefined : Date.parse(before);
}

/** Why a claimed target does not get on: its failure, or what its operation wrote down that it waits for. */
export function blocksOfClaim(claim: Claim, { state: stored }: TargetRecord, context: Context): readonly Block[] {
  const failure = failureOf(claim, context.input.stored);
  if (failure !== undefined) return [toBlock({ ...failure, since: failure.time })].flatMap((block) => block ?? []);
  return stored?.operation?.claimId === claim.id
    ? (stored.blockedBy ?? []).flatMap((block) => toBlock(block) ?? [])
    : [];
}

function toBlock({
  reason,
  message,
  since,
}: {
  readonly reason: string;
  readonly message?: string;
  readonly since?: string;
}): Block | undefined {
  const known = REASONS.find((other) => other === reason);
  return (
    known && { reason: known, message: message ?? "", ...(since === undefined ? {} : { since: Date.parse(since) }) }
  );
}

export function blocksOf(
  { target }: TargetRecord,
  { own, claim: other, refused }: Saying,
  context: Context,
  views: Views,
): readonly Block[] {
  const { membership, baseline } = target;
  if (membership.kind === "Conflict")
    return [{ reason: "RingConflict", message: `member of rings ${membership.rings.join(" and ")}` }];
  if (target.conflict !== undefined) return [target.conflict];
  if (membership.kind === "Unassigned")
    return isCompliant(target.assessment.state) && target.assessment.state !== "Available"
      ? []
      : [{ reason: "Unassigned", message: "in no ring: counted, never touched" }];
  const view = views.get(membership.ring);
  const problem = context.entries.get(membership.ring)?.problems.get(baseline.name);
  if (problem !== undefined) return [problem];
  if (!target.assessment.approved) return blocksOfUnapproved(target, membership.ring, context);
  if (!needsWork(target) || view === undefined) return blocksOfIdle(target);
  const blocks: readonly Block[] = [
    ...own,
    ...(view.offerBlocks.get(baseline.name) ?? []),
    ...(view.startBlocks.get(baseline.name) ?? []),
    ...(other === undefined
      ? []
      : [{ reason: "RingBudgetExhausted", message: `being updated under ${other.baseline}` } as const]),
  ];
  if (blocks.length > 0) return [...blocks, ...pendingBlocks(target)];
  if (refused !== undefined) return [refused, ...pendingBlocks(target)];
  if (context.input.ledger.spec.mode !== "Enforce")
    return [
      { reason: "Observing", message: "would be updated now, but the ledger's mode is Observe" },
      ...pendingBlocks(target),
    ];
  return [];
}

function brakesOf(ring: string, { input, ringOf }: Context): readonly Block[] {
  return findBrakes(input.policy, ringOf.get(ring));
}

/** The most decisive first; whatever is not as it should be has a name. */
function blocksOfUnapproved(target: Target, ring: string, context: Context): readonly Block[] {
  const { state, level } = target.assessment;
  const waiting: Block = {
    reason: "WaitingForApproval",
    message: `ring ${ring} is not yet approved for ${level ?? "a level"}`,
  };
  if (state === "Available") return [...brakesOf(ring, context), waiting];
  if (isCompliant(state)) return [];
  const own: readonly Block[] =
    state === "InstalledRejected"
      ? [{ reason: "LevelWithdrawn", message: `runs ${level ?? "a level"}, whose approval was taken back` }]
      : (describeUnknown(target) ?? [waiting, ...pendingBlocks(target)]);
  return [...brakesOf(ring, context), ...own];
}

/** Approved, not as it should be, and nothing that could be done about it now: an operation failed, and its claim is gone. */
function blocksOfIdle(target: Target): readonly Block[] {
  const { state, reason } = target.assessment;
  const pending = pendingBlocks(target);
  if (pending.length > 0 || isCompliant(state)) return pending;
  return [
    {
      reason: reason ?? "StepFailed",
      message: "the last operation at this level failed, and is not repeated by itself",
    },
  ];
}

/** What is wanted is there and does not run: said until the target starts, because its grace counts from then. */
function pendingBlocks(target: Target): readonly Block[] {
  return target.assessment.state === "InstalledPendingReboot"
    ? [{ reason: "RebootPending", message: "what is wanted is installed but does not run yet" }]
    : [];
}

const NOT_OFFERED = new Set([
  "WaitingForApproval",
  "PredecessorNotSoaked",
  "RingEmpty",
  "Deferred",
  "Unassigned",
  "LevelWithdrawn",
]);
const QUEUED = new Set([
  "RingBudgetExhausted",
  "ZoneBudgetExhausted",
  "LimitReached",
  "LedgerFull",
  "Observing",
  "OutsideWindow",
]);

export function phaseOf(target: Target, blockedBy: readonly Block[], views: Views): Phase {
  const { approved, state } = target.assessment;
  const working = needsWork(target);
  // A reboot that is left to do is a standstill of its own only where we may do it and do not.
  const blocks = working || !approved ? blockedBy.filter((block) => block.reason !== "RebootPending") : blockedBy;
  if (blocks.some((block) => !NOT_OFFERED.has(block.reason) && !QUEUED.has(block.reason))) return "Blocked";
  if (!approved || blocks.some((block) => NOT_OFFERED.has(block.reason))) return "NotOffered";
  if (isDone(target)) {
    const progress = target.ring === undefined ? undefined : views.get(target.ring)?.progress.get(target.baseline.name);
    return progress?.status.phase === "Soaking" ? "Soaking" : "Done";
  }
  if (working) return "Offered";
  return state === "Exempt" || state === "NotApplicable" ? "Done" : "Blocked";
}
