// Why a ring may not start targets at a level now: an ordered list of small checks, the most decisive first. The list is the
// documentation. The same list feeds decisions, status, `why` and the evidence of proposals (R1, R3, R4, R5, G1, G2).
import type { Instant } from "../../clock.ts";
import type { Calendar } from "../calendar/index.ts";
import { freezesAt, nextStart, windowsAt } from "../calendar/index.ts";
import { parseDuration } from "../duration.ts";
import type { Block, LedgerView, PolicyInForce, RingInForce } from "../model.ts";
import type { Approval } from "./entries.ts";
import type { LevelProgress } from "./progress.ts";

export interface RingScope {
  readonly now: Instant;
  readonly policy: PolicyInForce;
  readonly ring: RingInForce;
  readonly approval: Approval;
  readonly ledger: LedgerView;
  /** Calendars that hold for the ring: those it refers to and those of scope Cluster. */
  readonly calendars: readonly Calendar[];
  /** A calendar of the ring is missing or cannot be read, so nobody knows whether a window is open. */
  readonly unreadable?: Block | undefined;
  /** Progress of the rings before this one, at this level. */
  readonly predecessors: ReadonlyMap<string, PredecessorView>;
  /** A revert brought the entry back to a level that this ring was allowed to start before: a withdrawal waits for nobody. */
  readonly ranBefore?: boolean;
  readonly withdrawn: Block | undefined;
  readonly halted: Block | undefined;
  readonly shutGate: Block | undefined;
  /** Nodes, by name, that a pod holds back. */
  readonly blockingPods?: ReadonlyMap<string, Block>;
  readonly targets: number;
  /** When the level was first offered here, if it was. */
  readonly offeredAt: Instant | undefined;
}

export type RetreatScope = Pick<
  RingScope,
  "now" | "policy" | "ring" | "approval" | "ledger" | "calendars" | "unreadable" | "withdrawn" | "offeredAt"
>;

/** What a ring that comes before knows of a level. */
export interface PredecessorView {
  /** undefined: the ring does not exist. */
  readonly ring: RingInForce | undefined;
  /** Progress at this very digest, if the ring was ever approved for it. */
  readonly soaked: boolean;
  readonly progress: LevelProgress | undefined;
  /** More of its targets failed than may. */
  readonly halted: boolean;
  /** The baseline has no target in scope in that ring. */
  readonly empty: boolean;
  readonly emptyPasses: boolean;
}

type Check = (scope: RingScope) => Block | undefined;

/** Before a level is offered: nothing about windows, budgets or health. */
const offerChecks: readonly Check[] = [
  ({ policy }) => findBrake(policy.brakes),
  ({ ring }) => findBrake(ring.brakes),
  ({ withdrawn }) => withdrawn,
  checkPredecessors,
  checkDeferral,
  checkScope,
];

/** Before a target is claimed, beside budgets and the target's own checks. */
const startChecks: readonly Check[] = [
  ({ ledger }) =>
    ledger.spec.mode === "Stop" ? { reason: "Stopped", message: "the ledger's mode is Stop" } : undefined,
  ({ ring }) =>
    ring.suspendedLive || ring.spec.suspend === true
      ? { reason: "RingSuspended", message: `ring ${ring.name} is suspended` }
      : undefined,
  ({ halted }) => halted,
  ({ ledger }) =>
    ledger.rebuilding
      ? { reason: "LedgerRebuilding", message: "the ledger's claims are being restored from the marks on objects" }
      : undefined,
  checkFreezes,
  checkWindows,
  ({ shutGate }) => shutGate,
];

/** Why the level is not offered to the ring's targets. */
export function findOfferBlocks(scope: RingScope): readonly Block[] {
  return run(offerChecks, scope);
}

/** Why no target of the ring may start now, although the level is offered. */
export function findStartBlocks(scope: RingScope): readonly Block[] {
  return run(startChecks, scope);
}

function run(checks: readonly Check[], scope: RingScope): readonly Block[] {
  return checks.flatMap((check) => check(scope) ?? []);
}

/** What stops a ring, whatever it is approved for: all of policy, and its own. */
export function findBrakes(
  policy: Pick<PolicyInForce, "brakes">,
  ring: Pick<RingInForce, "brakes"> | undefined,
): readonly Block[] {
  return [findBrake(policy.brakes), findBrake(ring?.brakes ?? [])].flatMap((brake) => brake ?? []);
}

/** Of several the same one, however they were listed. */
function findBrake(blocks: readonly Block[]): Block | undefined {
  const key = (block: Block): string => `${block.reason} ${block.message}`;
  return blocks.length < 2 ? blocks[0] : [...blocks].sort((a, b) => (key(a) < key(b) ? -1 : 1))[0];
}

function checkPredecessors({ approval, predecessors, ranBefore }: RingScope): Block | undefined {
  // What is missing cannot have soaked, and expedite does not say that it has.
  for (const [name, view] of predecessors)
    if (view.ring === undefined) return { reason: "ReferenceMissing", message: `after: ring ${name} does not exist` };
  if (approval.skips.has("Soak") || ranBefore === true) return undefined;
  for (const [name, view] of predecessors) {
    // What failed there may be the very reason not to go on here, whichever level it was.
    if (view.halted) return { reason: "PredecessorNotSoaked", message: `ring ${name} is halted` };
    if (view.soaked || (view.empty && view.emptyPasses)) continue;
    if (view.empty) return { reason: "RingEmpty", message: `ring ${name} has no target of ${approval.baseline}` };
    return { reason: "PredecessorNotSoaked", message: describePredecessor(name, view, approval) };
  }
  return undefined;
}

function describePredecessor(name: string, { progress }: PredecessorView, approval: Approval): string {
  if (progress === undefined) return `ring ${name} was never approved for ${approval.level.name}`;
  const { done = 0, targets = 0, failed = 0 } = progress.status;
  if (progress.complete) return `ring ${name} is complete and soaks`;
  return `ring ${name} has ${done} of ${targets} done${failed > 0 ? `, ${failed} failed` : ""}`;
}

function checkDeferral({ ring, approval, now }: RingScope): Block | undefined {
  if (approval.skips.has("Deferral")) return undefined;
  const until = approval.level.inputTime + (parseDuration(ring.spec.deferral ?? "0s") ?? 0);
  if (now >= until) return undefined;
  return {
    reason: "Deferred",
    message: `ring ${ring.name} takes levels when they are ${ring.spec.deferral} old, from ${iso(until)}`,
  };
}

function checkScope({ approval, targets }: RingScope): Block | undefined {
  const most = approval.entry.maxTargets;
  if (most === undefined || targets <= most) return undefined;
  return { reason: "ScopeGrew", message: `the approval covers ${most} targets, and ${targets} are in scope` };
}

function checkFreezes({
  calendars,
  approval,
  now,
}: Pick<RingScope, "calendars" | "approval" | "now">): Block | undefined {
  const freeze = freezesAt(calendars, now, { expedite: approval.skips.has("Freezes") });
  if (!freeze.frozen) return undefined;
  return { reason: "Frozen", message: `frozen until ${iso(freeze.until)}: ${freeze.freeze.reason}` };
}

function checkWindows(scope: RingScope): Block | undefined {
  const { calendars, approval, now } = scope;
  if (approval.skips.has("Windows") || windowsAt(calendars, now).mayStart || deadlinePassed(scope)) return undefined;
  const opens = nextStart(calendars, now, { expedite: approval.skips.has("Freezes") });
  return {
    reason: "OutsideWindow",
    message:
      opens === undefined ? "no window of the ring's calendars opens again" : `the next window opens ${iso(opens)}`,
  };
}

/** Whether windows are ignored because the ring's deadline for this level is over. */
export function deadlinePassed({ ring, offeredAt, now }: Pick<RingScope, "ring" | "offeredAt" | "now">): boolean {
  const deadline = deadlineOf(ring, offeredAt);
  return ring.spec.onDeadline === "IgnoreWindows" && deadline !== undefined && now >= deadline;
}

/** Whether what starts now starts only because the deadline passed: no window would let it. */
export function isForced(scope: RingScope): boolean {
  return (
    !scope.approval.skips.has("Windows") && !windowsAt(scope.calendars, scope.now).mayStart && deadlinePassed(scope)
  );
}

/** When the ring's targets should be done: the offer plus the ring's deadline. */
export function deadlineOf(ring: RingInForce, offeredAt: Instant | undefined): Instant | undefined {
  const length = ring.spec.deadline === undefined ? undefined : parseDuration(ring.spec.deadline);
  return length === undefined || offeredAt === undefined ? undefined : offeredAt + length;
}

/**
 * Why an operation that has not yet begun its update must be undone: the window ended (not merely its cutoff), a freeze began, or
 * people stopped everything. Suspending a ring abandons nothing (B13). `inGrace`: a passed deadline does not force this target yet.
 */
export function findRetreat(scope: RetreatScope, inGrace = false): Block | undefined {
  const { policy, ledger, calendars, approval, now } = scope;
  if (ledger.spec.mode === "Stop") return { reason: "Stopped", message: "the ledger's mode is Stop" };
  if (ledger.spec.mode !== "Enforce") return { reason: "Observing", message: "the ledger's mode is Observe" };
  const rewritten = policy.brakes.find((brake) => brake.reason === "HistoryRewritten");
  if (rewritten !== undefined) return rewritten;
  if (scope.withdrawn !== undefined) return scope.withdrawn;
  if (scope.unreadable !== undefined) return scope.unreadable;
  const frozen = checkFreezes(scope);
  if (frozen !== undefined) return frozen;
  if (approval.skips.has("Windows") || windowsAt(calendars, now).open || (deadlinePassed(scope) && !inGrace))
    return undefined;
  return { reason: "OutsideWindow", message: "the window ended" };
}

/** An instant for people: RFC 3339, without empty milliseconds. */
export function iso(at: Instant): string {
  return new Date(at).toISOString().replace(/\.000Z$/, "Z");
}
