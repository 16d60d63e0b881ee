// The world as a history tells it: what the checks ask for (replay.ts takes the history in). Every value in its maps is immutable, so a
// world is cloned by copying maps.
import type { PolicyRepositorySpec } from "../../api/policy-repository.ts";
import type { RolloutRingSpec, RolloutRingStatus } from "../../api/rollout-ring.ts";
import type { MaintenanceCalendarSpec } from "../../api/maintenance-calendar.ts";
import type { PatchLevelSpec } from "../../api/patch-level.ts";
import type { LabelSelector } from "../../api/schema.ts";
import type { Instant } from "../../clock.ts";
import type { Calendar } from "../../core/calendar/index.ts";
import type { Claim } from "../../core/model.ts";
import type { StoredVersion } from "../apiserver/index.ts";
import type { LedgerFacts, NodeView, OperationView, WorkloadView } from "./readings.ts";

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
