// One row for every asset and baseline: its state, its phase, and in one line each why it is not moving and since when.
// Every standstill has a name; what is under a claim speaks for its operation (V2).
import { REASONS } from "../../api/reasons.ts";
import { isCompliant } from "../compliance/states.ts";
import type { AssetRow, Block, Claim, Phase } from "../model.ts";
import { type Epoch, epochOf, type PlanMemory } from "./memory.ts";
import type { Context } from "./prepare.ts";
import { failureOf } from "./prepare.ts";
import { isDone, needsWork } from "./progress.ts";
import type { RingView } from "./ring-view.ts";
import { describeUnknown } from "./target-checks.ts";
import type { Target } from "./targets.ts";

export interface Outcome {
  /** By target UID. */
  readonly refused: ReadonlyMap<string, Block>;
  readonly views: ReadonlyMap<string, RingView>;
}

/** One row for each target. */
export function describeTargets(context: Context, outcome: Outcome): readonly AssetRow[] {
  const { memory, targets } = context;
  if (memory === undefined) return targets.map((target) => describeTarget(target, context, outcome));
  const epochs = epochsOf(context, outcome, memory);
  let ring: string | undefined;
  let mine = epochs.get("");
  let view: RingView | undefined;
  return targets.map((target) => {
    const { uid } = target.asset;
    if (target.ring !== ring) {
      ring = target.ring;
      mine = epochs.get(ring ?? "");
      view = ring === undefined ? undefined : outcome.views.get(ring);
    }
    const epoch = mine?.get(target.baseline.name);
    if (epoch === undefined || context.claimOf.has(uid)) return describeTarget(target, context, outcome);
    const blocks = view?.targetBlocks.get(target);
    const refused = outcome.refused.get(uid);
    const known = memory.rows.get(target);
    if (known !== undefined && known.epoch === epoch && known.blocks === blocks && isSame(known.refused, refused))
      return known.row;
    const row = describeTarget(target, context, outcome);
    // A time that is not stored yet is always now.
    if (isDated(row, context)) memory.rows.set(target, { epoch, blocks, refused, row });
    return row;
  });
}

function isSame(a: Block | undefined, b: Block | undefined): boolean {
  return a === b || (a?.reason === b?.reason && a?.message === b?.message);
}

/** What the rows of a ring and baseline have in common. */
function epochsOf(
  context: Context,
  { views }: Outcome,
  memory: PlanMemory,
): ReadonlyMap<string, ReadonlyMap<string, Epoch>> {
  const epochs = new Map<string, Map<string, Epoch>>();
  for (const ring of ["", ...views.keys()]) {
    const mine = new Map<string, Epoch>();
    epochs.set(ring, mine);
    const view = views.get(ring);
    for (const { name } of context.input.policy.baselines) {
      const common = JSON.stringify([
        view?.offerBlocks.get(name),
        view?.startBlocks.get(name),
        view?.progress.get(name)?.status.phase === "Soaking",
        context.entries.get(ring)?.problems.get(name),
        context.input.ledger.spec.mode,
      ]);
      mine.set(name, epochOf(memory, `rows/${ring}/${name}`, [common]));
    }
  }
  return epochs;
}

function isDated(row: AssetRow, context: Context): boolean {
  if (row.blockedBy.length === 0) return true;
  const stored = storedOf(row.asset.uid, context)?.blockedBy ?? [];
  return row.blockedBy.every((block) =>
    stored.some((other) => other.reason === block.reason && other.since !== undefined),
  );
}

/** The row of one target. */
function describeTarget(target: Target, context: Context, outcome: Outcome): AssetRow {
  const claim = context.claimOf.get(target.asset.uid);
  const mine = claim !== undefined && claim.baseline === target.baseline.name;
  const blockedBy = mine
    ? blocksOfClaim(claim, context)
    : blocksOf(target, context, outcome).map((block) => withSince(block, target, context));
  const phase = !mine
    ? phaseOf(target, blockedBy, outcome)
    : failureOf(claim, context.input) === undefined
      ? "InProgress"
      : "Blocked";
  return { ...target.assessment, ring: target.ring, phase, blockedBy };
}

function storedOf(uid: string, { input }: Context) {
  return input.stored.nodes.get(uid) ?? input.stored.workloads.get(uid);
}

/** Why a claimed target does not get on: its failure, or what its operation wrote down that it waits for. */
function blocksOfClaim(claim: Claim, context: Context): readonly Block[] {
  const failure = failureOf(claim, context.input);
  const stored = storedOf(claim.uid, context);
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

function blocksOf(target: Target, context: Context, outcome: Outcome): readonly Block[] {
  const { membership, asset, baseline } = target;
  if (membership.kind === "Conflict")
    return [{ reason: "RingConflict", message: `member of rings ${membership.rings.join(" and ")}` }];
  if (target.conflict !== undefined) return [target.conflict];
  if (membership.kind === "Unassigned")
    return isCompliant(target.assessment.state) && target.assessment.state !== "Available"
      ? []
      : [{ reason: "Unassigned", message: "in no ring: counted, never touched" }];
  const view = outcome.views.get(membership.ring);
  const problem = context.entries.get(membership.ring)?.problems.get(baseline.name);
  if (problem !== undefined) return [problem];
  if (!target.assessment.approved) return blocksOfUnapproved(target, membership.ring);
  if (!needsWork(target) || view === undefined) return pendingBlocks(target);
  const other = context.claimOf.get(asset.uid);
  const refused = outcome.refused.get(asset.uid);
  const blocks: readonly Block[] = [
    ...(view.targetBlocks.get(target) ?? []),
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

function blocksOfUnapproved(target: Target, ring: string): readonly Block[] {
  const { state, level } = target.assessment;
  if (state === "Available")
    return [{ reason: "WaitingForApproval", message: `ring ${ring} is not yet approved for ${level ?? "a level"}` }];
  return describeUnknown(target) ?? [];
}

/** What is wanted is there and does not run: said until the target starts, because its grace counts from then. */
function pendingBlocks(target: Target): readonly Block[] {
  return target.assessment.state === "InstalledPendingReboot"
    ? [{ reason: "RebootPending", message: "what is wanted is installed but does not run yet" }]
    : [];
}

/** The same reason as before keeps its time. */
function withSince(block: Block, target: Target, context: Context): Block {
  const before = storedOf(target.asset.uid, context)?.blockedBy?.find((other) => other.reason === block.reason)?.since;
  return { ...block, since: before === undefined ? context.input.now : Date.parse(before) };
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

function phaseOf(target: Target, blockedBy: readonly Block[], outcome: Outcome): Phase {
  const { approved, state } = target.assessment;
  const working = needsWork(target);
  // A reboot that is left to do is a standstill of its own only where we do not do it.
  const blocks = working ? blockedBy.filter((block) => block.reason !== "RebootPending") : blockedBy;
  if (blocks.some((block) => !NOT_OFFERED.has(block.reason) && !QUEUED.has(block.reason))) return "Blocked";
  if (!approved || blocks.some((block) => NOT_OFFERED.has(block.reason))) return "NotOffered";
  if (isDone(target)) {
    const progress =
      target.ring === undefined ? undefined : outcome.views.get(target.ring)?.progress.get(target.baseline.name);
    return progress?.status.phase === "Soaking" ? "Soaking" : "Done";
  }
  if (working) return "Offered";
  return state === "Exempt" || state === "NotApplicable" ? "Done" : "Blocked";
}
