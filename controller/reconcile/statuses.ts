// Writes what is known where people look: the state of each asset, of rings and of baselines. Only differences that mean something
// are written, so a converged cluster is silent (K7). Targets under a claim are written by their operation alone.
import type { PatchBaselineStatus } from "../api/patch-baseline.ts";
import type { NodePatchStateStatus, Phase, STATES, WorkloadPatchStateStatus } from "../api/patch-state.ts";
import type { Reason } from "../api/reasons.ts";
import type { RingRecord } from "../core/promotion/index.ts";
import type {
  ManifestRejection,
  NotifiedRecord,
  RingApproval,
  RingLevelStatus,
  RolloutRingStatus,
} from "../api/rollout-ring.ts";
import { API_VERSION } from "../api/schema.ts";
import type { Instant } from "../clock.ts";
import { isCompliant, worstState } from "../core/compliance/index.ts";
import { canonicalJson, type OfferedVersions } from "../core/levels/index.ts";
import type { AssetRow, Claim, LevelInForce } from "../core/model.ts";
import { addNotified } from "../core/notify/index.ts";
import type { Plan } from "../core/rollout/plan.ts";
import { type RingOutcome, ringStatusOf } from "../core/rollout/summary.ts";
import { findTurnover, recordTurnover, type StoredMember } from "../core/rollout/turnover.ts";
import type { Client } from "../kube/client.ts";
import type { EventInput } from "../kube/events.ts";
import { addVerified } from "../kube/closing.ts";
import type { KubeObject } from "../kube/port.ts";
import { createState, readState, writeState } from "../kube/patch-states.ts";
import { NODE_PATCH_STATES, PATCH_BASELINES, ROLLOUT_RINGS } from "../kube/resources.ts";
import type { ClusterObjects } from "./cluster-kinds.ts";
import { essenceOf, type Health, summarise } from "./conditions.ts";

type TargetStatus = NodePatchStateStatus | WorkloadPatchStateStatus;

export interface StatusInput {
  readonly client: Client;
  readonly now: Instant;
  readonly objects: ClusterObjects;
  readonly plan: Plan;
  readonly stored: {
    readonly nodes: ReadonlyMap<string, NodePatchStateStatus>;
    readonly workloads: ReadonlyMap<string, WorkloadPatchStateStatus>;
  };
  /** UIDs under a claim: their operation writes them. */
  readonly claimed: ReadonlySet<string>;
  /** Rings whose status could not be written: what that says of their members' coming and going comes first. */
  readonly unwritten?: ReadonlySet<string>;
  /** At most so many target states a pass: progress of rollouts comes first. */
  readonly budget: number;
  /** What people answered to proposals, by ring; undefined: what is written stays. */
  readonly records?: ReadonlyMap<string, RingRecord> | undefined;
  /** Refused changes of manifests, likewise. */
  readonly refusals?: ReadonlyMap<string, readonly ManifestRejection[]> | undefined;
  /** What was told elsewhere of a ring and is not stored yet. */
  readonly notified?: ReadonlyMap<string, readonly NotifiedRecord[]> | undefined;
  readonly onError: (error: unknown, object: string) => void;
  readonly record: (event: EventInput) => void;
}

/** Writes target states; true if some are left for the next pass. */
export async function writeTargetStates(input: StatusInput): Promise<boolean> {
  const groups = Map.groupBy(input.plan.rows, (row) => row.asset.uid);
  let written = 0;
  for (const [uid, rows] of groups) {
    const asset = rows[0]?.asset;
    if (asset === undefined || input.claimed.has(uid)) continue;
    const stored: TargetStatus | undefined = input.stored.nodes.get(uid) ?? input.stored.workloads.get(uid);
    if (stored?.operation !== undefined) continue;
    if (waitsForRing(input, stored?.ring) || rows.some(({ ring }) => waitsForRing(input, ring))) continue;
    const wanted = describeTarget(rows, stored, input.now);
    if (stored !== undefined && essence(stored) === essence(wanted)) continue;
    if (written >= input.budget) return true;
    written += 1;
    try {
      const live = (await readState<TargetStatus>(input.client, asset)) ?? (await create(input.client, asset));
      // What stands there now counts, not what was read before: an operation may have closed meanwhile, and a state of an earlier
      // target of that name is kept until its claim is settled.
      if (live === undefined || live.status?.operation !== undefined || isHeld(live.object, uid, input.claimed))
        continue;
      const fresh = describeTarget(rows, live.status, input.now);
      // A target in no ring says none: what stood there before would differ from what is wanted in every pass (K7).
      const { ring: _, ...kept } = live.status ?? {};
      await writeState<TargetStatus>(input.client, live, asset, { ...kept, ...fresh } as TargetStatus);
    } catch (error) {
      input.onError(error, `${asset.kind} ${asset.name}`);
    }
  }
  return false;
}

function waitsForRing({ unwritten, objects }: StatusInput, ring: string | undefined): boolean {
  return (
    ring !== undefined &&
    unwritten?.has(ring) === true &&
    // A ring that is not there has no status that could be written.
    objects.rings.some(({ metadata }) => metadata.name === ring)
  );
}

/** The state of a target that is gone and whose claim is still there: how far it came decides whether it counts as lost. */
export function isHeld(state: KubeObject, uid: string, claimed: ReadonlySet<string>): boolean {
  const other = (state.status as TargetStatus | undefined)?.targetUID;
  return other !== undefined && other !== uid && claimed.has(other);
}

async function create(client: Client, asset: AssetRow["asset"]): ReturnType<typeof readState<TargetStatus>> {
  await createState(client, asset);
  return readState<TargetStatus>(client, asset);
}

/** What the schema takes. */
const MOST_BASELINES = 32;

const PHASE_ORDER: readonly Phase[] = ["Blocked", "InProgress", "Offered", "NotOffered", "Soaking", "Done"];

function describeTarget(rows: readonly AssetRow[], stored: TargetStatus | undefined, now: Instant): TargetStatus {
  const state = worstState(rows.map((row) => row.state));
  const phase = PHASE_ORDER.find((candidate) => rows.some((row) => row.phase === candidate)) ?? "Done";
  const blocks = [...new Map(rows.flatMap((row) => row.blockedBy).map((block) => [block.reason, block])).values()];
  const ring = rows.find((row) => row.ring !== undefined)?.ring;
  let verified = stored?.verified ?? [];
  for (const row of rows)
    if (
      row.approved &&
      row.state === "Installed" &&
      row.digest !== undefined &&
      !verified.some((item) => item.baseline === row.baseline && item.digest === row.digest)
    )
      verified = addVerified(verified, { baseline: row.baseline, digest: row.digest }, new Date(now).toISOString());
  return {
    ...(ring === undefined ? {} : { ring }),
    state,
    phase,
    blockedBy: blocks.slice(0, 16).map(({ reason, message, since }) => ({
      reason,
      message: message.slice(0, 512),
      since: new Date(since ?? now).toISOString(),
    })),
    baselines: rows.slice(0, MOST_BASELINES).map((row) => ({
      baseline: row.baseline,
      ...(row.ring === undefined ? {} : { ring: row.ring }),
      ...(row.level === undefined ? {} : { level: row.level }),
      state: row.state,
      phase: row.phase,
      ...(row.reason === undefined ? {} : { reason: row.reason }),
    })),
    verified,
    conditions: summarise(stored?.conditions, targetHealth(state, phase, blocks[0]), undefined, now),
  };
}

function targetHealth(
  state: (typeof STATES)[number],
  phase: Phase,
  block: { readonly reason: Reason; readonly message: string } | undefined,
): Health {
  if (phase === "Blocked" && block !== undefined) return { kind: "Stalled", ...block };
  if (isCompliant(state)) return { kind: "Ready", reason: "Compliant", message: `state ${state}` };
  return { kind: "Reconciling", reason: block?.reason ?? "Progressing", message: block?.message ?? `state ${state}` };
}

/** What is worth a write: not the wording or the time of a block, which changes while the same thing holds. */
function essence(status: TargetStatus): string {
  return JSON.stringify([
    status.ring,
    status.state,
    status.phase,
    (status.blockedBy ?? []).map((block) => block.reason),
    (status.baselines ?? []).map(({ baseline, ring, level, state, phase, reason }) => [
      baseline,
      ring,
      level,
      state,
      phase,
      reason,
    ]),
    (status.verified ?? []).map((item) => [item.baseline, item.digest]),
    essenceOf(status.conditions),
  ]);
}

/** Removes states of nodes that are gone and hold no claim. */
export async function removeOrphans(input: StatusInput): Promise<void> {
  const { client, objects, claimed, onError } = input;
  const names = new Set(objects.nodes.map((node) => node.metadata.name));
  for (const object of objects.nodeStates) {
    const { targetUID: uid, ring } = (object.status ?? {}) as NodePatchStateStatus;
    if (waitsForRing(input, ring)) continue;
    if (names.has(object.metadata.name) || (uid !== undefined && claimed.has(uid)) || object.metadata.uid === undefined)
      continue;
    try {
      await client.delete(NODE_PATCH_STATES, { name: object.metadata.name }, { uid: object.metadata.uid });
    } catch (error) {
      onError(error, `NodePatchState ${object.metadata.name}`);
    }
  }
}

/** Soak is persisted at most this often while nothing else changes. */
const SOAK_WRITE_SECONDS = 60;

/** Writes the status of every ring. Answers the rings whose records of this plan are not stored: nobody may build on those yet (R1). */
export async function writeRingStatuses(input: Omit<StatusInput, "claimed">): Promise<ReadonlySet<string>> {
  const live = new Map(input.objects.rings.map((ring) => [ring.metadata.name, ring]));
  const unstored = new Set<string>();
  const turnover = findTurnover(storedMembers(input.objects), input.plan.rows, (uid) => input.plan.members.of.has(uid));
  for (const outcome of input.plan.rings) {
    const object = live.get(outcome.ring.name);
    if (object === undefined) {
      unstored.add(outcome.ring.name);
      continue;
    }
    const before = object.status as RolloutRingStatus | undefined;
    const answers = input.records?.get(outcome.ring.name);
    const rejections = answers?.rejections ?? before?.rejections ?? [];
    const manifests = input.refusals?.get(outcome.ring.name) ?? before?.manifestRejections ?? [];
    const notified = addNotified(before?.notified ?? [], input.notified?.get(outcome.ring.name) ?? []);
    const status: RolloutRingStatus = {
      ...ringStatusOf(outcome),
      levels: boundRecords(outcome).map((level) => addApproval(level, answers, before)),
      ...(rejections.length === 0 ? {} : { rejections: [...rejections] }),
      ...recordTurnover(outcome.ring.name, before, turnover, input.now),
      ...(manifests.length === 0 ? {} : { manifestRejections: [...manifests] }),
      ...(notified.length === 0 ? {} : { notified: [...notified] }),
      ...(object.metadata.generation === undefined ? {} : { observedGeneration: object.metadata.generation }),
      ...(outcome.ring.authority.kind === "Git" ? { observedCommit: outcome.ring.authority.commit } : {}),
      conditions: summarise(before?.conditions, ringHealth(outcome), object.metadata.generation, input.now),
    };
    if (before !== undefined && !isWorthWriting(before, status)) continue;
    try {
      await input.client.updateStatus(ROLLOUT_RINGS, { ...object, status });
      for (const event of newsOf(outcome.ring.name, before, status)) input.record(event);
    } catch (error) {
      unstored.add(outcome.ring.name);
      input.onError(error, `RolloutRing ${outcome.ring.name}`);
    }
  }
  return unstored;
}

function storedMembers({ nodeStates, workloadStates }: ClusterObjects): readonly StoredMember[] {
  const members = (
    states: readonly KubeObject[],
    assetOf: (state: KubeObject) => Pick<StoredMember, "kind" | "namespace" | "name"> | undefined,
  ): readonly StoredMember[] =>
    states.flatMap((state) => {
      const { targetUID: uid, ring } = (state.status ?? {}) as TargetStatus;
      const asset = assetOf(state);
      return uid === undefined || asset === undefined ? [] : [{ ...asset, uid, ring }];
    });
  return [
    ...members(nodeStates, ({ metadata: { name } }) => ({ kind: "Node", name })),
    ...members(workloadStates, ({ metadata: { namespace, ownerReferences } }) => {
      const [owner] = ownerReferences ?? [];
      return owner === undefined
        ? undefined
        : { kind: owner.kind, name: owner.name, ...(namespace === undefined ? {} : { namespace }) };
    }),
  ];
}

/** Who approved a level is known only for the one that the entry names now, and stays written after that. */
function addApproval(
  level: RingLevelStatus,
  answers: RingRecord | undefined,
  before: RolloutRingStatus | undefined,
): RingLevelStatus {
  const stored = before?.levels?.find(
    (one) => one.baseline === level.baseline && one.digest === level.digest,
  )?.approval;
  const approval = answers?.approvals.get(level.digest) ?? stored;
  return approval === undefined ? level : { ...level, approval };
}

/** What happened to a ring's levels since its status was last written. */
function newsOf(ring: string, before: RolloutRingStatus | undefined, after: RolloutRingStatus): readonly EventInput[] {
  const events: EventInput[] = [];
  const tell = (reason: Reason, note: string): void => {
    const regarding = { apiVersion: API_VERSION, kind: "RolloutRing", name: ring };
    events.push({ regarding, type: "Normal", reason, action: reason, note });
  };
  for (const level of after.levels ?? []) {
    const known = before?.levels?.find((other) => other.baseline === level.baseline && other.digest === level.digest);
    if (level.approval !== undefined && known?.approval === undefined)
      tell("Approved", describeApproval(level.level, level.approval));
    if (level.startedTime !== undefined && known?.startedTime === undefined)
      tell("RingStarted", `started ${level.level}`);
    if (level.completedTime !== undefined && known?.completedTime === undefined)
      tell("RingCompleted", `completed ${level.level}: ${level.done ?? 0} of ${level.targets ?? 0} done`);
    if (level.soakedTime !== undefined && known?.soakedTime === undefined) tell("Soaked", `soaked ${level.level}`);
    if (level.withdrawnTime !== undefined && known?.withdrawnTime === undefined)
      tell("LevelWithdrawn", `the approval of ${level.level} was taken back`);
  }
  return events;
}

function describeApproval(level: string, { pullRequest, mergedBy, byRingward, approvedBy = [] }: RingApproval): string {
  const by = byRingward === true ? `Ringward (${mergedBy})` : mergedBy;
  const reviews = approvedBy.length === 0 ? "nobody's review" : `review of ${approvedBy.join(", ")}`;
  return `${level}: pull request #${pullRequest} was merged by ${by}, with ${reviews}`;
}

/** What the schema takes. */
const MOST_RECORDS = 256;

/**
 * Twenty records of each of many baselines are more than the status takes, and then nothing of the ring could be written. The oldest records are forgotten first, but never those of today's entries, and those
 * of withdrawn levels last: what is not on record counts as not soaked.
 */
function boundRecords({ levels, progress }: RingOutcome): RingLevelStatus[] {
  const surplus = levels.length - MOST_RECORDS;
  if (surplus <= 0) return [...levels];
  const current = new Set([...progress.values()].map(({ status }) => status.digest));
  const old = levels.filter(({ digest }) => !current.has(digest));
  const order = [
    ...old.filter(({ withdrawnTime }) => withdrawnTime === undefined),
    ...old.filter(({ withdrawnTime }) => withdrawnTime !== undefined),
  ];
  const forgotten = new Set(order.slice(0, surplus));
  return levels.filter((level) => !forgotten.has(level));
}

function isWorthWriting(before: RolloutRingStatus, after: RolloutRingStatus): boolean {
  const essential = (status: RolloutRingStatus): string =>
    canonicalJson({
      ...status,
      conditions: essenceOf(status.conditions),
      blockedBy: (status.blockedBy ?? []).map((block) => block.reason),
      gates: (status.gates ?? []).map(({ name, digest, state, reason }) => ({ name, digest, state, reason })),
      levels: (status.levels ?? []).map((level) => ({ ...level, soakedSeconds: 0 })),
    });
  if (essential(before) !== essential(after)) return true;
  const grew = (now: number | undefined, then: number | undefined): boolean => {
    const grown = (now ?? 0) - (then ?? 0);
    return grown >= SOAK_WRITE_SECONDS || grown < 0;
  };
  if (
    (after.gates ?? []).some(({ name, heldSeconds }) =>
      grew(heldSeconds, before.gates?.find((other) => other.name === name)?.heldSeconds),
    )
  )
    return true;
  return (after.levels ?? []).some((level) => {
    const known = before.levels?.find((other) => other.baseline === level.baseline && other.digest === level.digest);
    return grew(level.soakedSeconds, known?.soakedSeconds);
  });
}

function ringHealth({ halted, phase, blockedBy, ring, assets, compliant, progress }: RingOutcome): Health {
  const [block] = blockedBy;
  // A ring may be complete, and let its successors go on, while some of its targets are not there: it is not Ready then (S1).
  const open = [...progress.values()].reduce((sum, { notDone }) => sum + notDone, 0);
  if (halted !== undefined) return { kind: "Stalled", reason: halted.reason, message: halted.message };
  if (phase === "Blocked" && block !== undefined)
    return { kind: "Stalled", reason: block.reason, message: block.message };
  if (phase === "Done" && open > 0)
    return {
      kind: "Reconciling",
      reason: "Progressing",
      message: `ring ${ring.name} has soaked, and ${open} of its targets are not there yet`,
    };
  if (phase === "Done")
    return { kind: "Ready", reason: "Soaked", message: `ring ${ring.name}: ${compliant} of ${assets} compliant` };
  if (phase === "Soaking")
    return { kind: "Reconciling", reason: "Soaking", message: `ring ${ring.name} is complete and soaks` };
  // Nothing is asked of its targets then, and all of them may count as compliant.
  const unasked = progress.size === 0 ? " is approved for no level yet" : "";
  return {
    kind: "Reconciling",
    reason: block?.reason ?? "Progressing",
    message: block?.message ?? `ring ${ring.name}${unasked}: ${compliant} of ${assets} compliant`,
  };
}

/** A target whose failure outlives its claim is written down before the claim is freed; repeating it changes nothing. */
export async function recordLost(client: Client, claim: Claim): Promise<void> {
  const object = await client.get(ROLLOUT_RINGS, { name: claim.ring });
  const status = object?.status as RolloutRingStatus | undefined;
  const record = status?.levels?.find((level) => level.baseline === claim.baseline && level.digest === claim.digest);
  if (object === undefined || status === undefined || record === undefined || record.lost?.includes(claim.uid) === true)
    return;
  const levels = status.levels?.map((level) =>
    level === record ? { ...level, lost: [...(level.lost ?? []), claim.uid].slice(-500) } : level,
  );
  await client.updateStatus(ROLLOUT_RINGS, { ...object, status: { ...status, levels } });
}

export interface BaselineView {
  readonly name: string;
  readonly candidate: LevelInForce | undefined;
  readonly offered: OfferedVersions | undefined;
  readonly problem: { readonly reason: Reason; readonly message: string } | undefined;
}

/** Writes candidates, first-seen times and counts of baselines. */
export async function writeBaselineStatuses(input: StatusInput, views: readonly BaselineView[]): Promise<void> {
  const live = new Map(input.objects.baselines.map((baseline) => [baseline.metadata.name, baseline]));
  for (const view of views) {
    const object = live.get(view.name);
    if (object === undefined) continue;
    const before = object.status as PatchBaselineStatus | undefined;
    const rows = input.plan.rows.filter((row) => row.baseline === view.name);
    const compliant = rows.filter((row) => isCompliant(row.state)).length;
    const health: Health =
      view.problem === undefined
        ? {
            kind: "Ready",
            reason: "LevelResolved",
            message: view.candidate === undefined ? "nothing to resolve" : `resolves to ${view.candidate.name}`,
          }
        : { kind: "Stalled", ...view.problem };
    const status: PatchBaselineStatus = {
      ...(object.metadata.generation === undefined ? {} : { observedGeneration: object.metadata.generation }),
      conditions: summarise(before?.conditions, health, object.metadata.generation, input.now),
      ...(view.candidate === undefined
        ? before?.candidate === undefined
          ? {}
          : { candidate: before.candidate }
        : {
            candidate: {
              level: view.candidate.name,
              digest: view.candidate.digest,
              resolvedTime:
                before?.candidate?.digest === view.candidate.digest
                  ? before.candidate.resolvedTime
                  : new Date(input.now).toISOString(),
            },
          }),
      ...(view.offered === undefined || view.offered.length === 0 ? {} : { offered: [...view.offered] }),
      assets: rows.length,
      compliant,
      compliantPercent: rows.length === 0 ? 100 : Math.floor((compliant * 100) / rows.length),
    };
    const essential = (some: PatchBaselineStatus): string =>
      canonicalJson({ ...some, conditions: essenceOf(some.conditions) });
    if (before !== undefined && essential(before) === essential(status)) continue;
    try {
      await input.client.updateStatus(PATCH_BASELINES, { ...object, status });
    } catch (error) {
      input.onError(error, `PatchBaseline ${view.name}`);
    }
  }
}
