// One ring at one instant: what it is approved to run, how far it is, why nothing may start, and which targets want budget.
// Rings are looked at in order, so that each finds those before it done (R1, R3, R5).
import type { RingLevelStatus } from "../../api/rollout-ring.ts";
import type { Block, Digest, RingInForce } from "../model.ts";
import { calendarsOf } from "./calendars.ts";
import { type Approval, refuseWithdrawn } from "./entries.ts";
import { findShutGate } from "./gates.ts";
import type { ClaimRequest } from "./limits.ts";
import { epochOf, type Wish } from "./memory.ts";
import type { Context } from "./prepare.ts";
import { advanceLevel, isInScope, type LevelProgress, needsWork } from "./progress.ts";
import {
  deadlineOf,
  findOfferBlocks,
  findStartBlocks,
  isForced,
  type PredecessorView,
  type RingScope,
} from "./ring-checks.ts";
import { cyclesIn } from "./ring-order.ts";
import { findTargetBlocks } from "./target-checks.ts";
import type { Target } from "./targets.ts";
import { compareText } from "./text-order.ts";

export interface RingView {
  readonly ring: RingInForce;
  readonly progress: ReadonlyMap<string, LevelProgress>;
  readonly scopes: ReadonlyMap<string, RingScope>;
  readonly offerBlocks: ReadonlyMap<string, readonly Block[]>;
  readonly startBlocks: ReadonlyMap<string, readonly Block[]>;
  readonly targetBlocks: ReadonlyMap<Target, readonly Block[]>;
  /** Baselines under which some target of the ring has work to do or is in change: only there is a standstill. */
  readonly pending: ReadonlySet<string>;
  readonly halted: Block | undefined;
  readonly wanted: readonly ClaimRequest[];
}

/** Looks at one ring, after all that it comes after. */
export function lookAtRing(ring: RingInForce, context: Context): RingView {
  const { input } = context;
  const approvals = [...(context.entries.get(ring.name)?.approvals.values() ?? [])];
  const { calendars, problems } = calendarsOf(ring, context.calendars);
  const shut = [...problems, ...cyclesIn(ring, context.rings)];
  const shutGate = findShutGate(ring.spec.gates ?? [], {
    nodes: context.members.nodes.get(ring.name) ?? [],
    workloads: input.inventory.workloads,
    busy: context.busy,
  });
  const scopes = new Map<string, RingScope>();
  const progress = new Map<string, LevelProgress>();
  const offerBlocks = new Map<string, readonly Block[]>();
  for (const approval of approvals) {
    const targets = targetsOf(ring.name, approval.baseline, context);
    const record = recordOf(ring.name, approval.baseline, approval.level.digest, context);
    const scope: RingScope = {
      now: input.now,
      policy: input.policy,
      ring: shut.length === 0 ? ring : { ...ring, brakes: [...ring.brakes, ...shut] },
      approval,
      ledger: input.ledger,
      calendars,
      unreadable: problems[0],
      predecessors: predecessorsOfLevel(ring, approval, context),
      ranBefore: ranBefore(record, context.records.get(ring.name) ?? []),
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
        claims: context.claims.filter((claim) => claim.ring === ring.name && claim.baseline === approval.baseline),
        stored: input.stored,
        gatesHold: shutGate === undefined,
        offered: blocks.length === 0,
      }),
    );
    scopes.set(approval.baseline, scope);
  }
  const view = collectWanted(ring, context, { scopes, progress, offerBlocks, halted: findHalt(ring, progress) });
  context.done.set(ring.name, view);
  return view;
}

function targetsOf(ring: string, baseline: string, context: Context): readonly Target[] {
  return context.targetsOf.get(`${ring}/${baseline}`) ?? [];
}

function recordOf(ring: string, baseline: string, digest: Digest, context: Context): RingLevelStatus | undefined {
  return context.records.get(ring)?.find((other) => other.baseline === baseline && other.digest === digest);
}

/** The entry came back to a level that this ring was allowed to start before: a later one was withdrawn. */
function ranBefore(record: RingLevelStatus | undefined, records: readonly RingLevelStatus[]): boolean {
  if (record === undefined) return false;
  if (record.startedTime === undefined && record.completedTime === undefined && record.soakedTime === undefined)
    return false;
  return records
    .slice(records.indexOf(record) + 1)
    .some((later) => later.baseline === record.baseline && later.withdrawnTime !== undefined);
}

/** More failed targets than maxFailures halt the whole ring. */
function findHalt(ring: RingInForce, progress: ReadonlyMap<string, LevelProgress>): Block | undefined {
  const failures = [...progress.values()].reduce((sum, level) => sum + level.failures, 0);
  const most = ring.spec.budget?.maxFailures ?? 0;
  if (failures <= most) return undefined;
  return { reason: "RingHalted", message: `${failures} targets of ring ${ring.name} failed, ${most} may` };
}

/**
 * Which rings must have soaked the level before this one. One that has no target of it and lets levels through stands for
 * those that it comes after itself: an empty ring opens no way past them (R3, R5).
 */
function predecessorsOfLevel(
  ring: RingInForce,
  approval: Approval,
  context: Context,
  seen: ReadonlySet<string> = new Set([ring.name]),
): ReadonlyMap<string, PredecessorView> {
  const found = new Map<string, PredecessorView>();
  for (const name of [...(ring.spec.after ?? [])].sort(compareText)) {
    if (seen.has(name)) continue;
    const view = viewPredecessor(name, approval, context);
    if (view.ring !== undefined && view.empty && view.emptyPasses && !view.soaked)
      for (const [other, before] of predecessorsOfLevel(view.ring, approval, context, new Set([...seen, name])))
        found.set(other, before);
    else found.set(name, view);
  }
  return found;
}

function viewPredecessor(name: string, { baseline, level }: Approval, context: Context): PredecessorView {
  const ring = context.ringOf.get(name);
  const progress = context.done.get(name)?.progress.get(baseline);
  const mine = progress?.status.digest === level.digest ? progress : undefined;
  const record = recordOf(name, baseline, level.digest, context);
  return {
    ring,
    soaked: mine === undefined ? record?.soakedTime !== undefined : mine.soaked,
    progress: mine,
    halted: context.done.get(name)?.halted !== undefined,
    empty: !targetsOf(name, baseline, context).some(isInScope),
    emptyPasses: ring?.spec.completion?.onEmpty === "Pass",
  };
}

function collectWanted(
  ring: RingInForce,
  context: Context,
  found: Pick<RingView, "progress" | "scopes" | "offerBlocks" | "halted">,
): RingView {
  const startBlocks = new Map<string, readonly Block[]>();
  const targetBlocks = new Map<Target, readonly Block[]>();
  const pending = new Set<string>();
  const wanted: Wish[] = [];
  for (const [baseline, bare] of found.scopes) {
    const scope = { ...bare, halted: found.halted };
    const starts = findStartBlocks(scope);
    startBlocks.set(baseline, starts);
    const free = starts.length === 0 && (found.offerBlocks.get(baseline) ?? []).length === 0;
    if ((found.progress.get(baseline)?.status.inFlight ?? 0) > 0) pending.add(baseline);
    const wishOf = wisher(scope, context);
    for (const target of targetsOf(ring.name, baseline, context)) {
      if (!needsWork(target)) continue;
      pending.add(baseline);
      if (context.claimOf.has(target.asset.uid)) continue;
      const wish = wishOf(target);
      targetBlocks.set(target, wish.blocks);
      if (free && wish.blocks.length === 0) wanted.push(wish);
    }
  }
  wanted.sort((a, b) => compareText(a.order, b.order));
  return { ring, ...found, startBlocks, targetBlocks, pending, wanted: wanted.map(({ request }) => request) };
}

/** What targets of one ring and baseline wish; remembered where only the target, its stored state and policy decide it. */
function wisher(scope: RingScope, context: Context): (target: Target) => Wish {
  const { memory, input } = context;
  const { policy, inventory, stored, now } = input;
  const ring = context.ringOf.get(scope.ring.name) ?? scope.ring;
  const { approval } = scope;
  const forcedAt = isForced(scope) ? deadlineOf(ring, scope.offeredAt) : undefined;
  const make = (target: Target): Wish => ({
    blocks: findTargetBlocks({ now, policy, inventory, stored, target, ring, approval, forcedAt }),
    order: orderOf(target),
    request: requestFor(target, scope, context),
  });
  // A forced start asks for graces that end by the clock.
  if (memory === undefined || forcedAt !== undefined) return make;
  const { level } = approval;
  const epoch = epochOf(memory, `wishes/${ring.name}/${approval.baseline}`, [
    ring.spec.members,
    ring.spec.cordonedNodes,
    level.name,
    level.digest,
    policy.recipes,
    policy.clusterName,
    inventory.apiServerVersion,
  ]);
  return (target) => {
    const known = memory.wishes.get(target);
    if (known !== undefined && known.epoch === epoch) return known.wish;
    const wish = make(target);
    // An attempt that ended keeps its target waiting by the clock.
    const state = stored.nodes.get(target.asset.uid) ?? stored.workloads.get(target.asset.uid);
    if ((state?.attempted ?? []).length === 0) memory.wishes.set(target, { epoch, wish });
    return wish;
  };
}

/** Zone by zone, then by name: a zone's nodes go together, and the order does not depend on any list's. */
function orderOf({ node, workload, asset, baseline }: Target): string {
  return [node?.zone ?? "", asset.name, workload?.namespace ?? "", workload?.kind ?? "", baseline.name, asset.uid].join(
    "\u0000",
  );
}

function requestFor({ asset, node, workload }: Target, scope: RingScope, context: Context): ClaimRequest {
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
