// When a rollout would be done: remaining targets through budgets, windows and soaks, ring after ring. A forecast for people, never a
// decision: nothing may start or wait because of it. Pure, and bounded at 366 days, so that a window that hardly opens ends it too.
import { describeReason, type Reason } from "../../api/reasons.ts";
import type { Instant } from "../../clock.ts";
import type { Calendar } from "../calendar/index.ts";
import { parseDuration } from "../duration.ts";
import type { Block, LevelInForce, PodAsset, RingInForce } from "../model.ts";
import { calendarsOf, compileCalendars } from "../rollout/calendars.ts";
import { type Approval, isWrittenUnasked } from "../rollout/entries.ts";
import { spareCapacity } from "./capacity.ts";
import { type Job, type JobEnd, runJobs } from "./run.ts";
import { usualPace } from "../rollout/history.ts";
import type { Plan } from "../rollout/plan.ts";
import type { PlanInput } from "../rollout/plan-input.ts";
import { needsWork } from "../rollout/progress.ts";
import type { RingOutcome } from "../rollout/summary.ts";
import { isDone, isInScope } from "../rollout/progress.ts";
import { deadlineOf } from "../rollout/ring-checks.ts";
import { type Budgets, lastingBudgets } from "../operations/budgets.ts";
import { viewControlPlane } from "../rollout/control-plane.ts";
import { findTargetBlocks } from "../rollout/target-checks.ts";
import type { Target } from "../rollout/targets.ts";

/** One ring's way to one baseline's level. */
export interface Estimate {
  readonly ring: string;
  readonly baseline: string;
  readonly level: string | undefined;
  /** A person still has to approve the level here or in a ring before; times assume that this happens at once. */
  readonly ifApproved: boolean;
  /** Targets that still have to be done and can be. */
  readonly remaining: number;
  /** Targets that wait for a person, by reason. */
  readonly stuck: readonly { readonly reason: Reason; readonly targets: number }[];
  /** How many of them may be in change at once. */
  readonly atOnce: number;
  readonly minutesPerTarget: number;
  /** Operations that these minutes are the median of; 0: they are assumed. */
  readonly measured: number;
  readonly startsAt?: Instant;
  readonly endsAt?: Instant;
  /** When the next rings may have it. */
  readonly soakedAt?: Instant;
  readonly deadline?: Instant;
  readonly missesDeadline: boolean;
  /** Why it does not end as things stand. */
  readonly never?: Block;
}

export interface EstimateOptions {
  /** Instead of what history says and 15. */
  readonly minutesPerTarget?: number;
}

/** An estimate for every ring and baseline that has targets in it, in ring order, then by baseline. */
export function estimateRollout(input: PlanInput, plan: Plan, options: EstimateOptions = {}): readonly Estimate[] {
  const calendars = compileCalendars(input.policy);
  const known = new Map<string, Course>();
  const estimates: Estimate[] = [];
  const shared = {
    input,
    plan,
    controlPlane: viewControlPlane(input.inventory),
    pods: Map.groupBy(input.inventory.pods, ({ nodeName }) => nodeName),
    lasting: lastingBudgets(input.inventory.pdbs),
    claimed: new Set(input.ledger.claims.map(({ uid }) => uid)),
    known,
  };
  for (const outcome of plan.rings) {
    const scope = { ...shared, outcome, ...calendarsOf(outcome.ring, calendars) };
    const courses = coursesOf(scope, options);
    const ends = simulate(scope, courses);
    for (const course of courses) {
      const estimate = conclude(course, ends.get(course.baseline), input.now);
      known.set(`${course.ring.name}/${course.baseline}`, { ...course, estimate });
      estimates.push(estimate);
    }
  }
  return estimates;
}

interface Scope {
  readonly input: PlanInput;
  readonly plan: Plan;
  readonly outcome: RingOutcome;
  readonly controlPlane: ReturnType<typeof viewControlPlane>;
  /** By the node that they run on. */
  readonly pods: ReadonlyMap<string | undefined, readonly PodAsset[]>;
  /** Budgets as far as they say the same for ever. */
  readonly lasting: Budgets;
  /** UIDs under a claim. */
  readonly claimed: ReadonlySet<string>;
  readonly calendars: readonly Calendar[];
  readonly problems: readonly Block[];
  /** Rings before this one, by `ring/baseline`. */
  readonly known: ReadonlyMap<string, Course>;
}

/** What stands before one ring for one baseline. */
interface Course {
  readonly ring: RingInForce;
  readonly baseline: string;
  readonly level: LevelInForce | undefined;
  readonly approved: boolean;
  readonly ifApproved: boolean;
  readonly approval: Approval | undefined;
  readonly minutes: number;
  readonly measured: number;
  readonly pending: readonly Target[];
  readonly stuck: readonly Reason[];
  readonly start: Start;
  readonly deadline: Instant | undefined;
  readonly completable: boolean;
  readonly soaked: boolean;
  readonly soakLeft: number;
  readonly atOnce: number;
  readonly estimate?: Estimate;
}

/** When a ring may begin, or why it never may. */
type Start =
  | { readonly kind: "At"; readonly at: Instant; readonly ifApproved: boolean }
  | { readonly kind: "Never"; readonly block: Block };

function coursesOf(scope: Scope, options: EstimateOptions): readonly Course[] {
  const { plan, outcome } = scope;
  const mine = plan.targets.filter((target) => target.ring === outcome.ring.name && isInScope(target));
  const groups = Map.groupBy(mine, (target) => target.baseline.name);
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([baseline, targets]) => courseOf(scope, baseline, targets, options));
}

function courseOf(scope: Scope, baseline: string, targets: readonly Target[], options: EstimateOptions): Course {
  const { input, outcome } = scope;
  const { ring } = outcome;
  const approved = outcome.entries.approvals.get(baseline);
  const level = approved?.level ?? input.candidates.get(baseline);
  const approval = approved ?? (level === undefined ? undefined : assumeApproval(ring.name, baseline, level));
  const left = targets.filter((target) => !isFinished(target, approved !== undefined));
  const judged = left.map((target) => ({ target, stuck: findStuck(scope, target, approval) }));
  const pending = judged.flatMap(({ target, stuck }) => (stuck === undefined ? [target] : []));
  const progress = outcome.progress.get(baseline);
  const start = startOf(scope, baseline, level, approval);
  const record = outcome.levels.find((one) => one.baseline === baseline && one.digest === level?.digest);
  const offeredAt = record?.offeredTime === undefined ? undefined : Date.parse(record.offeredTime);
  const soak = parseDuration(ring.spec.soak ?? "24h") ?? 0;
  const reachable = targets.length - left.length + pending.length;
  const pace = usualPace(input.stored, baseline, left[0]?.workload === undefined ? "Node" : "Workload");
  return {
    ring,
    baseline,
    level,
    approved: approved !== undefined,
    ifApproved: isAsked(approved, scope.outcome, baseline) || (start.kind === "At" && start.ifApproved),
    approval,
    minutes: options.minutesPerTarget ?? pace.minutes,
    measured: options.minutesPerTarget === undefined ? pace.measured : 0,
    pending,
    stuck: judged.flatMap(({ stuck }) => stuck ?? []),
    start,
    deadline: deadlineOf(ring, offeredAt ?? (start.kind === "At" ? start.at : undefined)),
    completable: reachable * 100 >= targets.length * (ring.spec.completion?.minPercent ?? 100),
    soaked: progress?.soaked === true,
    soakLeft: Math.max(0, soak - (progress?.complete === true ? progress.soakedMs : 0)),
    atOnce: spareCapacity(scope.input, scope.plan, ring, targets[0]?.workload === undefined ? "Node" : "Workload").ring,
  };
}

/** Whether a person is asked before: the entries that an Automatic ring lists are written without one. */
function isAsked(approved: Approval | undefined, { ring, entries }: RingOutcome, baseline: string): boolean {
  return approved === undefined && !isWrittenUnasked(ring, entries, baseline);
}

function assumeApproval(ring: string, baseline: string, level: LevelInForce): Approval {
  return { ring, baseline, entry: { baseline }, level, skips: new Set() };
}

/** Nothing is left to do about a target, as far as the level that its ring has or would be given goes. */
function isFinished(target: Target, approved: boolean): boolean {
  if (approved) return isDone(target) || !(needsWork(target) || target.assessment.state === "Failed");
  return !["Available", "Missing", "Unknown", "Failed", "InstalledPendingReboot"].includes(target.assessment.state);
}

/** Why a target is not done without a person. What resolves by itself is not waited for here. */
function findStuck(scope: Scope, target: Target, approval: Approval | undefined): Reason | undefined {
  const { input, outcome } = scope;
  const operation = (input.stored.nodes.get(target.asset.uid) ?? input.stored.workloads.get(target.asset.uid))
    ?.operation;
  if (operation?.failure !== undefined) return target.assessment.reason ?? "OperationFailed";
  if (target.assessment.state === "Failed") return target.assessment.reason ?? "OperationFailed";
  if (scope.claimed.has(target.asset.uid)) return undefined;
  if (approval === undefined) return target.assessment.reason ?? "LevelMissing";
  const { now, policy, inventory, stored } = input;
  const blocks = findTargetBlocks({
    now,
    policy,
    inventory,
    stored,
    controlPlane: scope.controlPlane,
    pods: scope.pods.get(target.asset.name) ?? [],
    lasting: scope.lasting,
    target,
    ring: outcome.ring,
    approval,
    forcedAt: undefined,
  });
  return blocks.find(({ reason }) => describeReason(reason).care === "person")?.reason;
}

// -------------------------------------------------------------------------------------------------------- start

type StartCheck = (scope: Scope, baseline: string) => Block | undefined;

/** What only a person can end. */
const neverChecks: readonly StartCheck[] = [
  ({ outcome }, baseline) => outcome.entries.problems.get(baseline),
  ({ input }) => input.policy.brakes[0],
  ({ outcome, problems }) => outcome.ring.brakes[0] ?? problems[0],
  ({ input }) =>
    input.ledger.spec.mode === "Stop" ? { reason: "Stopped", message: "the ledger's mode is Stop" } : undefined,
  ({ outcome: { ring } }) =>
    ring.suspendedLive || ring.spec.suspend === true
      ? { reason: "RingSuspended", message: `ring ${ring.name} is suspended` }
      : undefined,
  ({ outcome }) => outcome.halted,
  ({ plan, outcome }, baseline) => findInRows(plan, outcome.ring.name, baseline, ["ScopeGrew", "LevelWithdrawn"]),
];

function findInRows(plan: Plan, ring: string, baseline: string, reasons: readonly Reason[]): Block | undefined {
  for (const row of plan.rows) {
    if (row.ring !== ring || row.baseline !== baseline) continue;
    const block = row.blockedBy.find(({ reason }) => reasons.includes(reason));
    if (block !== undefined) return block;
  }
  return undefined;
}

function startOf(
  scope: Scope,
  baseline: string,
  level: LevelInForce | undefined,
  approval: Approval | undefined,
): Start {
  const { input, outcome } = scope;
  const block = neverChecks.map((check) => check(scope, baseline)).find((found) => found !== undefined);
  if (block !== undefined) return { kind: "Never", block };
  if (level === undefined || approval === undefined)
    return { kind: "Never", block: { reason: "LevelMissing", message: `baseline ${baseline} has no level` } };
  let at = input.now;
  let ifApproved = false;
  if (!approval.skips.has("Deferral"))
    at = Math.max(at, level.inputTime + (parseDuration(outcome.ring.spec.deferral ?? "0s") ?? 0));
  if (approval.skips.has("Soak")) return { kind: "At", at, ifApproved };
  for (const name of [...(outcome.ring.spec.after ?? [])].sort()) {
    const before = startAfter(scope, name, baseline, level);
    if (before.kind === "Never") return before;
    at = Math.max(at, before.at);
    ifApproved ||= before.ifApproved;
  }
  return { kind: "At", at, ifApproved };
}

/** When a ring before this one will have soaked the level. */
function startAfter(scope: Scope, name: string, baseline: string, level: LevelInForce): Start {
  const { input, plan, known } = scope;
  const before = plan.rings.find((other) => other.ring.name === name);
  if (before === undefined)
    return { kind: "Never", block: { reason: "ReferenceMissing", message: `after: ring ${name} does not exist` } };
  const soaked = before.levels.some(
    (one) => one.digest === level.digest && one.baseline === baseline && one.soakedTime !== undefined,
  );
  if (soaked) return { kind: "At", at: input.now, ifApproved: false };
  const course = known.get(`${name}/${baseline}`);
  if (course === undefined) {
    if (before.ring.spec.completion?.onEmpty === "Pass") return { kind: "At", at: input.now, ifApproved: false };
    return { kind: "Never", block: { reason: "RingEmpty", message: `ring ${name} has no target of ${baseline}` } };
  }
  const soakedAt = course.estimate?.soakedAt;
  if (course.level?.digest === level.digest && soakedAt !== undefined)
    return { kind: "At", at: soakedAt, ifApproved: course.ifApproved };
  const why =
    course.level?.digest === level.digest
      ? (course.estimate?.never?.message ?? "it does not complete")
      : `it is approved for ${course.level?.name ?? "no level"}`;
  return {
    kind: "Never",
    block: { reason: "PredecessorNotSoaked", message: `ring ${name} does not soak ${level.name}: ${why}` },
  };
}

// ---------------------------------------------------------------------------------------------------------- end

/** Node baselines of a ring share its node budget, image baselines its workload budget. */
function simulate(scope: Scope, courses: readonly Course[]): ReadonlyMap<string, JobEnd> {
  const ends = new Map<string, JobEnd>();
  for (const kind of ["Node", "Workload"] as const) {
    const jobs = courses.flatMap((course) => jobsOf(scope, course, kind));
    const capacity = spareCapacity(scope.input, scope.plan, scope.outcome.ring, kind);
    for (const [baseline, end] of runJobs(jobs, capacity, scope.calendars, scope.input.now)) ends.set(baseline, end);
  }
  return ends;
}

function jobsOf({ input, outcome }: Scope, course: Course, kind: "Node" | "Workload"): readonly Job[] {
  const { start, approval } = course;
  if (start.kind === "Never" || approval === undefined) return [];
  const claims = new Map(input.ledger.claims.map((claim) => [claim.uid, Date.parse(claim.since)]));
  const expedite = approval.entry.expedite;
  return course.pending
    .filter((target) => (target.workload === undefined) === (kind === "Node"))
    .map((target) => ({
      baseline: course.baseline,
      name: `${target.workload?.namespace ?? ""}/${target.asset.name}`,
      zone: target.node?.zone ?? "",
      notBefore: start.at,
      duration: course.minutes * 60_000,
      claimedAt: claims.get(target.asset.uid),
      skips: approval.skips,
      skipsUntil: expedite === undefined ? undefined : Date.parse(expedite.until),
      windowsUntil: outcome.ring.spec.onDeadline === "IgnoreWindows" ? course.deadline : undefined,
    }));
}

function conclude(course: Course, end: JobEnd | undefined, now: Instant): Estimate {
  const { ring, baseline, level, deadline, pending, start } = course;
  const never = findNever(course, end);
  const done = pending.length === 0 && course.stuck.length === 0;
  const endsAt = never !== undefined ? undefined : end?.kind === "Ends" ? end.endsAt : undefined;
  const soakedAt =
    never !== undefined
      ? undefined
      : course.soaked
        ? now
        : Math.max(endsAt ?? now, start.kind === "At" ? start.at : now) + course.soakLeft;
  return {
    ring: ring.name,
    baseline,
    level: level?.name,
    ifApproved: course.ifApproved,
    remaining: pending.length,
    stuck: countReasons(course.stuck),
    atOnce: course.atOnce,
    minutesPerTarget: course.minutes,
    measured: course.measured,
    ...(end?.kind === "Ends" ? { startsAt: end.startsAt } : {}),
    ...(endsAt === undefined ? {} : { endsAt }),
    ...(soakedAt === undefined ? {} : { soakedAt }),
    ...(deadline === undefined ? {} : { deadline }),
    missesDeadline: deadline !== undefined && !done && (endsAt === undefined || endsAt > deadline),
    ...(never === undefined ? {} : { never }),
  };
}

function findNever(course: Course, end: JobEnd | undefined): Block | undefined {
  if (course.pending.length === 0 && course.stuck.length === 0) return undefined;
  if (course.start.kind === "Never") return course.start.block;
  if (end?.kind === "Never") return end.block;
  if (course.completable) return undefined;
  const [first] = countReasons(course.stuck);
  if (first === undefined) return undefined;
  return {
    reason: first.reason,
    message: `${course.stuck.length === 1 ? "1 target waits" : `${course.stuck.length} targets wait`} for a person; ring ${course.ring.name} cannot complete before that`,
  };
}

/** Most frequent first, ties by name. */
function countReasons(reasons: readonly Reason[]): readonly { readonly reason: Reason; readonly targets: number }[] {
  return [...Map.groupBy(reasons, (reason) => reason)]
    .map(([reason, list]) => ({ reason, targets: list.length }))
    .sort((a, b) => b.targets - a.targets || (a.reason < b.reason ? -1 : 1));
}
