// The plan: from policy, inventory, ledger, stored states and the time, what each asset's state is and what happens next, each
// with its reason. Pure: the same input gives the same bytes, whatever the order of any list (R6). The controller, `plan`, the
// evidence of proposals, the sandbox and the tests all run this one.
import type { RingLevelStatus, RolloutRingStatus } from "../../api/rollout-ring.ts";
import type { Instant } from "../../clock.ts";
import { isCompliant } from "../compliance/states.ts";
import type {
  AssetRow,
  Block,
  Claim,
  Digest,
  Inventory,
  LedgerView,
  LevelInForce,
  Phase,
  PolicyInForce,
  RingInForce,
  StoredStates,
} from "../model.ts";
import { calendarsOf, type CompiledCalendars, compileCalendars } from "./calendars.ts";
import { markWithdrawals, readEntries, refuseWithdrawn, type RingEntries, withdrawnIn } from "./entries.ts";
import { findShutGate } from "./gates.ts";
import { admit, type Capacity, type ClaimRequest } from "./limits.ts";
import { assignMembers, type Members } from "./membership.ts";
import { advanceLevel, isDone, type LevelProgress } from "./progress.ts";
import { deadlineOf, deadlinePassed, findOfferBlocks, findRetreat, findStartBlocks, type PredecessorView, type RingScope } from "./ring-checks.ts";
import { sortRings } from "./ring-order.ts";
import { findTargetBlocks } from "./target-checks.ts";
import { findTargets, type Target } from "./targets.ts";

export interface PlanInput {
  readonly now: Instant;
  readonly policy: PolicyInForce;
  readonly inventory: Inventory;
  readonly stored: StoredStates;
  readonly ledger: LedgerView;
  /** Newest level that each baseline resolves to. */
  readonly candidates: ReadonlyMap<string, LevelInForce>;
  /** Healthy time observed since the last plan, ms: the lesser of wall and monotonic time; 0 where nobody watched. */
  readonly observedMs: number;
  /** Exact soak of `ring/digest` where this process knows more than what is stored, ms. */
  readonly soakedMs?: ReadonlyMap<string, number>;
}

export type Action = "claim" | "continue" | "backOut" | "finish" | "halt" | "propose" | "withdraw" | "wait";

export interface Decision {
  readonly action: Action;
  readonly target: { readonly kind: string; readonly namespace: string | undefined; readonly name: string };
  readonly ring: string | undefined;
  readonly level: string | undefined;
  readonly reason: string;
  readonly message: string;
}

/** How a claim under way is to be steered. */
export interface Steering {
  readonly claim: Claim;
  /** Why it should be undone if its update has not begun. */
  readonly retreat: Block | undefined;
}

export interface RingOutcome {
  readonly ring: RingInForce;
  readonly phase: Phase;
  readonly blockedBy: readonly Block[];
  readonly members: { readonly nodes: number; readonly workloads: number };
  readonly assets: number;
  readonly compliant: number;
  /** All records, withdrawals marked: what is to be stored. */
  readonly levels: readonly RingLevelStatus[];
  /** Current entries by baseline. */
  readonly progress: ReadonlyMap<string, LevelProgress>;
  readonly entries: RingEntries;
  readonly halted: Block | undefined;
}

export interface Plan {
  readonly at: Instant;
  readonly rows: readonly AssetRow[];
  readonly decisions: readonly Decision[];
  readonly rings: readonly RingOutcome[];
  /** What may be claimed now, in order. */
  readonly claims: readonly ClaimRequest[];
  readonly steering: readonly Steering[];
  readonly capacity: Capacity;
  readonly members: Members;
  readonly targets: readonly Target[];
  readonly withdrawn: ReadonlyMap<string, ReadonlySet<Digest>>;
  /** Exact soak of `ring/digest`, ms. */
  readonly soakedMs: ReadonlyMap<string, number>;
}

/** Makes the plan. */
export function makePlan(input: PlanInput): Plan {
  const context = prepare(input);
  const rings = context.rings.map((ring) => lookAtRing(ring, context));
  const capacity = capacityOf(input, context.members);
  const wanted = rings.flatMap((view) => view.wanted);
  const { admitted, refused } = admit(
    input.ledger.claims,
    wanted.map(({ request }) => request),
    capacity,
  );
  const admittedUids = new Set(admitted.map((request) => request.uid));
  const outcome = { refused, admittedUids, views: new Map(rings.map((view) => [view.ring.name, view])) };
  const rows = context.targets.map((target) => describeTarget(target, context, outcome));
  const steering = input.ledger.claims.map((claim) => steer(claim, context, outcome.views));
  return {
    at: input.now,
    rows,
    decisions: decide(rows, rings, admitted, steering, context),
    rings: rings.map((view) => summariseRing(view, rows, context)),
    claims: input.ledger.spec.mode === "Enforce" ? admitted : [],
    steering,
    capacity,
    members: context.members,
    targets: context.targets,
    withdrawn: context.withdrawn,
    soakedMs: new Map(
      rings.flatMap((view) =>
        [...view.progress.values()].map(({ status, soakedMs }) => [`${view.ring.name}/${status.digest}`, soakedMs] as const),
      ),
    ),
  };
}

interface Context {
  readonly input: PlanInput;
  readonly rings: readonly RingInForce[];
  readonly calendars: CompiledCalendars;
  readonly members: Members;
  readonly entries: ReadonlyMap<string, RingEntries>;
  readonly records: ReadonlyMap<string, readonly RingLevelStatus[]>;
  readonly withdrawn: ReadonlyMap<string, ReadonlySet<Digest>>;
  readonly targets: readonly Target[];
  readonly targetsOf: ReadonlyMap<string, readonly Target[]>;
  readonly claimOf: ReadonlyMap<string, Claim>;
  /** Rings looked at so far: predecessors stand before their successors. */
  readonly done: Map<string, RingView>;
}

interface Wanted {
  readonly request: ClaimRequest;
  readonly target: Target;
}

interface RingView {
  readonly ring: RingInForce;
  readonly progress: ReadonlyMap<string, LevelProgress>;
  readonly scopes: ReadonlyMap<string, RingScope>;
  readonly offerBlocks: ReadonlyMap<string, readonly Block[]>;
  readonly startBlocks: ReadonlyMap<string, readonly Block[]>;
  readonly targetBlocks: ReadonlyMap<Target, readonly Block[]>;
  readonly halted: Block | undefined;
  readonly wanted: readonly Wanted[];
}

function prepare(input: PlanInput): Context {
  const { policy, inventory, now } = input;
  const rings = sortRings(policy.rings);
  const members = assignMembers(rings, inventory.nodes, inventory.workloads);
  const entries = new Map(rings.map((ring) => [ring.name, readEntries(ring, policy, now)]));
  const records = new Map(rings.map((ring) => [ring.name, recordsOf(ring, entries.get(ring.name), now)]));
  const withdrawn = new Map(rings.map((ring) => [ring.name, withdrawnIn(records.get(ring.name) ?? [])]));
  const targets = findTargets({ ...input, members, entries, withdrawn });
  const targetsOf = new Map<string, Target[]>();
  for (const target of targets) {
    const key = `${target.ring ?? ""}/${target.baseline.name}`;
    const list = targetsOf.get(key);
    if (list === undefined) targetsOf.set(key, [target]);
    else list.push(target);
  }
  const claimOf = new Map(input.ledger.claims.map((claim) => [claim.uid, claim]));
  return { input, rings, calendars: compileCalendars(policy), members, entries, records, withdrawn, targets, targetsOf, claimOf, done: new Map() };
}

/** Stored records with withdrawals marked and today's approvals present. */
function recordsOf(ring: RingInForce, entries: RingEntries | undefined, now: Instant): readonly RingLevelStatus[] {
  let records: readonly RingLevelStatus[] = ring.status?.levels ?? [];
  const baselines = new Set([...records.map((record) => record.baseline), ...(entries?.approvals.keys() ?? [])]);
  for (const baseline of [...baselines].sort()) {
    // An entry that cannot be read (its level is missing) takes nothing back: partial data never withdraws.
    if (entries?.problems.has(baseline) === true) continue;
    const level = entries?.approvals.get(baseline)?.level;
    if (level !== undefined && !records.some((record) => record.baseline === baseline && record.digest === level.digest))
      records = [...records, { baseline, level: level.name, digest: level.digest }];
    records = markWithdrawals(records, baseline, level, now);
  }
  return records;
}

function lookAtRing(ring: RingInForce, context: Context): RingView {
  const { input } = context;
  const approvals = [...(context.entries.get(ring.name)?.approvals.values() ?? [])].sort((a, b) => (a.baseline < b.baseline ? -1 : 1));
  const { calendars, problems } = calendarsOf(ring, context.calendars);
  const busy = new Set(
    input.ledger.claims
      .filter((claim) => (input.stored.nodes.get(claim.uid) ?? input.stored.workloads.get(claim.uid))?.operation?.failure === undefined)
      .map((claim) => claim.uid),
  );
  const shutGate = findShutGate(ring.spec.gates ?? [], {
    nodes: context.members.nodes.get(ring.name) ?? [],
    workloads: input.inventory.workloads,
    busy,
  });
  const scopes = new Map<string, RingScope>();
  const progress = new Map<string, LevelProgress>();
  const offerBlocks = new Map<string, readonly Block[]>();
  for (const approval of approvals) {
    const targets = context.targetsOf.get(`${ring.name}/${approval.baseline}`) ?? [];
    const record = context.records
      .get(ring.name)
      ?.find((other) => other.baseline === approval.baseline && other.digest === approval.level.digest);
    const scope: RingScope = {
      now: input.now,
      policy: input.policy,
      ring: problems.length === 0 ? ring : { ...ring, brakes: [...ring.brakes, ...problems] },
      approval,
      ledger: input.ledger,
      calendars,
      predecessors: predecessorsOfLevel(ring, approval.baseline, approval.level.digest, context),
      withdrawn: refuseWithdrawn(ring, approval.level.digest, context.rings, context.withdrawn),
      halted: undefined,
      shutGate,
      targets: targets.length,
      offeredAt: record?.offeredTime === undefined ? undefined : Date.parse(record.offeredTime),
    };
    const blocks = findOfferBlocks(scope);
    offerBlocks.set(approval.baseline, blocks);
    progress.set(
      approval.baseline,
      advanceLevel({
        now: input.now,
        ring,
        approval,
        previous: record,
        soakedMs: input.soakedMs?.get(`${ring.name}/${approval.level.digest}`),
        observedMs: input.observedMs,
        targets,
        claims: input.ledger.claims.filter((claim) => claim.ring === ring.name && claim.digest === approval.level.digest),
        stored: input.stored,
        gatesHold: shutGate === undefined,
        offered: blocks.length === 0,
      }),
    );
    scopes.set(approval.baseline, scope);
  }
  const halted = findHalt(ring, progress);
  const view = collectWanted(ring, context, { scopes, progress, offerBlocks, halted });
  context.done.set(ring.name, view);
  return view;
}

/** More failed targets than maxFailures halt the whole ring. */
function findHalt(ring: RingInForce, progress: ReadonlyMap<string, LevelProgress>): Block | undefined {
  const failures = [...progress.values()].reduce((sum, level) => sum + level.failures, 0);
  const most = ring.spec.budget?.maxFailures ?? 0;
  if (failures <= most) return undefined;
  return { reason: "RingHalted", message: `${failures} targets of ring ${ring.name} failed, ${most} may` };
}

function predecessorsOfLevel(ring: RingInForce, baseline: string, digest: Digest, context: Context): ReadonlyMap<string, PredecessorView> {
  return new Map(
    [...(ring.spec.after ?? [])].sort().map((name) => {
      const predecessor = context.rings.find((other) => other.name === name);
      const progress = context.done.get(name)?.progress.get(baseline);
      const mine = progress?.status.digest === digest ? progress : undefined;
      const record = context.records.get(name)?.find((other) => other.baseline === baseline && other.digest === digest);
      const targets = context.targetsOf.get(`${name}/${baseline}`) ?? [];
      const view: PredecessorView = {
        ring: predecessor,
        soaked: mine === undefined ? record?.soakedTime !== undefined : mine.soaked,
        progress: mine,
        empty: targets.length === 0,
        emptyPasses: predecessor?.spec.completion?.onEmpty === "Pass",
      };
      return [name, view];
    }),
  );
}

function collectWanted(
  ring: RingInForce,
  context: Context,
  found: Pick<RingView, "progress" | "scopes" | "offerBlocks" | "halted">,
): RingView {
  const startBlocks = new Map<string, readonly Block[]>();
  const targetBlocks = new Map<Target, readonly Block[]>();
  const wanted: Wanted[] = [];
  for (const [baseline, bare] of found.scopes) {
    const scope = { ...bare, halted: found.halted };
    const starts = findStartBlocks(scope);
    startBlocks.set(baseline, starts);
    const forcedAt = deadlinePassed(scope) ? deadlineOf(ring, scope.offeredAt) : undefined;
    for (const target of context.targetsOf.get(`${ring.name}/${baseline}`) ?? []) {
      if (!needsWork(target) || context.claimOf.has(target.asset.uid)) continue;
      const { policy, inventory, stored, now } = context.input;
      const blocks = findTargetBlocks({ now, policy, inventory, stored, target, ring, approval: scope.approval, forcedAt });
      targetBlocks.set(target, blocks);
      if (blocks.length === 0 && starts.length === 0 && (found.offerBlocks.get(baseline) ?? []).length === 0)
        wanted.push({ target, request: requestFor(target, scope, context) });
    }
  }
  wanted.sort((a, b) => compareWanted(a.target, b.target));
  return { ring, ...found, startBlocks, targetBlocks, wanted };
}

/** Zone by zone, then by name: a zone's nodes go together, and the order does not depend on any list's. */
function compareWanted(a: Target, b: Target): number {
  const key = (target: Target): string =>
    [target.node?.zone ?? "", target.asset.name, target.workload?.namespace ?? "", target.baseline.name].join("\u0000");
  const [left, right] = [key(a), key(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Whether something is to be done about a target, if it were allowed. */
export function needsWork(target: Target): boolean {
  const { state, offTarget, approved } = target.assessment;
  if (!approved) return false;
  if (offTarget || state === "Missing" || state === "Unknown") return true;
  // A node waits for a reboot that we may give it; a workload's pods follow their own rollout.
  if (state === "InstalledPendingReboot") return target.node !== undefined && target.level?.spec.node?.rebootPolicy !== "Never";
  return false;
}

function requestFor(target: Target, scope: RingScope, context: Context): ClaimRequest {
  const { asset, node, workload } = target;
  return {
    uid: asset.uid,
    kind: workload?.kind ?? "Node",
    ...(workload === undefined ? {} : { namespace: workload.namespace }),
    name: asset.name,
    cluster: context.input.policy.clusterName,
    ...(node?.zone === undefined ? {} : { zone: node.zone }),
    ...(node?.controlPlane === true ? { controlPlane: true } : {}),
    ring: scope.ring.name,
    baseline: scope.approval.baseline,
    level: scope.approval.level.name,
    digest: scope.approval.level.digest,
  };
}

function capacityOf({ inventory, ledger, policy }: PlanInput, members: Members): Capacity {
  return {
    nodes: inventory.nodes,
    ringOf: (uid) => {
      const membership = members.of.get(uid);
      return membership?.kind === "Ring" ? membership.ring : undefined;
    },
    ringNodes: (ring) => members.nodes.get(ring)?.length ?? 0,
    ringWorkloads: (ring) => members.workloads.get(ring)?.length ?? 0,
    workloads: inventory.workloads.length,
    limits: ledger.spec.limits ?? {},
    rings: policy.rings,
  };
}

interface Outcome {
  readonly refused: ReadonlyMap<string, Block>;
  readonly admittedUids: ReadonlySet<string>;
  readonly views: ReadonlyMap<string, RingView>;
}

function describeTarget(target: Target, context: Context, outcome: Outcome): AssetRow {
  const claim = context.claimOf.get(target.asset.uid);
  const mine = claim?.baseline === target.baseline.name;
  const blockedBy = (mine ? [] : blocksOf(target, context, outcome)).map((block) => withSince(block, target, context));
  return { ...target.assessment, ring: target.ring, phase: mine ? "InProgress" : phaseOf(target, blockedBy, outcome), blockedBy };
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
  if (!target.assessment.approved)
    return target.assessment.state === "Available"
      ? [{ reason: "WaitingForApproval", message: `ring ${membership.ring} is not yet approved for ${target.assessment.level ?? "a level"}` }]
      : [];
  if (!needsWork(target) || view === undefined) return pendingBlocks(target);
  const other = context.claimOf.get(asset.uid);
  const refused = outcome.refused.get(asset.uid);
  const blocks = [
    ...(view.targetBlocks.get(target) ?? []),
    ...(view.offerBlocks.get(baseline.name) ?? []),
    ...(view.startBlocks.get(baseline.name) ?? []),
    ...(other === undefined ? [] : [{ reason: "RingBudgetExhausted", message: `being updated under ${other.baseline}` } as const]),
  ];
  if (blocks.length === 0 && refused !== undefined) return [refused];
  if (blocks.length === 0 && context.input.ledger.spec.mode !== "Enforce")
    return [{ reason: "Observing", message: "would be updated now, but the ledger's mode is Observe" }];
  return blocks;
}

/** Not at its level, and nothing for us to do. */
function pendingBlocks(target: Target): readonly Block[] {
  return target.assessment.state === "InstalledPendingReboot"
    ? [{ reason: "RebootPending", message: "what is wanted is installed but does not run yet" }]
    : [];
}

/** The same reason as before keeps its time. */
function withSince(block: Block, target: Target, { input }: Context): Block {
  const stored = input.stored.nodes.get(target.asset.uid) ?? input.stored.workloads.get(target.asset.uid);
  const before = stored?.blockedBy?.find((other) => other.reason === block.reason)?.since;
  return { ...block, since: before === undefined ? input.now : Date.parse(before) };
}

const NOT_OFFERED = new Set(["WaitingForApproval", "PredecessorNotSoaked", "RingEmpty", "Deferred", "Unassigned", "LevelWithdrawn"]);
const QUEUED = new Set(["RingBudgetExhausted", "ZoneBudgetExhausted", "LimitReached", "LedgerFull", "Observing", "OutsideWindow"]);

function phaseOf(target: Target, blockedBy: readonly Block[], outcome: Outcome): Phase {
  if (blockedBy.some((block) => !NOT_OFFERED.has(block.reason) && !QUEUED.has(block.reason))) return "Blocked";
  if (blockedBy.some((block) => NOT_OFFERED.has(block.reason))) return "NotOffered";
  if (isDone(target)) {
    const progress = target.ring === undefined ? undefined : outcome.views.get(target.ring)?.progress.get(target.baseline.name);
    return progress?.complete === true && !progress.soaked ? "Soaking" : "Done";
  }
  if (!target.assessment.approved) return "NotOffered";
  return needsWork(target) ? "Offered" : "Done";
}

function steer(claim: Claim, context: Context, views: ReadonlyMap<string, RingView>): Steering {
  const view = views.get(claim.ring);
  const scope = view?.scopes.get(claim.baseline);
  if (scope === undefined || scope.approval.level.digest !== claim.digest) {
    const withdrawn = context.withdrawn.get(claim.ring)?.has(claim.digest as Digest) === true;
    const problem = context.entries.get(claim.ring)?.problems.get(claim.baseline);
    return {
      claim,
      retreat: problem ?? {
        reason: withdrawn ? "LevelWithdrawn" : "Superseded",
        message: withdrawn ? `the approval of ${claim.level} was taken back` : `ring ${claim.ring} is now approved for another level`,
      },
    };
  }
  return { claim, retreat: findRetreat(scope) };
}

/** What happens next, in a fixed order: claims under way, new claims, waits, then rings. */
function decide(
  rows: readonly AssetRow[],
  rings: readonly RingView[],
  admitted: readonly ClaimRequest[],
  steering: readonly Steering[],
  context: Context,
): readonly Decision[] {
  const observing = context.input.ledger.spec.mode !== "Enforce";
  const decisions: Decision[] = steering.map(({ claim, retreat }) => describeSteering(claim, retreat, context));
  for (const request of admitted)
    decisions.push({
      action: "claim",
      target: { kind: request.kind, namespace: request.namespace, name: request.name },
      ring: request.ring,
      level: request.level,
      reason: observing ? "Observing" : "Claimed",
      message: observing ? "would be updated next" : "is updated next",
    });
  const claimed = new Set([...admitted.map((request) => request.uid), ...context.claimOf.keys()]);
  for (const row of rows) {
    const [block] = row.blockedBy;
    if (block === undefined || claimed.has(row.asset.uid)) continue;
    const { kind, namespace, name } = row.asset;
    decisions.push({ action: "wait", target: { kind, namespace, name }, ring: row.ring, level: row.level, reason: block.reason, message: block.message });
  }
  for (const { ring, halted } of rings)
    if (halted !== undefined)
      decisions.push({
        action: "halt",
        target: { kind: "RolloutRing", namespace: undefined, name: ring.name },
        ring: ring.name,
        level: undefined,
        reason: halted.reason,
        message: halted.message,
      });
  return decisions;
}

const PAST_RETREAT = new Set(["Updating", "Updated", "Rebooting", "Rebooted", "Verified", "Uncordoned", "Patched", "Progressed", "RollingBack", "RolledBack"]);

function describeSteering(claim: Claim, retreat: Block | undefined, { input }: Context): Decision {
  const operation = (input.stored.nodes.get(claim.uid) ?? input.stored.workloads.get(claim.uid))?.operation;
  const step = operation?.claimId === claim.id ? operation.step : "Claimed";
  const target = { kind: claim.kind, namespace: claim.namespace, name: claim.name };
  const base = { target, ring: claim.ring, level: claim.level };
  if (operation?.failure !== undefined && operation.claimId === claim.id)
    return { ...base, action: "wait", reason: operation.failure.reason, message: operation.failure.message };
  if (retreat === undefined) return { ...base, action: "continue", reason: step, message: `at step ${step}` };
  return PAST_RETREAT.has(step)
    ? { ...base, action: "finish", reason: retreat.reason, message: `finishes, past step Updating, although ${retreat.message}` }
    : { ...base, action: "backOut", reason: retreat.reason, message: retreat.message };
}

function summariseRing(view: RingView, rows: readonly AssetRow[], context: Context): RingOutcome {
  const { ring, progress, halted } = view;
  const mine = rows.filter((row) => row.ring === ring.name);
  const records = context.records.get(ring.name) ?? [];
  const levels = records.map((record) => {
    const current = progress.get(record.baseline)?.status;
    return current !== undefined && current.digest === record.digest ? current : record;
  });
  const first = [...view.offerBlocks.values(), ...view.startBlocks.values()].flat();
  const unique = [...new Map(first.map((block) => [block.reason, block])).values()];
  const stored = ring.status?.blockedBy;
  const entries = context.entries.get(ring.name) ?? { approvals: new Map(), problems: new Map(), listed: new Set<string>() };
  return {
    ring,
    phase: ringPhase([...progress.values()], halted, entries),
    blockedBy: [...entries.problems.values(), ...unique].slice(0, 16).map((block) => {
      const before = stored?.find((other) => other.reason === block.reason)?.since;
      return { ...block, since: before === undefined ? context.input.now : Date.parse(before) };
    }),
    members: {
      nodes: context.members.nodes.get(ring.name)?.length ?? 0,
      workloads: context.members.workloads.get(ring.name)?.length ?? 0,
    },
    assets: mine.length,
    compliant: mine.filter((row) => isCompliant(row.state)).length,
    levels: prune(levels, progress),
    progress,
    entries,
    halted,
  };
}

/** Twenty records for each baseline are enough to know what was withdrawn; the current one is always kept. */
function prune(levels: readonly RingLevelStatus[], progress: ReadonlyMap<string, LevelProgress>): readonly RingLevelStatus[] {
  const kept = new Map<string, number>();
  return [...levels]
    .reverse()
    .filter((level) => {
      const count = (kept.get(level.baseline) ?? 0) + 1;
      kept.set(level.baseline, count);
      return count <= 20 || progress.get(level.baseline)?.status.digest === level.digest;
    })
    .reverse();
}

function ringPhase(levels: readonly LevelProgress[], halted: Block | undefined, entries: RingEntries): Phase {
  if (halted !== undefined || entries.problems.size > 0) return "Blocked";
  if (levels.length === 0) return "NotOffered";
  const phases = new Set(levels.map(({ status }) => status.phase ?? "NotOffered"));
  for (const phase of ["InProgress", "Offered", "Soaking", "NotOffered"] as const) if (phases.has(phase)) return phase;
  return "Done";
}

/** The ring's status as it is to be stored, without conditions. */
export function ringStatusOf(outcome: RingOutcome): Omit<RolloutRingStatus, "conditions"> {
  return {
    phase: outcome.phase,
    blockedBy: outcome.blockedBy.map(({ reason, message, since }) => ({
      reason,
      message: message.slice(0, 512),
      ...(since === undefined ? {} : { since: new Date(since).toISOString() }),
    })),
    members: outcome.members,
    assets: outcome.assets,
    compliant: outcome.compliant,
    compliantPercent: outcome.assets === 0 ? 100 : Math.floor((outcome.compliant * 100) / outcome.assets),
    levels: [...outcome.levels],
  };
}
