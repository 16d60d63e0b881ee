// The world as a history tells it: replays stored versions one by one and keeps what the checks ask for. Every value in its maps is
// immutable, so a world is cloned by copying maps. It also names what a controller did to a target in a change (an Act), once for all.
import { isDeepStrictEqual } from "node:util";
import type { PatchBaselineSpec } from "../../api/patch-baseline.ts";
import type { PolicyRepositorySpec } from "../../api/policy-repository.ts";
import type { RolloutRingSpec, RolloutRingStatus } from "../../api/rollout-ring.ts";
import type { MaintenanceCalendarSpec } from "../../api/maintenance-calendar.ts";
import type { PatchLevelSpec } from "../../api/patch-level.ts";
import type { LabelSelector } from "../../api/schema.ts";
import type { Instant } from "../../clock.ts";
import { type Calendar, compileCalendar } from "../../core/calendar/index.ts";
import { levelDigest } from "../../core/levels/index.ts";
import type { Claim } from "../../core/model.ts";
import { CONTROLLER_LEASE } from "../../kube/lease.ts";
import type { KubeObject } from "../../kube/port.ts";
import type { StoredVersion } from "../apiserver/index.ts";
import { nameAct } from "./acts.ts";
import { coversKernel, findBelow } from "./node-report.ts";
import {
  at,
  CLAIM_MARK,
  evictableFrom,
  JOB_NAMESPACE,
  type LedgerFacts,
  listAt,
  type NodeView,
  type OperationView,
  readLedger,
  readNode,
  readPatchState,
  readWorkload,
  STEP_LABEL,
  textAt,
  type WorkloadView,
} from "./readings.ts";

const LEASES = "leases.coordination.k8s.io";

/** What a controller did to a target in one change. */
export interface Act {
  readonly kind:
    | "Mark"
    | "Cordon"
    | "Unmark"
    | "Uncordon"
    | "NodeWrite"
    | "Evict"
    /** A job was made that does not run yet. */
    | "PrepareJob"
    /** A job was let run. */
    | "Job"
    /** A job that had not ended was deleted after it was let run. */
    | "KillJob"
    | "Images"
    | "WorkloadMark";
  /** The target's UID; empty where the target is not there. */
  readonly uid: string;
  /** The claim that the act names; for an eviction the one that the node bears. */
  readonly claimId: string | undefined;
  /** Name of the node or workload. */
  readonly target: string;
  /** Recipe step of a job. */
  readonly step?: string;
}

export interface LedgerChange {
  readonly before: LedgerFacts | undefined;
  readonly after: LedgerFacts;
  /** Claims that never stood anywhere before: neither in the ledger nor on their target. */
  readonly fresh: readonly Claim[];
  readonly freed: readonly Claim[];
}

/** One change of the history. */
export interface Step {
  readonly version: StoredVersion;
  readonly now: Instant;
  readonly byController: boolean;
  readonly acts: readonly Act[];
  readonly ledger: LedgerChange | undefined;
  /** The node as it was before this change of it. */
  readonly nodeBefore: NodeView | undefined;
}

export interface RingView {
  readonly spec: RolloutRingSpec;
  readonly status: RolloutRingStatus | undefined;
  /** Since when it says who its members are as it does. */
  readonly membersSince: Instant;
  /** Since when it is suspended; undefined: it is not. */
  readonly suspendedSince: Instant | undefined;
}

/** Nodes that a baseline is about, beside its product. */
export interface BaselineView {
  /** Undefined: it selects none. */
  readonly nodeSelector: LabelSelector | undefined;
  /** Since when it says so. */
  readonly since: Instant;
}

/** The PolicyRepository that counts: the oldest. */
export interface RepositoryView {
  readonly name: string;
  readonly spec: PolicyRepositorySpec;
  readonly observed: string | undefined;
  readonly observedSince: Instant;
  /** What `observed` was before; undefined: nothing. */
  readonly observedBefore: string | undefined;
  readonly fetched: string | undefined;
  readonly fetchedSince: Instant;
  readonly verified: string | undefined;
  /** Reason of its condition Stalled. */
  readonly stalled: string | undefined;
  readonly stalledSince: Instant;
}

/** A job of a claim that runs now. */
export interface RunningJob {
  readonly claimId: string;
  readonly step: string;
}

export interface LevelView {
  readonly spec: PatchLevelSpec;
  readonly digest: string;
}

export interface World {
  readonly controllerUsers: ReadonlySet<string>;
  /** A change of the world younger than this may not have been seen by whoever acted, ms. */
  readonly settleMs: number;
  now: Instant;
  ledger: LedgerFacts | undefined;
  /** Since when the ledger's mode is what it is. */
  modeSince: Instant;
  /** When somebody other than a controller last changed, deleted or made the ledger. */
  ledgerTouchedAt: Instant | undefined;
  /** Commit that policy was last read at. */
  observedCommit: string | undefined;
  repository: RepositoryView | undefined;
  /** The last write of a controller but Lease, events and the inventory cycle. */
  lastLoud: { readonly time: Instant; readonly key: string } | undefined;
  readonly nodes: Map<string, NodeView>;
  readonly nodeNames: Map<string, string>;
  readonly workloads: Map<string, WorkloadView>;
  /** Pod key -> node that it must leave in a drain. */
  readonly evictable: Map<string, string>;
  readonly evictableCount: Map<string, number>;
  /** Every claim that ever stood in the ledger, by id. */
  readonly claims: Map<string, Claim>;
  /** By target UID. */
  readonly held: Map<string, Claim>;
  /** By target UID. */
  readonly operations: Map<string, OperationView>;
  /** Operations whose record somebody else than a controller removed, until one stands again. By target UID. */
  readonly takenRecords: Map<string, OperationView>;
  readonly verified: Map<string, readonly { readonly baseline: string; readonly digest: string }[]>;
  /** `uid/digest` of targets that were seen below a level after they had been verified at it. */
  readonly fallenBack: Map<string, true>;
  /** Claim id -> how its operation was closed. */
  readonly closed: Map<string, string>;
  readonly rings: Map<string, RingView>;
  readonly baselines: Map<string, BaselineView>;
  readonly calendars: Map<string, { readonly spec: MaintenanceCalendarSpec; readonly calendar: Calendar | undefined }>;
  readonly levels: Map<string, LevelView>;
  /** `ring/baseline/level` -> when the ring's entry stopped to name it. */
  readonly entryLeft: Map<string, Instant>;
  /** Names of PatchExceptions. */
  readonly exceptions: Map<string, true>;
  /** UIDs of targets whose state says why they do not move. */
  readonly named: Map<string, boolean>;
  /** By job key. */
  readonly jobs: Map<string, RunningJob>;
  /** Every commit that policy was ever read at. */
  readonly observedCommits: Map<string, true>;
  /** UID of a target that is gone -> when it went. */
  readonly gone: Map<string, Instant>;
}

/** A change so young may not have been seen by who acts now. Within one instant anything may have come first. */
export function isSettled({ now, settleMs }: Pick<World, "now" | "settleMs">, since: Instant): boolean {
  return now - since > settleMs;
}

export function createWorld(controllerUsers: ReadonlySet<string>, settleMs: number): World {
  return {
    controllerUsers,
    settleMs,
    now: 0,
    ledger: undefined,
    modeSince: 0,
    ledgerTouchedAt: undefined,
    observedCommit: undefined,
    repository: undefined,
    lastLoud: undefined,
    nodes: new Map(),
    nodeNames: new Map(),
    workloads: new Map(),
    evictable: new Map(),
    evictableCount: new Map(),
    claims: new Map(),
    held: new Map(),
    operations: new Map(),
    takenRecords: new Map(),
    verified: new Map(),
    fallenBack: new Map(),
    closed: new Map(),
    rings: new Map(),
    baselines: new Map(),
    calendars: new Map(),
    levels: new Map(),
    entryLeft: new Map(),
    exceptions: new Map(),
    named: new Map(),
    jobs: new Map(),
    observedCommits: new Map(),
    gone: new Map(),
  };
}

/** A world of its own that goes on from here. */
export function cloneWorld(world: World): World {
  return Object.fromEntries(
    Object.entries(world).map(([key, value]) => [key, value instanceof Map ? new Map(value) : (value as unknown)]),
  ) as unknown as World;
}

/** Kinds that no check asks for are skipped without a step. */
const WATCHED = new Set([
  "nodes",
  "pods",
  "jobs.batch",
  "deployments.apps",
  "statefulsets.apps",
  "daemonsets.apps",
  "disruptionledgers.ringward.dev",
  "nodepatchstates.ringward.dev",
  "workloadpatchstates.ringward.dev",
  "rolloutrings.ringward.dev",
  "maintenancecalendars.ringward.dev",
  "patchlevels.ringward.dev",
  "policyrepositories.ringward.dev",
  "patchbaselines.ringward.dev",
  "patchexceptions.ringward.dev",
]);

/** Leases of nodes are renewed all the time; only the controllers' own says something here. */
function isWatched({ resource, object }: StoredVersion): boolean {
  return WATCHED.has(resource) || (resource === LEASES && object.metadata.name === CONTROLLER_LEASE);
}

/** Takes one version in; undefined for what no check asks for. */
export function advance(world: World, version: StoredVersion): Step | undefined {
  world.now = version.time;
  const byController = world.controllerUsers.has(version.user);
  if (byController && isLoud(version)) world.lastLoud = { time: version.time, key: version.key };
  if (!isWatched(version)) return undefined;
  const nodeBefore = version.resource === "nodes" ? world.nodes.get(version.object.metadata.name) : undefined;
  const ledger = take(world, version);
  const base = { version, now: version.time, byController, ledger, nodeBefore };
  return { ...base, acts: byController ? nameAct(base, world) : [] };
}

function take(world: World, version: StoredVersion): LedgerChange | undefined {
  const { object, type } = version;
  const gone = type === "DELETED";
  const name = object.metadata.name;
  switch (version.resource) {
    case "nodes":
      takeNode(world, version, gone);
      return undefined;
    case "pods":
      takePod(world, version.key, gone ? undefined : evictableFrom(object));
      return undefined;
    case "deployments.apps":
    case "statefulsets.apps":
    case "daemonsets.apps":
      if (gone) {
        world.workloads.delete(object.metadata.uid ?? "");
        world.gone.set(object.metadata.uid ?? "", version.time);
      } else world.workloads.set(object.metadata.uid ?? "", readWorkload(object));
      return undefined;
    case "disruptionledgers.ringward.dev":
      return takeLedger(world, version, gone);
    case "nodepatchstates.ringward.dev":
    case "workloadpatchstates.ringward.dev":
      takeState(world, version, gone);
      return undefined;
    case "rolloutrings.ringward.dev":
      takeRing(world, object, gone);
      return undefined;
    case "patchbaselines.ringward.dev":
      set(world.baselines, name, gone ? undefined : readBaseline(world, object));
      return undefined;
    case "maintenancecalendars.ringward.dev":
      set(world.calendars, name, gone ? undefined : readCalendar(object.spec as MaintenanceCalendarSpec));
      return undefined;
    case "patchlevels.ringward.dev":
      if (gone || world.levels.get(name)?.spec !== object.spec)
        set(
          world.levels,
          name,
          gone
            ? undefined
            : { spec: object.spec as PatchLevelSpec, digest: levelDigest(object.spec as PatchLevelSpec) },
        );
      return undefined;
    case "policyrepositories.ringward.dev":
      takeRepository(world, version, gone);
      return undefined;
    case "patchexceptions.ringward.dev":
      set(world.exceptions, name, gone ? undefined : true);
      return undefined;
    case "jobs.batch":
      takeJob(world, version, gone);
      return undefined;
    default:
      return undefined;
  }
}

function set<Value>(map: Map<string, Value>, key: string, value: Value | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}

function takeNode(world: World, { object, time, user }: StoredVersion, gone: boolean): void {
  const { name, uid = "" } = object.metadata;
  if (gone) {
    world.nodes.delete(name);
    world.nodeNames.delete(uid);
    world.gone.set(uid, time);
    return;
  }
  world.nodes.set(name, readNode(object, time, world.nodes.get(name), world.controllerUsers.has(user)));
  world.nodeNames.set(uid, name);
  noteFallenBack(world, uid);
}

/** A node that reports less than a level at which it was verified. */
function noteFallenBack(world: World, uid: string): void {
  const verified = world.verified.get(uid) ?? [];
  const info = world.nodes.get(world.nodeNames.get(uid) ?? "")?.info;
  if (verified.length === 0 || info === undefined) return;
  for (const { spec, digest } of world.levels.values())
    if (
      verified.some((one) => one.digest === digest) &&
      findBelow(info, spec, coversKernel(info, spec), false) !== undefined
    )
      world.fallenBack.set(`${uid}/${digest}`, true);
}

function takePod(world: World, key: string, node: string | undefined): void {
  const before = world.evictable.get(key);
  if (before === node) return;
  if (before !== undefined) world.evictableCount.set(before, (world.evictableCount.get(before) ?? 1) - 1);
  if (node !== undefined) world.evictableCount.set(node, (world.evictableCount.get(node) ?? 0) + 1);
  set(world.evictable, key, node);
}

function takeRing(world: World, object: KubeObject, gone: boolean): void {
  const { name } = object.metadata;
  const before = world.rings.get(name);
  const spec = gone ? undefined : (object.spec as RolloutRingSpec);
  const same = before !== undefined && spec !== undefined && isDeepStrictEqual(before.spec, spec);
  const known = before !== undefined && isDeepStrictEqual(before.spec.members, spec?.members);
  set(
    world.rings,
    name,
    spec === undefined
      ? undefined
      : {
          spec,
          status: object.status as RolloutRingStatus | undefined,
          membersSince: known ? before.membersSince : world.now,
          suspendedSince: spec.suspend === true ? (before?.suspendedSince ?? world.now) : undefined,
        },
  );
  if (same) return;
  for (const { baseline, level } of before?.spec.levels ?? [])
    if (level !== undefined) world.entryLeft.set(`${name}/${baseline}/${level}`, world.now);
  for (const { baseline, level } of spec?.levels ?? [])
    if (level !== undefined) world.entryLeft.delete(`${name}/${baseline}/${level}`);
}

function readBaseline({ baselines, now }: World, { metadata, spec }: KubeObject): BaselineView {
  const { nodeSelector } = (spec as PatchBaselineSpec | undefined)?.node ?? {};
  const before = baselines.get(metadata.name);
  const same = before !== undefined && isDeepStrictEqual(before.nodeSelector, nodeSelector);
  return same ? before : { nodeSelector, since: now };
}

function takeRepository(world: World, { object }: StoredVersion, gone: boolean): void {
  const { name } = object.metadata;
  const before = world.repository;
  // A second one is refused, and says nothing of what is in force.
  if (before !== undefined && before.name !== name) return;
  const observed = gone ? undefined : textAt(object.status, "observedCommit");
  world.observedCommit = observed;
  if (observed !== undefined) world.observedCommits.set(observed, true);
  if (gone) {
    world.repository = undefined;
    return;
  }
  const { now } = world;
  const fetched = textAt(object.status, "fetchedCommit");
  const stalled = listAt(object.status, "conditions").find(
    (one) => textAt(one, "type") === "Stalled" && textAt(one, "status") === "True",
  );
  const reason = textAt(stalled, "reason");
  const moved = before === undefined || before.observed !== observed;
  world.repository = {
    name,
    spec: object.spec as PolicyRepositorySpec,
    observed,
    observedSince: moved ? now : before.observedSince,
    observedBefore: moved ? before?.observed : before.observedBefore,
    fetched,
    fetchedSince: before?.fetched === fetched ? (before?.fetchedSince ?? now) : now,
    verified: textAt(object.status, "verifiedCommit"),
    stalled: reason,
    stalledSince: before?.stalled === reason ? (before?.stalledSince ?? now) : now,
  };
}

function takeJob(world: World, { key, object }: StoredVersion, gone: boolean): void {
  const { labels = {} } = object.metadata;
  const claimId = labels[CLAIM_MARK];
  if (claimId === undefined) return;
  const over = listAt(object.status, "conditions").some(
    (one) => ["Complete", "Failed"].includes(textAt(one, "type") ?? "") && textAt(one, "status") !== "False",
  );
  const runs = !gone && !over && at(object.spec, "suspend") !== true;
  set(world.jobs, key, runs ? { claimId, step: labels[STEP_LABEL] ?? "" } : undefined);
}

/** Whether a controller's write is neither the Lease, nor an event, nor part of the inventory cycle. */
function isLoud({ resource, object, previous, type }: StoredVersion): boolean {
  if (resource === LEASES || resource.startsWith("events")) return false;
  const { labels = {}, namespace } = object.metadata;
  if (namespace === JOB_NAMESPACE && labels[CLAIM_MARK] === undefined && labels[STEP_LABEL] === "inventory")
    return false;
  if (resource !== "nodepatchstates.ringward.dev" || type !== "MODIFIED") return true;
  const [before, after] = [at(previous, "status"), at(object, "status")] as readonly Readonly<
    Record<string, unknown>
  >[];
  return [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])].some(
    (field) =>
      field !== "inventory" && field !== "inventoryProblem" && !isDeepStrictEqual(before?.[field], after?.[field]),
  );
}

function takeLedger(world: World, { object, user }: StoredVersion, gone: boolean): LedgerChange {
  const before = world.ledger;
  const after = gone ? { spec: {}, claims: [], rebuilt: false } : readLedger(object);
  if (before === undefined || (before.spec.mode ?? "Observe") !== (after.spec.mode ?? "Observe"))
    world.modeSince = world.now;
  if (!world.controllerUsers.has(user)) world.ledgerTouchedAt = world.now;
  const known = new Set(before?.claims.map((claim) => claim.id));
  const now = new Set(after.claims.map((claim) => claim.id));
  const fresh = after.claims.filter(
    (claim) => !known.has(claim.id) && !world.claims.has(claim.id) && !stands(world, claim),
  );
  const freed = (before?.claims ?? []).filter((claim) => !now.has(claim.id));
  world.ledger = after;
  world.held.clear();
  for (const claim of after.claims) {
    world.held.set(claim.uid, claim);
    world.claims.set(claim.id, claim);
  }
  return { before, after, fresh, freed };
}

/** A claim that stood on its target before it came into the ledger was restored, not made. */
function stands(world: World, claim: Claim): boolean {
  const node = world.nodes.get(world.nodeNames.get(claim.uid) ?? "");
  return (
    node?.claimId === claim.id ||
    world.workloads.get(claim.uid)?.claimId === claim.id ||
    world.operations.get(claim.uid)?.claimId === claim.id
  );
}

function takeState(world: World, { object, user }: StoredVersion, gone: boolean): void {
  const { uid, operation, history, verified, named } = readPatchState(object);
  if (uid === undefined) return;
  set(world.takenRecords, uid, gone && !world.controllerUsers.has(user) ? operation : undefined);
  set(world.named, uid, gone ? undefined : named);
  set(world.operations, uid, gone ? undefined : operation);
  set(world.verified, uid, gone ? undefined : verified);
  for (const entry of history) world.closed.set(entry.claimId, entry.result);
}

function readCalendar(spec: MaintenanceCalendarSpec): {
  readonly spec: MaintenanceCalendarSpec;
  readonly calendar: Calendar | undefined;
} {
  const compiled = compileCalendar({ ...spec, timeZone: spec.timeZone ?? "UTC" });
  return { spec, calendar: compiled.ok ? compiled.calendar : undefined };
}
