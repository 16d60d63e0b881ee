// One rehearsal: the real planner on policy time over a pinned cluster, from event to event. What it asks for succeeds after the usual
// time, what would be proposed is merged at once, and where nothing moves any more it says why. Pure, deterministic and bounded: by a
// horizon and by a number of plans. Nothing that is decided anywhere may depend on it.
import type { Instant } from "../../clock.ts";
import { parseDuration } from "../duration.ts";
import type { Claim, PolicyInForce, RingInForce } from "../model.ts";
import { mergeEntry } from "../promotion/forecast.ts";
import { planPromotions } from "../promotion/promotions.ts";
import { compileCalendars } from "../rollout/calendars.ts";
import { resolveCandidates } from "../rollout/candidates.ts";
import { usualMinutes } from "../rollout/history.ts";
import { createPlanner, type Plan } from "../rollout/plan.ts";
import { ringStatusOf } from "../rollout/summary.ts";
import type { Steps } from "../incremental/steps.ts";
import { compareText } from "../text-order.ts";
import { nextEvent } from "./events.ts";
import { patchNode, patchWorkload } from "./patched.ts";
import { openGates, pin, type PinnedCluster } from "./scene.ts";
import { stopsOf, unclearIn } from "./stops.ts";
import { count, note, record, stageOf } from "./tally.ts";
import type { Flight, Run, Stage, World } from "./world.ts";

export interface RunOptions {
  /** ms of policy time. */
  readonly horizon: number;
  readonly mostPlans?: number;
}

/** A rehearsal that needs more plans than this says so and ends; of a large fleet, where a plan is dear, it makes fewer. */
const MOST_PLANS = 4_000;
const LEAST_PLANS = 120;
const PLANNED_TARGETS = 1_500_000;
/** A drain that has not begun its update when its window ends is backed out: about this part of an operation. */
const BEFORE_UPDATE = 1 / 3;

/** Runs one policy on a pinned cluster, in steps: a plan and what comes of it is a piece of work. */
export function* runPolicy(policy: PolicyInForce, cluster: PinnedCluster, options: RunOptions): Steps<Run> {
  const world = begin(policy, cluster, options);
  let first: Plan | undefined;
  let plan: Plan;
  for (;;) {
    plan = yield* settle(world);
    first ??= world.first ?? plan;
    const next = nextEvent(world, plan);
    world.end =
      next === undefined ? "Settled" : next > world.until ? "Horizon" : world.plans >= world.most ? "Limit" : undefined;
    if (next === undefined || world.end !== undefined) break;
    note(world, plan, next);
    world.observedMs = next - world.now;
    world.now = next;
    finish(world);
  }
  return {
    first,
    stages: inOrder([...world.stages.values()], plan),
    holds: [...world.holds.values()].flat(),
    stops: stopsOf(world, plan),
    unclear: unclearIn(world, plan),
    drained: world.drained,
    assumedGates: world.assumedGates,
    end: world.end ?? "Settled",
    endsAt: world.now,
    plans: world.plans,
  };
}

/** By ring order, then by baseline, then as they came. */
function inOrder(stages: readonly Stage[], { rings }: Plan): readonly Stage[] {
  const places = new Map(rings.map(({ ring }, index) => [ring.name, index]));
  const place = ({ ring }: Stage): number => places.get(ring) ?? rings.length;
  return [...stages].sort((a, b) => place(a) - place(b) || compareText(a.baseline, b.baseline));
}

// -------------------------------------------------------------------------------------------------------- world

function begin(given: PolicyInForce, cluster: PinnedCluster, { horizon, mostPlans }: RunOptions): World {
  const until = cluster.now + horizon;
  const { policy, assumed } = openGates(given);
  const pinned = pin(cluster, until + 1, policy.baselines);
  return {
    horizon,
    until,
    most:
      mostPlans ??
      plansFor(pinned.inventory.nodes.length + pinned.inventory.workloads.length + 50 * policy.rings.length),
    planner: createPlanner(),
    candidates: resolveCandidates(given, cluster.stored, cluster.now).levels,
    calendars: compileCalendars(policy),
    minutes: new Map(),
    stages: new Map(),
    holds: new Map(),
    merged: new Set(),
    tried: new Set(),
    soaks: new Map(),
    drained: [],
    assumedGates: assumed,
    policy,
    cluster: pinned,
    nodes: new Map(pinned.inventory.nodes.map((node) => [node.uid, node])),
    workloads: new Map(pinned.inventory.workloads.map((workload) => [workload.uid, workload])),
    flights: [],
    now: cluster.now,
    offered: undefined,
    observedMs: 0,
    last: undefined,
    first: undefined,
    end: undefined,
    plans: 0,
    claims: 0,
  };
}

function plansFor(size: number): number {
  return Math.min(MOST_PLANS, Math.max(LEAST_PLANS, Math.floor(PLANNED_TARGETS / Math.max(1, size))));
}

/** Plans and carries out until nothing more happens at this instant. */
function* settle(world: World): Steps<Plan> {
  for (let round = 0; ; round += 1) {
    const plan = yield* planNow(world);
    yield;
    if (world.first === undefined) {
      world.first = plan;
      takeOver(world, plan);
    }
    const moved = backOut(world, plan) || promote(world, plan) || claim(world, plan);
    if (!moved || round > 3 * world.policy.rings.length + 10) return plan;
  }
}

function* planNow(world: World): Steps<Plan> {
  const { cluster, last } = world;
  world.plans += 1;
  const plan = yield* world.planner.planInSteps({
    ...cluster,
    now: world.now,
    policy: world.policy,
    candidates: world.candidates,
    observedMs: world.observedMs,
    ...(last === undefined ? {} : { soakedMs: last.soakedMs, gateHeldMs: last.gateHeldMs, gatesHeld: last.gatesHeld }),
  });
  world.observedMs = 0;
  world.last = plan;
  const outcomes = new Map(plan.rings.map((outcome) => [outcome.ring.name, outcome]));
  world.policy = {
    ...world.policy,
    rings: world.policy.rings.map((ring): RingInForce => {
      const outcome = outcomes.get(ring.name);
      if (outcome === undefined) return ring;
      const gates = ring.status?.gates;
      return { ...ring, status: { ...ringStatusOf(outcome), ...(gates === undefined ? {} : { gates }) } };
    }),
  };
  record(world, plan);
  return plan;
}

/** Claims that stand already end as new ones do, but for those that failed: they hold their budget. */
function takeOver(world: World, plan: Plan): void {
  const { ledger, stored } = world.cluster;
  const targets = new Map(plan.targets.map((target) => [`${target.asset.uid}/${target.baseline.name}`, target]));
  world.flights = ledger.claims.flatMap((one): readonly Flight[] => {
    const operation = (stored.nodes.get(one.uid) ?? stored.workloads.get(one.uid))?.operation;
    if (operation?.failure !== undefined) return [];
    const found = targets.get(`${one.uid}/${one.baseline}`);
    const target =
      found?.level?.digest === one.digest ? { assessment: found.assessment, level: found.level } : undefined;
    const since = Date.parse(one.since);
    const endsAt = Math.max(world.now, (Number.isNaN(since) ? world.now : since) + lengthOf(world, one));
    return [{ claim: one, endsAt, target }];
  });
}

function lengthOf(world: World, { baseline, kind }: Pick<Claim, "baseline" | "kind">): number {
  const unit = kind === "Node" ? "Node" : "Workload";
  const key = `${unit}/${baseline}`;
  let minutes = world.minutes.get(key);
  if (minutes === undefined) world.minutes.set(key, (minutes = usualMinutes(world.cluster.stored, baseline, unit)));
  return minutes * 60_000;
}

// --------------------------------------------------------------------------------------------------- carried out

/** What is to be undone and has not begun its update gives its budget back. */
function backOut(world: World, plan: Plan): boolean {
  const retreating = new Set(plan.steering.flatMap((one) => (one.retreat === undefined ? [] : [one.claim.id])));
  if (retreating.size === 0) return false;
  const begun = (flight: Flight): boolean => {
    const length = lengthOf(world, flight.claim);
    return world.now >= flight.endsAt - length * (1 - BEFORE_UPDATE);
  };
  const gone = new Set(
    world.flights.flatMap((flight) => (retreating.has(flight.claim.id) && !begun(flight) ? [flight.claim.id] : [])),
  );
  if (gone.size === 0) return false;
  world.flights = world.flights.filter(({ claim: { id } }) => !gone.has(id));
  free(world, gone);
  return true;
}

/** Automatic entries are written, and what would be proposed is merged. */
function promote(world: World, plan: Plan): boolean {
  // What is on offer hangs on entries, soaks, scopes and deferrals alone; asking costs as much as a plan.
  const state = offerState(world, plan);
  if (world.offered === state) return false;
  world.offered = state;
  const { policy, candidates, now } = world;
  const { automatic, proposals } = planPromotions(plan, { policy, candidates, proposals: [], now });
  const wanted = [
    ...automatic.flatMap(({ ring, entries }) =>
      entries.map((entry) => ({ ...entry, ring, approval: "Automatic" as const })),
    ),
    ...proposals.map((proposal) => ({ ...proposal, approval: "Proposal" as const })),
  ];
  let moved = false;
  for (const one of wanted) {
    const key = JSON.stringify([one.ring.name, one.baseline, one.level.digest, one.maxTargets]);
    if (world.merged.has(key)) continue;
    world.merged.add(key);
    world.policy = mergeEntry(world.policy, one);
    moved = true;
    if (one.kind === "Scope") continue;
    const stage = stageOf(world, one.ring.name, one.baseline, one.level);
    stage.approval = one.approval;
    stage.approvedAt = now;
  }
  return moved;
}

function offerState({ now, candidates }: World, { rings }: Plan): string {
  return JSON.stringify([
    [...candidates.values()].filter(({ inputTime }) => inputTime <= now).length,
    rings.map(({ ring, entries, progress, halted }) => [
      ring.spec.deferral === undefined ? 0 : passedDeferrals(ring.spec.deferral, candidates, now),
      [...entries.approvals.values()].map(({ baseline, level, entry }) => [baseline, level.digest, entry.maxTargets]),
      [...progress.values()].map(({ soaked, scope }) => [soaked, scope]),
      halted?.reason,
    ]),
  ]);
}

function passedDeferrals(deferral: string, candidates: World["candidates"], now: Instant): number {
  const wait = parseDuration(deferral) ?? 0;
  return [...candidates.values()].filter(({ inputTime }) => inputTime + wait <= now).length;
}

function claim(world: World, plan: Plan): boolean {
  const wanted = plan.claims.filter(({ uid, digest }) => !world.tried.has(`${uid}/${digest}`));
  if (wanted.length === 0) return false;
  const uids = new Set(wanted.map(({ uid }) => uid));
  const targets = new Map(
    plan.targets.flatMap((target) =>
      uids.has(target.asset.uid) ? [[`${target.asset.uid}/${target.baseline.name}`, target] as const] : [],
    ),
  );
  const since = new Date(world.now).toISOString();
  const flights = wanted.map((request): Flight => {
    const found = targets.get(`${request.uid}/${request.baseline}`);
    const target = found?.level === undefined ? undefined : { assessment: found.assessment, level: found.level };
    const made: Claim = { ...request, id: `rehearsal-${(world.claims += 1)}`, since };
    return { claim: made, endsAt: world.now + lengthOf(world, request), target };
  });
  world.flights = [...world.flights, ...flights];
  const { ledger } = world.cluster;
  world.cluster = {
    ...world.cluster,
    ledger: { ...ledger, claims: [...ledger.claims, ...flights.map((flight) => flight.claim)] },
  };
  return true;
}

/** Operations whose time is over have succeeded. */
function finish(world: World): void {
  const over = world.flights.filter(({ endsAt }) => endsAt <= world.now);
  if (over.length === 0) return;
  const nodes = new Map(world.cluster.stored.nodes);
  const workloads = new Map(world.cluster.stored.workloads);
  const time = new Date(world.until + 1).toISOString();
  for (const { claim: one, target } of over) {
    world.tried.add(`${one.uid}/${one.digest}`);
    if (target === undefined) continue;
    const node = world.nodes.get(one.uid);
    const workload = world.workloads.get(one.uid);
    count(world, one, target.level, node);
    if (node !== undefined) {
      const patched = patchNode(node, nodes.get(one.uid) ?? {}, target.assessment, { level: target.level, time });
      world.nodes.set(one.uid, patched.node);
      nodes.set(one.uid, patched.state);
    } else if (workload !== undefined) {
      world.workloads.set(one.uid, patchWorkload(workload, target.level));
      const { operation: _, ...kept } = workloads.get(one.uid) ?? {};
      workloads.set(one.uid, kept);
    }
  }
  const gone = new Set(over.map((flight) => flight.claim.id));
  world.flights = world.flights.filter(({ claim: { id } }) => !gone.has(id));
  world.cluster = {
    ...world.cluster,
    inventory: {
      ...world.cluster.inventory,
      nodes: [...world.nodes.values()],
      workloads: [...world.workloads.values()],
    },
    stored: { nodes, workloads },
  };
  free(world, gone);
}

function free(world: World, ids: ReadonlySet<string>): void {
  const { ledger } = world.cluster;
  const claims = ledger.claims.filter(({ id }) => !ids.has(id));
  world.cluster = { ...world.cluster, ledger: { ...ledger, claims } };
}
