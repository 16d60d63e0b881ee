// One ring at one instant: what it is approved to run, how far it is, why nothing may start, and which targets want budget.
// Rings are looked at in order, so that each finds those before it done (R1, R3, R5).
import type { RingLevelStatus } from "../../api/rollout-ring.ts";
import type { Block, Claim, Digest, RingInForce } from "../model.ts";
import { calendarsOf } from "./calendars.ts";
import { type Approval, refuseWithdrawn } from "./entries.ts";
import { findBlockedNodes, type GateFacts, type GateOutcome, lookAtGates } from "./gates.ts";
import { type Share, without } from "./census.ts";
import { isSameList, recallInSteps, revise, settle } from "../incremental/memory.ts";
import type { Steps } from "../incremental/steps.ts";
import { makeOfPieces, type MadeOfPieces, type Pieces } from "../incremental/pieces.ts";
import type { QueuePiece } from "./limits.ts";
import { type BlockingCensus, countPods, findBlocking, type PodCensus } from "./pod-census.ts";
import type { Context } from "./prepare.ts";
import { advanceLevel, type LevelProgress, sumTallies, type Tally, tallyTargets } from "./progress.ts";
import { type Queue, queueAgain } from "./queue.ts";
import type { TargetRecord, Wish } from "./target-record.ts";
import { findOfferBlocks, findStartBlocks, type PredecessorView, type RingScope } from "./ring-checks.ts";
import { cyclesIn } from "./ring-order.ts";
import type { Group } from "./survey.ts";
import { compareText } from "../text-order.ts";
import { findWishes, type Wishes } from "./wishes.ts";

export interface RingView {
  readonly ring: RingInForce;
  readonly progress: ReadonlyMap<string, LevelProgress>;
  readonly scopes: ReadonlyMap<string, RingScope>;
  readonly offerBlocks: ReadonlyMap<string, readonly Block[]>;
  readonly startBlocks: ReadonlyMap<string, readonly Block[]>;
  /** Baselines under which some target of the ring has work to do or is in change: only there is a standstill. */
  readonly pending: ReadonlySet<string>;
  readonly halted: Block | undefined;
  readonly gates: readonly GateOutcome[];
  readonly wishes: ReadonlyMap<string, Wishes>;
  /** In the order of claims. */
  readonly wanted: readonly QueuePiece[];
}

/** Looks at one ring, after all that it comes after. */
export function* lookAtRing(ring: RingInForce, context: Context): Steps<RingView> {
  const { input } = context;
  const approvals = [...(context.entries.get(ring.name)?.approvals.values() ?? [])];
  const { calendars, problems } = calendarsOf(ring, context.calendars);
  const shut = [...problems, ...cyclesIn(ring, context.rings)];
  const gates = ring.spec.gates ?? [];
  const facts = gates.length === 0 ? NO_FACTS : gateFactsOf(ring, context);
  const outcomes = lookAtGates(gates, facts, {
    ring: ring.name,
    now: input.now,
    readings: input.readings,
    stored: ring.status?.gates ?? [],
    heldMs: input.gateHeldMs,
    observedMs: input.observedMs,
  });
  const shutGate = outcomes.find(({ block }) => block !== undefined)?.block;
  const blockingPods = revise(
    context.memory,
    `blocked/${ring.name}`,
    (before: ReadonlyMap<string, Block> | undefined) => settle(before, findBlockedNodes(gates, facts)),
  );
  const scopes = new Map<string, RingScope>();
  const progress = new Map<string, LevelProgress>();
  const offerBlocks = new Map<string, readonly Block[]>();
  for (const approval of approvals) {
    const group = groupOf(ring.name, approval.baseline, context);
    const claims = context.claims.filter((claim) => claim.ring === ring.name && claim.baseline === approval.baseline);
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
      blockingPods,
      targets: group.size,
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
        tally: yield* tallyOf(group, claims, context),
        claims,
        stored: input.stored,
        // Of the time between two looks nothing counts unless both found every gate open.
        gatesHold: shutGate === undefined && (input.gatesHeld?.has(ring.name) ?? true),
        offered: blocks.length === 0,
      }),
    );
    scopes.set(approval.baseline, scope);
  }
  const view = yield* collectWanted(ring, context, {
    scopes,
    progress,
    offerBlocks,
    halted: findHalt(ring, progress),
    gates: outcomes,
  });
  context.done.set(ring.name, view);
  return view;
}

function groupOf(ring: string, baseline: string, context: Context): Group {
  const none = { ring, baseline, records: [], size: 0, compliant: 0, scope: 0 };
  return context.survey.groups.get(`${ring}/${baseline}`) ?? none;
}

interface KnownTally {
  readonly uids: readonly string[];
  readonly made: MadeOfPieces<TargetRecord, Tally>;
  readonly sum: Tally;
}

function* tallyOf(
  { ring = "", baseline, records }: Group,
  claims: readonly Claim[],
  { memory }: Context,
): Steps<Tally> {
  const uids = claims.map((claim) => claim.uid);
  const { sum } = yield* recallInSteps(
    memory,
    `tally/${ring}/${baseline}`,
    [records, ...uids],
    function* (before: KnownTally | undefined): Steps<KnownTally> {
      const same = before !== undefined && isSameList(before.uids, uids);
      const claimed = new Set(uids);
      const made = yield* makeOfPieces(same ? before.made : undefined, records, (piece) =>
        tallyTargets(piece, claimed),
      );
      return { uids, made, sum: sumTallies([...made.values()]) };
    },
  );
  return sum;
}

const NO_SHARE: Share = { total: 0, well: 0 };
const NO_FACTS: GateFacts = {
  nodes: NO_SHARE,
  workloads: NO_SHARE,
  podsOf: () => NO_SHARE,
  blockingOf: () => [],
};

function gateFactsOf(ring: RingInForce, { input, census, busy, survey, memory, members }: Context): GateFacts {
  const { pods } = input.inventory;
  const held = [...busy].flatMap((uid) => survey.byUid.get(uid) ?? []);
  return {
    ...without(census, ring.name, held),
    podsOf: (gate) => {
      const { byNode } = revise(memory, `pods/${ring.name}/${gate.name}`, (before: PodCensus | undefined) =>
        countPods(before, pods, gate.pods),
      );
      return sumUp(
        (members.nodes.get(ring.name) ?? []).filter(({ uid }) => !busy.has(uid)).map(({ name }) => byNode.get(name)),
      );
    },
    blockingOf: (gate) =>
      revise(memory, `blocking/${ring.name}/${gate.name}`, (before: BlockingCensus | undefined) =>
        findBlocking(before, pods, gate.pods ?? {}),
      ).selection.chosen,
  };
}

function sumUp(shares: readonly (Share | undefined)[]): Share {
  return shares.reduce<Share>(
    (sum, share) => ({ total: sum.total + (share?.total ?? 0), well: sum.well + (share?.well ?? 0) }),
    NO_SHARE,
  );
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
    empty: groupOf(name, baseline, context).scope === 0,
    emptyPasses: ring?.spec.completion?.onEmpty === "Pass",
  };
}

function* collectWanted(
  ring: RingInForce,
  context: Context,
  found: Pick<RingView, "progress" | "scopes" | "offerBlocks" | "halted" | "gates">,
): Steps<RingView> {
  const startBlocks = new Map<string, readonly Block[]>();
  const pending = new Set<string>();
  const wishesOf = new Map<string, Wishes>();
  const ready: Pieces<Wish>[] = [];
  for (const [baseline, bare] of found.scopes) {
    const scope = { ...bare, halted: found.halted };
    const starts = findStartBlocks(scope);
    startBlocks.set(baseline, starts);
    const wishes = yield* findWishes(groupOf(ring.name, baseline, context), scope, context);
    wishesOf.set(baseline, wishes);
    if (wishes.pending || (found.progress.get(baseline)?.status.inFlight ?? 0) > 0) pending.add(baseline);
    const free = starts.length === 0 && (found.offerBlocks.get(baseline) ?? []).length === 0;
    if (free) ready.push(wishes.ready);
  }
  const { wanted } = yield* recallInSteps(context.memory, `queue/${ring.name}`, ready, (before: Queue | undefined) =>
    queueAgain(before, ready.flat()),
  );
  return { ring, ...found, startBlocks, pending, wishes: wishesOf, wanted };
}
