// Replays stored versions one by one into a world, and names what a controller did to a target in each (an Act), once for all.
import { isDeepStrictEqual } from "node:util";
import type { PatchBaselineSpec } from "../../api/patch-baseline.ts";
import type { PolicyRepositorySpec } from "../../api/policy-repository.ts";
import type { RolloutRingSpec, RolloutRingStatus } from "../../api/rollout-ring.ts";
import type { MaintenanceCalendarSpec } from "../../api/maintenance-calendar.ts";
import type { PatchLevelSpec } from "../../api/patch-level.ts";
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
  listAt,
  readLedger,
  readNode,
  readPatchState,
  readWorkload,
  STEP_LABEL,
  textAt,
} from "./readings.ts";
import type { BaselineView, LedgerChange, Step, World } from "./world.ts";

const LEASES = "leases.coordination.k8s.io";

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
