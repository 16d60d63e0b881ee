// Gauges of rings: phase and what blocks them, how far each is with its approved level, soak, gates, windows and freezes.
import { GATE_STATES } from "../../api/rollout-ring.ts";
import { PHASES } from "../../api/patch-state.ts";
import { freezesAt, mayStartAt, nextStart, windowsAt } from "../calendar/index.ts";
import { parseDuration } from "../duration.ts";
import { type CompiledCalendars, calendarsOf } from "../rollout/calendars.ts";
import type { RingOutcome } from "../rollout/summary.ts";
import { deadlineOf } from "../rollout/ring-checks.ts";
import type { Instant } from "../../clock.ts";
import {
  FROZEN,
  GATES,
  RING_BLOCKED,
  RING_MEMBERS,
  RING_PHASE,
  ROLLOUT_DEADLINE,
  ROLLOUT_DONE,
  ROLLOUT_FAILED,
  ROLLOUT_IN_FLIGHT,
  ROLLOUT_TARGETS,
  SOAK_WANTED,
  SOAKED,
  WINDOW_CLOSES,
  WINDOW_OPEN,
  WINDOW_OPENS,
} from "./definitions.ts";
import { kindOf } from "./fleet.ts";
import type { Labels } from "./labels.ts";
import type { FleetLook } from "./look.ts";
import { type Sample, sample } from "./sample.ts";

/** Everything about single rings. Of rings that share a label the numbers are summed up by `sumSamples`. */
export function sampleRings(look: FleetLook, labels: Labels, calendars: CompiledCalendars): readonly Sample[] {
  const { plan } = look;
  return plan.rings.flatMap((outcome) => [
    ...sampleRing(outcome, labels),
    ...samplePairs(outcome, look, labels),
    ...sampleWindows(outcome, labels, calendars, plan.at),
  ]);
}

function sampleRing(
  { ring: { name }, phase, blockedBy, members, gates }: RingOutcome,
  labels: Labels,
): readonly Sample[] {
  const ring = labels.ring(name);
  const states = gates.map(({ status, block }) => status?.state ?? (block === undefined ? "Open" : "Shut"));
  return [
    ...PHASES.map((one) => sample(RING_PHASE, { ring, phase: one }, one === phase ? 1 : 0)),
    ...[...new Set(blockedBy.map(({ reason }) => reason))].map((reason) => sample(RING_BLOCKED, { ring, reason }, 1)),
    sample(RING_MEMBERS, { kind: "Node", ring }, members.nodes),
    sample(RING_MEMBERS, { kind: "Workload", ring }, members.workloads),
    ...GATE_STATES.map((state) => sample(GATES, { ring, state }, states.filter((one) => one === state).length)),
  ];
}

function samplePairs({ ring, progress }: RingOutcome, { input }: FleetLook, labels: Labels): readonly Sample[] {
  const kind = kindOf(input.policy);
  const soak = parseDuration(ring.spec.soak ?? "24h") ?? 0;
  return [...progress].flatMap(([baseline, { status, soakedMs, notDone }]) => {
    const pair = labels.pair(ring.name, baseline);
    const of = { kind: kind(baseline), ...pair };
    const deadline = deadlineOf(ring, status.offeredTime === undefined ? undefined : Date.parse(status.offeredTime));
    return [
      sample(ROLLOUT_TARGETS, of, status.targets ?? 0),
      sample(ROLLOUT_DONE, of, status.done ?? 0),
      sample(ROLLOUT_IN_FLIGHT, of, status.inFlight ?? 0),
      sample(ROLLOUT_FAILED, of, status.failed ?? 0),
      sample(SOAKED, pair, soakedMs / 1000),
      sample(SOAK_WANTED, pair, soak / 1000),
      ...(deadline === undefined || notDone === 0 ? [] : [sample(ROLLOUT_DEADLINE, of, { at: deadline })]),
    ];
  });
}

function sampleWindows({ ring }: RingOutcome, labels: Labels, all: CompiledCalendars, now: Instant): readonly Sample[] {
  const of = { ring: labels.ring(ring.name) };
  const { calendars, problems } = calendarsOf(ring, all);
  // A calendar that cannot be read keeps the ring shut, and nobody knows when it opens.
  if (problems.length > 0) return [sample(WINDOW_OPEN, of, 0)];
  const window = windowsAt(calendars, now);
  const opens = mayStartAt(calendars, now) ? undefined : nextStart(calendars, now);
  const { frozen } = freezesAt(calendars, now);
  return [
    sample(WINDOW_OPEN, of, window.open && !frozen ? 1 : 0),
    sample(FROZEN, of, frozen ? 1 : 0),
    ...(opens === undefined ? [] : [sample(WINDOW_OPENS, of, { at: opens })]),
    ...(window.open && window.closesAt !== undefined ? [sample(WINDOW_CLOSES, of, { at: window.closesAt })] : []),
  ];
}
