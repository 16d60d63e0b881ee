// What there is to tell of a plan, with when it became so. Told or not, the same things are found as long as they hold: what was told already is
// left out by due.ts, from what is stored. So a restart forgets nothing and repeats nothing.
import { describeReason, type Reason } from "../../api/reasons.ts";
import type { RingLevelStatus } from "../../api/rollout-ring.ts";
import type { Instant } from "../../clock.ts";
import type { FleetLook } from "../metrics/index.ts";
import type { AssetRow } from "../model.ts";
import type { RingOutcome } from "../rollout/summary.ts";
import { findFailures } from "./failures.ts";
import { type Notification, notify } from "./notification.ts";
import { findWaiting } from "./waiting.ts";

/** Something stands still for a moment all the time; after so long somebody should know. */
export const BLOCK_STANDS_MS = 15 * 60_000;

/** Part of every rollout, decided by people, or told as another event: never told as Blocked. Whatever is not here is. */
const ROUTINE: ReadonlySet<Reason> = new Set<Reason>([
  // Windows, soaks, the order of rings, budgets.
  ...(["OutsideWindow", "Frozen", "Deferred", "GracePeriod", "PredecessorNotSoaked", "Soaking"] as const),
  ...(["RingBudgetExhausted", "ZoneBudgetExhausted", "LimitReached", "ControlPlaneBusy", "BackedOff"] as const),
  ...(["WaitingForCompletion", "NotPrepared", "RebootPending", "ResolveScheduled", "Superseded"] as const),
  // Told as another event.
  ...(["WaitingForApproval", "RingHalted", "OperationFailed"] as const),
  ...(["StepFailed", "StepTimedOut", "NodeNotBack", "VerificationFailed"] as const),
  ...(["ProgressDeadlineExceeded", "RolloutTimedOut", "TargetVanished"] as const),
  // What people decided, and what is so for ever.
  ...(["Observing", "RingObserves", "ReleasedByPerson", "LevelWithdrawn", "DriftFromGit", "Unassigned"] as const),
  ...(["ManagedElsewhere", "ReplacedByProvider", "UpdateStrategyNotSupported"] as const),
]);

/** Everything that this plan has to tell, in a stable order. */
export function findNotifications(look: FleetLook): readonly Notification[] {
  const cluster = look.input.policy.clusterName;
  const standing = standingRows(look);
  return [
    ...look.plan.rings.flatMap((outcome) => [
      ...findProgress(cluster, outcome),
      ...findHalt(cluster, outcome, look.plan.at),
      ...findBlocks(cluster, outcome, look.plan.at),
      ...findBlockedTargets(cluster, outcome, standing.get(outcome.ring.name) ?? [], look.plan.at),
    ]),
    ...findFailures(look),
    ...findWaiting(look),
  ];
}

/** Of today's entries only: what was done with older levels is over. */
function findProgress(cluster: string, { ring: { name: ring, spec }, progress }: RingOutcome): readonly Notification[] {
  return [...progress.values()].flatMap(({ status }) => {
    const { baseline, level, digest, startedTime, completedTime, withdrawnTime } = status;
    if (withdrawnTime !== undefined) return [];
    const of = { cluster, ring, baseline, level };
    const started =
      startedTime === undefined
        ? []
        : [
            notify([digest], {
              ...of,
              event: "Started",
              at: Date.parse(startedTime),
              title: `Ring ${ring} started ${level}`,
              text: `${targetsOf(status)}.`,
            }),
          ];
    if (completedTime === undefined) return started;
    const soak = spec.soak === undefined ? "" : ` It soaks for ${spec.soak}.`;
    return [
      ...started,
      notify([digest], {
        ...of,
        event: "Done",
        at: Date.parse(completedTime),
        title: `Ring ${ring} is done with ${level}`,
        text: `${countOf(status)}${status.soakedTime === undefined ? soak : ""}`,
      }),
    ];
  });
}

function countOf(status: RingLevelStatus): string {
  const { done = 0, failed = 0 } = status;
  return `${done} of ${targetsOf(status)} verified${failed > 0 ? `, ${failed} failed` : ""}.`;
}

function targetsOf({ targets = 0 }: RingLevelStatus): string {
  return `${targets} ${targets === 1 ? "target" : "targets"}`;
}

/** Since when a ring's block stands, as it is stored: what is not stored yet has another time in each pass. */
function sinceOf({ ring }: RingOutcome, reason: Reason): { readonly text: string; readonly at: Instant } | undefined {
  const text = ring.status?.blockedBy?.find((block) => block.reason === reason)?.since;
  return text === undefined ? undefined : { text, at: Date.parse(text) };
}

/** Once for each halt: a ring that goes on and halts again is another one. */
function findHalt(cluster: string, outcome: RingOutcome, now: Instant): readonly Notification[] {
  const { halted, ring } = outcome;
  const since = halted === undefined ? undefined : sinceOf(outcome, halted.reason);
  if (halted === undefined || since === undefined || since.at > now) return [];
  return [
    notify(["halt", halted.reason, since.text], {
      cluster,
      ring: ring.name,
      event: "Failed",
      at: since.at,
      title: `Ring ${ring.name} is halted`,
      text: halted.message,
      reason: halted.reason,
    }),
  ];
}

function findBlocks(cluster: string, outcome: RingOutcome, now: Instant): readonly Notification[] {
  const { ring, blockedBy } = outcome;
  return blockedBy.flatMap(({ reason, message }) => {
    const since = ROUTINE.has(reason) ? undefined : sinceOf(outcome, reason);
    if (since === undefined || now - since.at < BLOCK_STANDS_MS) return [];
    return [
      notify(["ring", reason, since.text], {
        cluster,
        ring: ring.name,
        event: "Blocked",
        at: since.at + BLOCK_STANDS_MS,
        title: `Ring ${ring.name} is blocked: ${reason}`,
        text: `${message === "" ? describeReason(reason).text : message} Since ${since.text}.`,
        reason,
      }),
    ];
  });
}

/** Rows with a block of their own that somebody has to look at, by ring. */
function standingRows({ plan }: FleetLook): ReadonlyMap<string | undefined, readonly AssetRow[]> {
  const standing = plan.rows.filter(({ blockedBy }) => blockedBy.some(({ reason }) => isForPeople(reason)));
  return Map.groupBy(standing, (row) => row.ring);
}

function isForPeople(reason: Reason): boolean {
  return !ROUTINE.has(reason) && describeReason(reason).care === "person";
}

/** Targets that stand still one by one (a budget of pods that never allows, a cordon of somebody else): once for each reason and level. */
function findBlockedTargets(
  cluster: string,
  { ring: { name: ring }, blockedBy, progress }: RingOutcome,
  rows: readonly AssetRow[],
  now: Instant,
): readonly Notification[] {
  const ofRing = new Set(blockedBy.map(({ reason }) => reason));
  const found = rows.flatMap((row) =>
    row.blockedBy.flatMap(({ reason, message, since }) =>
      since === undefined || now - since < BLOCK_STANDS_MS || ofRing.has(reason) || !isForPeople(reason)
        ? []
        : [{ row, reason, message, since }],
    ),
  );
  return [...Map.groupBy(found, ({ row, reason }) => `${row.baseline} ${reason}`).values()].flatMap((group) => {
    const first = group.reduce((a, b) => (b.since < a.since ? b : a));
    const { baseline, asset } = first.row;
    const level = progress.get(baseline)?.status;
    if (level === undefined || level.withdrawnTime !== undefined) return [];
    const name = [asset.namespace, asset.name].filter((part) => part !== undefined).join("/");
    const others = group.length > 1 ? ` and ${group.length - 1} more` : "";
    return [
      notify(["targets", first.reason, level.digest], {
        cluster,
        ring,
        baseline,
        level: level.level,
        event: "Blocked",
        at: first.since + BLOCK_STANDS_MS,
        title: `${asset.kind} ${name}${others} of ring ${ring} blocked: ${first.reason}`,
        text: `${first.message === "" ? describeReason(first.reason).text : first.message} Since ${new Date(first.since).toISOString()}.`,
        reason: first.reason,
      }),
    ];
  });
}
