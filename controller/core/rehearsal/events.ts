// When the next plan of a rehearsal could be another one. An event that is missed is a rehearsal that ends too early; one too many costs a plan.
import type { Instant } from "../../clock.ts";
import { nextChange, nextStart } from "../calendar/index.ts";
import { parseDuration } from "../duration.ts";
import { calendarsOf } from "../rollout/calendars.ts";
import type { Plan } from "../rollout/plan.ts";
import type { RingOutcome } from "../rollout/summary.ts";
import { deadlineOf } from "../rollout/ring-checks.ts";
import type { World } from "./world.ts";

const HOUR = 3_600_000;

/** The next instant at which a plan could be another one; undefined: never. */
export function nextEvent(world: World, plan: Plan): Instant | undefined {
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
