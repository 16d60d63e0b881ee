// What happened to rings between two looks, for counters and histograms: levels that were offered or completed, windows that ended, pull requests
// that were merged.
import type { Reason } from "../../api/reasons.ts";
import type { RingLevelStatus } from "../../api/rollout-ring.ts";
import type { Instant } from "../../clock.ts";
import { freezesAt, windowsAt } from "../calendar/index.ts";
import { calendarsOf, type CompiledCalendars } from "../rollout/calendars.ts";
import type { RingOutcome } from "../rollout/summary.ts";
import {
  APPROVAL_WAIT,
  DRAIN_DURATION,
  PROMOTION_LATENCY,
  ROLLOUT_DURATION,
  TIME_TO_PATCH,
  TIME_TO_PATCH_IN_RING,
  UPDATE_DURATION,
  UPDATES,
  WINDOWS_ENDED,
  WINDOWS_MISSED,
} from "./definitions.ts";
import type { Labels } from "./labels.ts";
import type { FleetLook, PullFacts } from "./look.ts";
import { ringOfBranch } from "./policy.ts";
import { type Observation, observe } from "./sample.ts";
import { hasStartedSince } from "./transitions.ts";

/** An open window of a ring, as it was last seen. */
export interface OpenWindow {
  readonly since: Instant;
  readonly closesAt: Instant;
  /** Targets waited for it that nothing else that people decided kept from starting. */
  readonly waiting: boolean;
}

export type Records = ReadonlyMap<string, readonly RingLevelStatus[]>;

export function recordsOf({ plan }: FleetLook): Records {
  return new Map(plan.rings.map(({ ring, levels }) => [ring.name, levels]));
}

/** Levels that a ring was offered, or has completed, since the last look. */
export function findProgress(before: Records, look: FleetLook, labels: Labels): readonly Observation[] {
  const now = recordsOf(look);
  return look.plan.rings.flatMap(({ ring, levels }) => {
    const known = before.get(ring.name);
    if (known === undefined) return [];
    const of = { ring: labels.ring(ring.name) };
    return levels.flatMap((level) => {
      const last = find(known, level);
      return [
        ...(level.offeredTime !== undefined && last?.offeredTime === undefined
          ? latencyOf(level, level.offeredTime, ring.spec.after ?? [], now).map((seconds) =>
              observe(PROMOTION_LATENCY, of, seconds),
            )
          : []),
        // Completed once: what is complete again after a late joiner took no rollout.
        ...(level.completedTime !== undefined && last !== undefined && isFirst(last, level)
          ? [
              observe(
                ROLLOUT_DURATION,
                of,
                secondsBetween(level.startedTime ?? level.completedTime, level.completedTime),
              ),
            ]
          : []),
      ];
    });
  });
}

function find(levels: readonly RingLevelStatus[], { baseline, digest }: RingLevelStatus): RingLevelStatus | undefined {
  return levels.find((one) => one.baseline === baseline && one.digest === digest);
}

function isFirst(last: RingLevelStatus, now: RingLevelStatus): boolean {
  return (
    now.startedTime !== undefined &&
    last.completedTime === undefined &&
    last.soakedTime === undefined &&
    (last.soakedSeconds ?? 0) === 0
  );
}

function secondsBetween(from: string, to: string): number {
  return Math.max(0, Date.parse(to) - Date.parse(from)) / 1000;
}

/** Without predecessors, or where one of them has not soaked the level, there is no such time. */
function latencyOf(
  level: RingLevelStatus,
  offered: string,
  after: readonly string[],
  records: Records,
): readonly number[] {
  const soaked = after.map((name) => find(records.get(name) ?? [], level)?.soakedTime);
  const times = soaked.flatMap((time) => (time === undefined ? [] : [Date.parse(time)]));
  if (times.length === 0 || times.length < after.length) return [];
  return [Math.max(0, Date.parse(offered) - Math.max(...times)) / 1000];
}

// ------------------------------------------------------------------------------------------------------- windows

/** Nothing was to start while people, or the calendar itself, forbade it. */
const FORBIDDEN: ReadonlySet<Reason> = new Set(["Frozen", "RingSuspended", "Stopped", "Observing"]);

/** The windows that are open now. */
export function openWindows(look: FleetLook, all: CompiledCalendars): ReadonlyMap<string, OpenWindow> {
  const { plan, input } = look;
  const enforced = input.ledger.spec.mode === "Enforce";
  return new Map(
    plan.rings.flatMap((outcome) => {
      const { calendars } = calendarsOf(outcome.ring, all);
      const state = windowsAt(calendars, plan.at);
      if (!state.open || state.since === undefined || state.closesAt === undefined) return [];
      const frozen = freezesAt(calendars, plan.at).frozen;
      const waiting = enforced && !frozen && isWaiting(outcome);
      return [[outcome.ring.name, { since: state.since, closesAt: state.closesAt, waiting }] as const];
    }),
  );
}

function isWaiting({ ring, progress, blockedBy }: RingOutcome): boolean {
  if (ring.suspendedLive || blockedBy.some(({ reason }) => FORBIDDEN.has(reason))) return false;
  return [...progress.values()].some(({ status, notDone }) => status.offeredTime !== undefined && notDone > 0);
}

/** Windows that ended since the last look. */
export function findWindows(
  before: ReadonlyMap<string, OpenWindow>,
  now: ReadonlyMap<string, OpenWindow>,
  { plan, input }: FleetLook,
  labels: Labels,
): readonly Observation[] {
  return [...before].flatMap(([name, window]) => {
    // A window that follows without a pause, or was lengthened, is the same one.
    if (plan.at < window.closesAt || now.get(name)?.since === window.since) return [];
    const of = { ring: labels.ring(name) };
    const isOf = (uid: string): boolean => {
      const membership = plan.members.of.get(uid);
      return membership?.kind === "Ring" && membership.ring === name;
    };
    const missed = window.waiting && !hasStartedSince(input.stored, name, window.since, isOf);
    return [observe(WINDOWS_ENDED, of, 1), ...(missed ? [observe(WINDOWS_MISSED, of, 1)] : [])];
  });
}

// ----------------------------------------------------------------------------------------------------- approvals

/** Pull requests that were open at the last look and are merged now. */
export function findApprovals(
  before: readonly PullFacts[],
  { input, pulls = [] }: FleetLook,
  labels: Labels,
): readonly Observation[] {
  const ringOf = ringOfBranch(input.policy);
  const open = new Set(before.flatMap(({ number, state }) => (state === "open" ? [number] : [])));
  return pulls.flatMap(({ number, state, branch, openedAt, closedAt }) => {
    const ring = ringOf(branch);
    if (state !== "merged" || closedAt === undefined || ring === undefined || !open.has(number)) return [];
    return [observe(APPROVAL_WAIT, { ring: labels.ring(ring) }, Math.max(0, closedAt - openedAt) / 1000)];
  });
}

// ------------------------------------------------------------------------------------------------------- series

const RESULTS = ["Succeeded", "BackedOut", "Failed", "RolledBack", "Released", "Vanished"] as const;

/** The series that a policy will fill: one that begins with its first event hides that event from `rate` and `increase`. */
export function beginSeries({ input }: FleetLook, labels: Labels): readonly Observation[] {
  const ofRings = input.policy.rings.flatMap(({ name, spec }) => {
    const ring = labels.ring(name);
    const kinds = [
      ...(spec.members.nodes === undefined ? [] : (["Node"] as const)),
      ...(spec.members.workloads === undefined ? [] : (["Workload"] as const)),
    ];
    const pairs = (spec.levels ?? []).map(({ baseline }) => labels.pair(name, baseline));
    return [
      ...[WINDOWS_ENDED, WINDOWS_MISSED].map((metric) => observe(metric, { ring }, undefined)),
      ...[ROLLOUT_DURATION, APPROVAL_WAIT, PROMOTION_LATENCY].map((metric) => observe(metric, { ring }, undefined)),
      ...kinds.flatMap((kind) => [
        observe(UPDATE_DURATION, { kind, ring }, undefined),
        ...RESULTS.map((result) => observe(UPDATES, { kind, ring, result }, undefined)),
      ]),
      ...pairs.flatMap((pair) =>
        [TIME_TO_PATCH, TIME_TO_PATCH_IN_RING].map((metric) => observe(metric, pair, undefined)),
      ),
    ];
  });
  return [...ofRings, ...["Drained", "GivenUp"].map((result) => observe(DRAIN_DURATION, { result }, undefined))];
}
