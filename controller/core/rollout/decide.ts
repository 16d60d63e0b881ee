// From rows, rings and claims to decisions: what happens next to each target, with its reason. Claims under way come first (V3).
import type { Block, Claim, Digest } from "../model.ts";
import { parseDuration } from "../duration.ts";
import { findControlPlaneRisk } from "./control-plane.ts";
import type { ClaimRequest } from "./claim-request.ts";
import type { Decision, Steering } from "./decision.ts";
import type { Context } from "./prepare.ts";
import { failureOf } from "./claim-failure.ts";
import { findRetreat } from "./ring-checks.ts";
import type { RingView } from "./ring-view.ts";

/** How each claim under way is to be steered. */
export function steerClaims(context: Context, views: ReadonlyMap<string, RingView>): readonly Steering[] {
  return context.claims.map((claim) => ({
    claim,
    retreat: findRisk(claim, context) ?? findMoved(claim, context) ?? findAway(claim, context, views),
  }));
}

/** First, because it holds for the reboot of a node that is past everything else, too. */
function findRisk({ uid }: Claim, { survey, controlPlane }: Context): Block | undefined {
  const asset = survey.byUid.get(uid)?.asset;
  return asset === undefined || "kind" in asset ? undefined : findControlPlaneRisk(asset, controlPlane);
}

/** The entry says something else now, or the ring's policy wants targets back that have not begun their update. */
function findAway(claim: Claim, context: Context, views: ReadonlyMap<string, RingView>): Block | undefined {
  const view = views.get(claim.ring);
  if (view === undefined) return { reason: "ReferenceMissing", message: `ring ${claim.ring} does not exist` };
  const scope = view.scopes.get(claim.baseline);
  if (scope !== undefined && scope.approval.level.digest === claim.digest)
    return findRetreat(scope, isInGrace(claim, view, context));
  const problem = context.entries.get(claim.ring)?.problems.get(claim.baseline);
  if (problem !== undefined) return problem;
  if (context.withdrawn.get(claim.ring)?.has(claim.digest as Digest) === true)
    return { reason: "LevelWithdrawn", message: `the approval of ${claim.level} was taken back` };
  return { reason: "Superseded", message: `ring ${claim.ring} is now approved for another level` };
}

/** A late node is not forced before its grace is over, so the window's end holds for it. */
function isInGrace(claim: Claim, { ring }: RingView, { input, survey }: Context): boolean {
  const grace = parseDuration(ring.spec.gracePeriod ?? "0s") ?? 0;
  const asset = grace === 0 ? undefined : survey.byUid.get(claim.uid)?.asset;
  return asset !== undefined && !("kind" in asset) && input.now < asset.createdAt + grace;
}

/** A target that left its ring for one that is not approved for the level, or that two rings or baselines claim now (B8). */
function findMoved(claim: Claim, context: Context): Block | undefined {
  const membership = context.members.of.get(claim.uid);
  if (membership === undefined || (membership.kind === "Ring" && membership.ring === claim.ring))
    return context.conflicts.get(claim.uid);
  switch (membership.kind) {
    case "Conflict":
      return { reason: "RingConflict", message: `member of rings ${membership.rings.join(" and ")}` };
    case "Unassigned":
      return { reason: "Unassigned", message: `no longer a member of ring ${claim.ring}` };
    case "Ring": {
      const approval = context.entries.get(membership.ring)?.approvals.get(claim.baseline);
      return approval?.level.digest === claim.digest
        ? context.conflicts.get(claim.uid)
        : {
            reason: "WaitingForApproval",
            message: `now a member of ring ${membership.ring}, which is not approved for ${claim.level}`,
          };
    }
    default:
      return membership satisfies never;
  }
}

export interface Findings {
  /** What targets wait for, in the order of rows. */
  readonly waits: readonly Decision[];
  readonly rings: readonly RingView[];
  readonly admitted: readonly ClaimRequest[];
  readonly steering: readonly Steering[];
}

/** What happens next, in a fixed order: claims under way, new claims, waits, then rings. */
export function decide({ waits, rings, admitted, steering }: Findings, context: Context): readonly Decision[] {
  const observing = context.input.ledger.spec.mode !== "Enforce";
  const steered = steering.map(({ claim, retreat }) => describeSteering(claim, retreat, context));
  const claims = admitted.map(({ kind, namespace, name, ring, level }): Decision => ({
    action: "claim",
    target: { kind, namespace, name },
    ring,
    level,
    reason: observing ? "Observing" : "Claimed",
    message: observing ? "would be updated next" : "is updated next",
  }));
  const halts = rings.flatMap(({ ring: { name }, halted }): readonly Decision[] => {
    if (halted === undefined) return [];
    const target = { kind: "RolloutRing", namespace: undefined, name };
    return [{ action: "halt", target, ring: name, level: undefined, reason: halted.reason, message: halted.message }];
  });
  return steered.concat(claims, waits, halts);
}

const PAST_RETREAT = new Set([
  "Updating",
  "Updated",
  "Rebooting",
  "Rebooted",
  "Verified",
  "Uncordoned",
  "Patched",
  "Progressed",
  "RollingBack",
  "RolledBack",
]);

function describeSteering(claim: Claim, retreat: Block | undefined, { input }: Context): Decision {
  const operation = (input.stored.nodes.get(claim.uid) ?? input.stored.workloads.get(claim.uid))?.operation;
  const mine = operation?.claimId === claim.id ? operation : undefined;
  const step = mine?.step ?? "Claimed";
  const target = { kind: claim.kind, namespace: claim.namespace, name: claim.name };
  const base = { target, ring: claim.ring, level: claim.level };
  const failure = failureOf(claim, input.stored);
  if (failure !== undefined) return { ...base, action: "wait", reason: failure.reason, message: failure.message };
  const back = mine !== undefined && "backOut" in mine ? mine.backOut : undefined;
  if (back !== undefined) return { ...base, action: "backOut", reason: back.reason, message: back.message };
  if (retreat === undefined) return { ...base, action: "continue", reason: step, message: `at step ${step}` };
  return PAST_RETREAT.has(step)
    ? {
        ...base,
        action: "finish",
        reason: retreat.reason,
        message: `finishes, past step Updating, although ${retreat.message}`,
      }
    : { ...base, action: "backOut", reason: retreat.reason, message: retreat.message };
}
