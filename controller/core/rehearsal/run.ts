// One rehearsal: the real planner on policy time over a pinned cluster, from event to event. What it asks for succeeds after the usual
// time, what would be proposed is merged at once, and where nothing moves any more it says why. Pure, deterministic and bounded: by a
// horizon and by a number of plans. Nothing that is decided anywhere may depend on it.
import type { Reason } from "../../api/reasons.ts";
import type { Instant } from "../../clock.ts";
import { nextChange, nextStart } from "../calendar/index.ts";
import { parseDuration } from "../duration.ts";
import type {
  AssetRow,
  Assessment,
  Claim,
  LevelInForce,
  NodeAsset,
  PolicyInForce,
  RingInForce,
  WorkloadAsset,
} from "../model.ts";
import { drainsNode } from "../operations/forecast.ts";
import { mergeEntry } from "../promotion/forecast.ts";
import { planPromotions } from "../promotion/promotions.ts";
import { calendarsOf, compileCalendars } from "../rollout/calendars.ts";
import { resolveCandidates } from "../rollout/candidates.ts";
import { usualMinutes } from "../rollout/history.ts";
import { createPlanner, type Plan, type Planner, type RingOutcome, ringStatusOf } from "../rollout/plan.ts";
import { deadlineOf } from "../rollout/ring-checks.ts";
import type { Steps } from "../incremental/steps.ts";
import { compareText } from "../text-order.ts";
import { patchNode, patchWorkload } from "./patched.ts";
import { openGates, pin, type PinnedCluster } from "./scene.ts";

/** One ring's way to one level of a baseline. */
export interface Stage {
  readonly ring: string;
  readonly baseline: string;
  readonly level: string;
  readonly digest: string;
  readonly target: "Node" | "Image";
  /** `Policy`: its entry names the level; `Automatic`: written by the controller; `Proposal`: a person is taken to merge at once. */
  readonly approval: "Policy" | "Automatic" | "Proposal";
  /** When the entry names it; undefined: it does already. */
  readonly approvedAt?: Instant;
  readonly offeredAt?: Instant;
  /** The first target that is claimed in the rehearsal. */
  readonly startsAt?: Instant;
  readonly completeAt?: Instant;
  readonly soakedAt?: Instant;
  /** In scope, and done at the end. */
  readonly targets: number;
  readonly done: number;
  /** Updated in the rehearsal; with a drain; with a reboot. */
  readonly updated: number;
  readonly drained: number;
  readonly rebooted: number;
}

/** What held a ring up on its way. */
export interface Hold {
  readonly ring: string;
  readonly reason: Reason;
  readonly message: string;
  readonly from: Instant;
  readonly to: Instant;
}

/** Where it stands still at the end, and why. */
export interface Stop {
  readonly ring: string;
  readonly baseline: string | undefined;
  readonly reason: Reason;
  readonly message: string;
  /** Targets; 0: the ring as a whole. */
  readonly targets: number;
  /** The first of them by name. */
  readonly names: readonly string[];
}

export interface Run {
  /** The plan at the beginning: what is so at once. */
  readonly first: Plan;
  readonly stages: readonly Stage[];
  readonly holds: readonly Hold[];
  readonly stops: readonly Stop[];
  /** Targets of which it cannot tell whether their update brought what was wanted. */
  readonly unclear: readonly string[];
  /** Nodes that were drained, in the order in which they came. */
  readonly drained: readonly { readonly ring: string; readonly node: string }[];
  /** `ring/gate` of gates that are taken to hold. */
  readonly assumedGates: readonly string[];
  /** `Settled`: nothing moves any more. */
  readonly end: "Settled" | "Horizon" | "Limit";
  readonly endsAt: Instant;
  readonly plans: number;
}

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
const HOUR = 3_600_000;

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

interface Flight {
  readonly claim: Claim;
  readonly endsAt: Instant;
  /** What it was found to run when it was claimed; undefined: it was under way before, at a level that is no longer approved. */
  readonly target: { readonly assessment: Assessment; readonly level: LevelInForce } | undefined;
}

type WritableStage = { -readonly [Key in keyof Stage]: Stage[Key] };

interface World {
  readonly horizon: number;
  readonly until: Instant;
  readonly most: number;
  readonly planner: Planner;
  readonly candidates: ReadonlyMap<string, LevelInForce>;
  readonly calendars: ReturnType<typeof compileCalendars>;
  readonly minutes: Map<string, number>;
  readonly stages: Map<string, WritableStage>;
  readonly holds: Map<string, Hold[]>;
  readonly merged: Set<string>;
  /** Updated once, and still not seen at the level: what the rehearsal cannot tell. */
  readonly tried: Set<string>;
  /** How far each soak is, and since when so, by ring and digest: one that time alone does not move is waited for no longer. */
  readonly soaks: Map<string, { readonly is: string; readonly since: Instant }>;
  readonly drained: { readonly ring: string; readonly node: string }[];
  readonly assumedGates: readonly string[];
  policy: PolicyInForce;
  cluster: PinnedCluster;
  nodes: Map<string, NodeAsset>;
  workloads: Map<string, WorkloadAsset>;
  flights: readonly Flight[];
  now: Instant;
  /** What was on offer was last looked at in this state. */
  offered: string | undefined;
  observedMs: number;
  last: Plan | undefined;
  first: Plan | undefined;
  end: Run["end"] | undefined;
  plans: number;
  claims: number;
}

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

// ----------------------------------------------------------------------------------------------------- recording

function stageOf(world: World, ring: string, baseline: string, level: LevelInForce): WritableStage {
  const key = JSON.stringify([ring, baseline, level.digest]);
  let stage = world.stages.get(key);
  if (stage === undefined) {
    stage = {
      ring,
      baseline,
      level: level.name,
      digest: level.digest,
      target: level.spec.target,
      approval: "Policy",
      targets: 0,
      done: 0,
      updated: 0,
      drained: 0,
      rebooted: 0,
    };
    world.stages.set(key, stage);
  }
  return stage;
}

function record(world: World, plan: Plan): void {
  const { now } = world;
  for (const { ring, entries, progress } of plan.rings)
    for (const [baseline, { status, soaked, complete, soakedMs }] of progress) {
      const level = entries.approvals.get(baseline)?.level;
      if (level === undefined) continue;
      const stage = stageOf(world, ring.name, baseline, level);
      stage.targets = status.targets ?? 0;
      stage.done = status.done ?? 0;
      if (status.offeredTime !== undefined) stage.offeredAt ??= Date.parse(status.offeredTime);
      if ((status.inFlight ?? 0) > 0) stage.startsAt ??= now;
      if (complete && stage.offeredAt !== undefined) stage.completeAt ??= now;
      if (soaked) stage.soakedAt ??= now;
      const key = `${ring.name}/${level.digest}`;
      const is = JSON.stringify([soakedMs, complete, status.offeredTime !== undefined]);
      if (world.soaks.get(key)?.is !== is) world.soaks.set(key, { is, since: now });
    }
}

function count(world: World, one: Claim, level: LevelInForce, node: NodeAsset | undefined): void {
  const stage = stageOf(world, one.ring, one.baseline, level);
  stage.updated += 1;
  if (node === undefined) return;
  if (drainsNode(level.spec, node)) {
    stage.drained += 1;
    world.drained.push({ ring: one.ring, node: node.name });
  }
  if (level.spec.disruption === "Reboot") stage.rebooted += 1;
}

/** What holds a ring up until the next event. */
function note(world: World, plan: Plan, to: Instant): void {
  for (const { ring, blockedBy } of plan.rings)
    for (const { reason, message } of blockedBy) {
      const list = world.holds.get(ring.name) ?? [];
      // A freeze is told from another one; of windows and the rest the reason is enough.
      const before = list.findLastIndex(
        (one) => one.reason === reason && (reason !== "Frozen" || one.message === message),
      );
      const known = list[before];
      if (known !== undefined && (known.to === world.now || reason !== "Frozen")) list[before] = { ...known, to };
      else list.push({ ring: ring.name, reason, message, from: world.now, to });
      world.holds.set(ring.name, list);
    }
}

// -------------------------------------------------------------------------------------------------------- events

/** The next instant at which a plan could be another one; undefined: never. */
function nextEvent(world: World, plan: Plan): Instant | undefined {
  const { now } = world;
  let next = Infinity;
  const at = (time: Instant | undefined): void => {
    if (time !== undefined && time > now && time < next) next = time;
  };
  for (const { endsAt } of world.flights) at(endsAt);
  for (const { spec } of world.policy.exceptions) at(Date.parse(spec.expirationTime));
  const flying = new Set(world.flights.map((flight) => flight.claim.ring));
  for (const outcome of plan.rings) ringEvents(world, outcome, flying.has(outcome.ring.name), at);
  if (plan.rows.some(({ blockedBy }) => blockedBy.some(({ reason }) => reason === "GracePeriod"))) at(now + HOUR);
  return next === Infinity ? undefined : next;
}

function ringEvents(
  world: World,
  outcome: RingOutcome,
  flying: boolean,
  at: (time: Instant | undefined) => void,
): void {
  const { now } = world;
  const { ring, blockedBy, progress, entries } = outcome;
  const { calendars } = calendarsOf(ring, world.calendars);
  const waits = blockedBy.some(({ reason }) => reason === "OutsideWindow" || reason === "Frozen");
  if (waits) {
    at(nextStart(calendars, now));
    const skips = [...entries.approvals.values()].flatMap(({ skips: own }) => [...own]);
    if (skips.length > 0)
      at(nextStart(calendars, now, { expedite: skips.includes("Freezes"), ignoreWindows: skips.includes("Windows") }));
  }
  if (flying || waits) for (const calendar of calendars) at(flying ? nextChange(calendar, now) : undefined);
  const deferral = parseDuration(ring.spec.deferral ?? "0s") ?? 0;
  const grace = parseDuration(ring.spec.gracePeriod ?? "0s") ?? 0;
  for (const level of [...world.candidates.values(), ...[...entries.approvals.values()].map((one) => one.level)])
    at(level.inputTime + deferral);
  for (const { entry } of entries.approvals.values())
    if (entry.expedite !== undefined) at(Date.parse(entry.expedite.until));
  const wanted = parseDuration(ring.spec.soak ?? "24h") ?? Infinity;
  for (const { status, complete, soaked, soakedMs } of progress.values()) {
    const offeredAt = status.offeredTime === undefined ? undefined : Date.parse(status.offeredTime);
    const deadline = ring.spec.onDeadline === "IgnoreWindows" ? deadlineOf(ring, offeredAt) : undefined;
    at(deadline);
    if (deadline !== undefined) at(deadline + grace);
    // A soak that did not move since the last event (a shut gate) is no event.
    const moved = world.soaks.get(`${ring.name}/${status.digest}`)?.since === now;
    if (complete && !soaked && offeredAt !== undefined && moved) at(now + wanted - soakedMs);
  }
}

// --------------------------------------------------------------------------------------------------------- stops

const MOST_NAMES = 20;

/** What is left of the work, by ring, baseline and reason. */
function stopsOf(world: World, plan: Plan): readonly Stop[] {
  const stops: Stop[] = [];
  for (const outcome of plan.rings) {
    const { ring, blockedBy, progress, entries } = outcome;
    const unsoaked = new Set([...progress].flatMap(([baseline, { soaked }]) => (soaked ? [] : [baseline])));
    const rows = plan.rows.filter(
      (row) => row.ring === ring.name && row.blockedBy.length > 0 && (unsoaked.has(row.baseline) || isStuck(row)),
    );
    const groups = Map.groupBy(rows, (row) => JSON.stringify([row.baseline, row.blockedBy[0]?.reason]));
    const mine = [...groups.values()].map((list): Stop => {
      const [row] = list as [AssetRow];
      const { reason, message } = row.blockedBy[0] as NonNullable<(typeof row.blockedBy)[0]>;
      const names = list.map((one) => nameAsset(one.asset)).sort();
      return {
        ring: ring.name,
        baseline: row.baseline,
        reason,
        message,
        targets: list.length,
        names: names.slice(0, MOST_NAMES),
      };
    });
    stops.push(...mine);
    const told = new Set(mine.map(({ reason }) => reason));
    if (unsoaked.size > 0 || entries.problems.size > 0)
      for (const { reason, message } of blockedBy)
        if (!told.has(reason))
          stops.push({ ring: ring.name, baseline: undefined, reason, message, targets: 0, names: [] });
  }
  return [...stops, ...unreached(world, plan)];
}

/** Levels that are held back from a ring. */
function unreached({ policy, candidates, now }: World, plan: Plan): readonly Stop[] {
  const { decisions } = planPromotions(plan, { policy, candidates, proposals: [], now });
  return decisions.flatMap(({ action, ring, level, reason, message }) =>
    action === "wait" && ring !== undefined
      ? [
          {
            ring,
            baseline: undefined,
            reason: reason as Reason,
            message: level === undefined ? message : `${level}: ${message}`,
            targets: 0,
            names: [],
          },
        ]
      : [],
  );
}

/** Updated in the rehearsal, and still not seen at the level: what it cannot tell. */
function unclearIn({ tried }: World, { rows }: Plan): readonly string[] {
  return rows
    .filter((row) => row.digest !== undefined && row.state === "Missing" && tried.has(`${row.asset.uid}/${row.digest}`))
    .map(({ asset }) => nameAsset(asset));
}

/** Work is wanted here, and does not come. */
function isStuck({ approved, state, phase }: AssetRow): boolean {
  return approved && (state === "Missing" || state === "Failed" || state === "Unknown" || phase === "Blocked");
}

/** `Node n1`, `Deployment shop/web`. */
export function nameAsset({ kind, namespace, name }: Pick<AssetRow["asset"], "kind" | "namespace" | "name">): string {
  return `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`;
}
