// The world as a history tells it: replays stored versions one by one and keeps what the checks ask for. Every value in its maps is
// immutable, so a world is cloned by copying maps. It also names what a controller did to a target in a change (an Act), once for all.
import type { RolloutRingSpec, RolloutRingStatus } from "../../api/rollout-ring.ts";
import type { MaintenanceCalendarSpec } from "../../api/maintenance-calendar.ts";
import type { PatchLevelSpec } from "../../api/patch-level.ts";
import type { Instant } from "../../clock.ts";
import { type Calendar, compileCalendar } from "../../core/calendar/index.ts";
import { levelDigest } from "../../core/levels/index.ts";
import type { Claim } from "../../core/model.ts";
import type { KubeObject } from "../../kube/port.ts";
import type { StoredVersion } from "../apiserver/index.ts";
import { nameAct } from "./acts.ts";
import { coversKernel, findBelow } from "./node-report.ts";
import {
  evictableFrom,
  type LedgerFacts,
  type NodeView,
  type OperationView,
  readLedger,
  readNode,
  readPatchState,
  readWorkload,
  textAt,
  type WorkloadView,
} from "./readings.ts";

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
  /** Commit that policy was last read at. */
  observedCommit: string | undefined;
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
  readonly verified: Map<string, readonly { readonly baseline: string; readonly digest: string }[]>;
  /** `uid/digest` of targets that were seen below a level after they had been verified at it. */
  readonly fallenBack: Map<string, true>;
  /** Claim id -> how its operation was closed. */
  readonly closed: Map<string, string>;
  readonly rings: Map<string, RingView>;
  readonly calendars: Map<string, { readonly spec: MaintenanceCalendarSpec; readonly calendar: Calendar | undefined }>;
  readonly levels: Map<string, LevelView>;
}

export function createWorld(controllerUsers: ReadonlySet<string>, settleMs: number): World {
  return {
    controllerUsers,
    settleMs,
    now: 0,
    ledger: undefined,
    observedCommit: undefined,
    nodes: new Map(),
    nodeNames: new Map(),
    workloads: new Map(),
    evictable: new Map(),
    evictableCount: new Map(),
    claims: new Map(),
    held: new Map(),
    operations: new Map(),
    verified: new Map(),
    fallenBack: new Map(),
    closed: new Map(),
    rings: new Map(),
    calendars: new Map(),
    levels: new Map(),
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
]);

/** Takes one version in; undefined for what no check asks for. */
export function advance(world: World, version: StoredVersion): Step | undefined {
  world.now = version.time;
  if (!WATCHED.has(version.resource)) return undefined;
  const byController = world.controllerUsers.has(version.user);
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
      if (gone) world.workloads.delete(object.metadata.uid ?? "");
      else world.workloads.set(object.metadata.uid ?? "", readWorkload(object));
      return undefined;
    case "disruptionledgers.ringward.dev":
      return takeLedger(world, object, gone);
    case "nodepatchstates.ringward.dev":
    case "workloadpatchstates.ringward.dev":
      takeState(world, object, gone);
      return undefined;
    case "rolloutrings.ringward.dev":
      set(
        world.rings,
        name,
        gone
          ? undefined
          : { spec: object.spec as RolloutRingSpec, status: object.status as RolloutRingStatus | undefined },
      );
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
      world.observedCommit = gone ? undefined : textAt(object.status, "observedCommit");
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

function takeLedger(world: World, object: KubeObject, gone: boolean): LedgerChange {
  const before = world.ledger;
  const after = gone ? { spec: {}, claims: [] } : readLedger(object);
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

function takeState(world: World, object: KubeObject, gone: boolean): void {
  const { uid, operation, history, verified } = readPatchState(object);
  if (uid === undefined) return;
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
