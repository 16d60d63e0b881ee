// What happened between two looks, for counters and histograms: targets that were patched, operations that ended or failed, drains and reboots.
// Told from what is stored of each target, so a restart invents nothing: what a process finds at its first look it does not count.
import type { NodeOperation, NodePatchStateStatus, WorkloadPatchStateStatus } from "../../api/patch-state.ts";
import { REASONS } from "../../api/reasons.ts";
import type { Instant } from "../../clock.ts";
import type { StoredStates } from "../model.ts";
import type { Plan } from "../rollout/plan.ts";
import {
  DRAIN_DURATION,
  FAILURES,
  REBOOT_DURATION,
  TIME_TO_PATCH,
  TIME_TO_PATCH_IN_RING,
  UPDATE_DURATION,
  UPDATES,
} from "./definitions.ts";
import { type AssetKind, OPEN } from "./fleet.ts";
import type { Labels } from "./labels.ts";
import type { FleetLook } from "./look.ts";
import { type Observation, observe } from "./sample.ts";

type Stored = NodePatchStateStatus | WorkloadPatchStateStatus;

/** Of one target: what was stored at the last look, and what is now. */
interface Change {
  readonly kind: AssetKind;
  readonly uid: string;
  readonly before: Stored;
  readonly now: Stored;
}

interface Anchors {
  /** When a level's newest input was committed, by digest. */
  readonly inputs: ReadonlyMap<string, Instant>;
  /** When `ring/digest` was first offered. */
  readonly offers: ReadonlyMap<string, Instant>;
  readonly names: ReadonlyMap<string, string>;
  /** When an asset came to be; undefined: it is gone. */
  readonly joinedAt: (uid: string) => Instant | undefined;
}

/** Everything that the stored states tell of the time since the last look. */
export function findTransitions(
  before: StoredStates,
  { input, plan }: FleetLook,
  labels: Labels,
): readonly Observation[] {
  const changes = [
    ...changesOf("Node", before.nodes, input.stored.nodes),
    ...changesOf("Workload", before.workloads, input.stored.workloads),
  ];
  if (changes.length === 0) return [];
  const anchors = anchorsOf(input, plan);
  return changes.flatMap((change) => [
    ...findPatched(change, anchors, labels),
    ...findEnded(change, labels),
    ...findFailure(change, labels),
    ...(change.kind === "Node" ? findSteps(change) : []),
  ]);
}

/** Targets that were there before: of one that is new nobody knows what happened before it came. */
function changesOf(
  kind: AssetKind,
  before: ReadonlyMap<string, Stored>,
  now: ReadonlyMap<string, Stored>,
): readonly Change[] {
  if (before === now) return [];
  const changes: Change[] = [];
  for (const [uid, state] of now) {
    const known = before.get(uid);
    if (known !== undefined && known !== state) changes.push({ kind, uid, before: known, now: state });
  }
  return changes;
}

function anchorsOf({ policy, candidates, inventory }: FleetLook["input"], { rings }: Plan): Anchors {
  const levels = [...policy.levels, ...candidates.values()];
  return {
    // Seldom asked, and of few.
    joinedAt: (uid) =>
      [inventory.nodes, inventory.workloads].flatMap((list) => list.find((one) => one.uid === uid) ?? [])[0]?.createdAt,
    inputs: new Map(levels.map((level) => [level.digest, level.inputTime])),
    names: new Map(levels.map((level) => [level.digest, level.name])),
    offers: new Map(
      rings.flatMap(({ ring, levels: records }) =>
        records.flatMap(({ digest, offeredTime }) =>
          offeredTime === undefined ? [] : [[`${ring.name}/${digest}`, Date.parse(offeredTime)] as const],
        ),
      ),
    ),
  };
}

/**
 * Levels that the target is verified at since the last look, and was seen not to run then. One that came with the level, ran it before anybody
 * asked, or is going back to it was not patched; one that was patched to it before and lost it is a regression, and counts no second time.
 */
function findPatched(
  { uid, before, now }: Change,
  { inputs, offers, names, joinedAt }: Anchors,
  labels: Labels,
): readonly Observation[] {
  return (now.verified ?? []).flatMap(({ baseline, digest, time }) => {
    if (before.verified?.some((one) => one.baseline === baseline && one.digest === digest) === true) return [];
    const last = before.baselines?.find((one) => one.baseline === baseline);
    if (!isUnderWay(before, baseline, digest) && (last === undefined || !OPEN.has(last.state))) return [];
    const level = names.get(digest);
    if ((before.history ?? []).some((one) => one.level === level && one.result === "Succeeded")) return [];
    const ring = now.baselines?.find((one) => one.baseline === baseline)?.ring ?? last?.ring ?? now.ring;
    const pair = labels.pair(ring, baseline);
    const secondsSince = (from: Instant): number =>
      secondsFrom(Math.max(from, joinedAt(uid) ?? from), Date.parse(time));
    const [input, offer] = [inputs.get(digest), offers.get(`${ring ?? ""}/${digest}`)];
    return [
      ...(input === undefined ? [] : [observe(TIME_TO_PATCH, pair, secondsSince(input))]),
      ...(offer === undefined ? [] : [observe(TIME_TO_PATCH_IN_RING, pair, secondsSince(offer))]),
    ];
  });
}

/** An operation towards the level, and not back to it. */
function isUnderWay({ operation }: Stored, baseline: string, digest: string): boolean {
  if (operation === undefined || operation.baseline !== baseline || operation.digest !== digest) return false;
  return !("rollback" in operation && operation.rollback === true);
}

/** A clock that was put back makes no negative time. */
function secondsFrom(from: Instant, to: Instant): number {
  return Math.max(0, to - from) / 1000;
}

function findEnded({ kind, before, now }: Change, labels: Labels): readonly Observation[] {
  const known = new Set((before.history ?? []).map(({ claimId, finishedTime }) => `${claimId} ${finishedTime}`));
  return (now.history ?? []).flatMap(({ claimId, finishedTime, startedTime, ring, result }) => {
    if (known.has(`${claimId} ${finishedTime}`)) return [];
    const of = { kind, ring: labels.ring(ring) };
    const seconds = secondsFrom(Date.parse(startedTime), Date.parse(finishedTime));
    return [
      observe(UPDATES, { ...of, result }, 1),
      ...(result === "Succeeded" ? [observe(UPDATE_DURATION, of, seconds)] : []),
    ];
  });
}

function findFailure({ kind, before, now }: Change, labels: Labels): readonly Observation[] {
  const failure = now.operation?.failure;
  const last = before.operation?.claimId === now.operation?.claimId ? before.operation?.failure : undefined;
  if (failure === undefined || now.operation === undefined || last?.time === failure.time) return [];
  const reason = REASONS.find((one) => one === failure.reason) ?? "OperationFailed";
  return [observe(FAILURES, { kind, ring: labels.ring(now.operation.ring), reason }, 1)];
}

/** As far as two looks tell steps apart: one that was passed between them counts to the step that was seen next. */
function findSteps(change: Change): readonly Observation[] {
  const last = change.before.operation as NodeOperation | undefined;
  const operation = change.now.operation as NodeOperation | undefined;
  if (last === undefined) return [];
  const same = operation?.claimId === last.claimId ? operation : undefined;
  const closed = change.now.history?.find(({ claimId }) => claimId === last.claimId);
  const ended = same?.stepTime ?? closed?.finishedTime;
  if (ended === undefined) return [];
  const seconds = secondsFrom(Date.parse(last.stepTime), Date.parse(ended));
  if (last.step === "Cordoned" && last.backOut === undefined) {
    if (same?.backOut !== undefined)
      return [
        observe(
          DRAIN_DURATION,
          { result: "GivenUp" },
          secondsFrom(Date.parse(last.stepTime), Date.parse(same.backOut.time)),
        ),
      ];
    if (same?.step === "Cordoned") return [];
    return [
      observe(
        DRAIN_DURATION,
        { result: closed === undefined || closed.result === "Succeeded" ? "Drained" : "GivenUp" },
        seconds,
      ),
    ];
  }
  return last.step === "Rebooting" && same !== undefined && same.step !== "Rebooting" && same.step !== "Cordoned"
    ? [observe(REBOOT_DURATION, {}, seconds)]
    : [];
}

/** When operations of a ring started since a time, as its targets remember them. */
export function hasStartedSince(
  { nodes, workloads }: StoredStates,
  ring: string,
  since: Instant,
  isOf: (uid: string) => boolean,
): boolean {
  for (const states of [nodes, workloads])
    for (const [uid, { operation, history = [] }] of states) {
      if (!isOf(uid)) continue;
      const started = [...history, ...(operation === undefined ? [] : [operation])];
      if (started.some((one) => one.ring === ring && Date.parse(one.startedTime) >= since)) return true;
    }
  return false;
}
