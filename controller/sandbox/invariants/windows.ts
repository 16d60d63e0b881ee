// Time (R4): claims, cordons, evictions and updates against the calendars that were in force when they happened, computed anew from their objects.
import type { Instant } from "../../clock.ts";
import type { Calendar } from "../../core/calendar/index.ts";
import { freezesAt, mayStartAt, windowsAt } from "../../core/calendar/index.ts";
import { parseDuration } from "../../core/duration.ts";
import type { Claim } from "../../core/model.ts";
import type { Invariant } from "./invariant.ts";
import { skips } from "./rings.ts";
import { isStart } from "./starts.ts";
import type { World } from "./world.ts";

/** Calendars that hold for a ring; undefined where one is missing or cannot be read. */
function calendarsOf(world: World, ring: string): readonly Calendar[] | undefined {
  const named = new Set((world.rings.get(ring)?.spec.calendarRefs ?? []).map((ref) => ref.name));
  for (const [name, { spec }] of world.calendars) if (spec.scope === "Cluster") named.add(name);
  const calendars: Calendar[] = [];
  for (const name of named) {
    const calendar = world.calendars.get(name)?.calendar;
    if (calendar === undefined) return undefined;
    calendars.push(calendar);
  }
  return calendars;
}

export function ignoresWindows(world: World, claim: Claim, now: Instant): boolean {
  if (skips(world, claim, "Windows")) return true;
  const ring = world.rings.get(claim.ring);
  const offered = ring?.status?.levels?.find(
    (level) => level.baseline === claim.baseline && level.digest === claim.digest,
  )?.offeredTime;
  const deadline = parseDuration(ring?.spec.deadline ?? "");
  return (
    ring?.spec.onDeadline === "IgnoreWindows" &&
    offered !== undefined &&
    deadline !== undefined &&
    now >= Date.parse(offered) + deadline
  );
}

const check: NonNullable<Invariant["check"]> = ({ ledger, acts, now, version }, world, report) => {
  // Whoever acted may have looked a moment ago: one of the two instants must allow it.
  const instants = [now, now - world.settleMs];
  for (const claim of ledger?.fresh ?? []) {
    const calendars = calendarsOf(world, claim.ring);
    if (calendars !== undefined && calendars.length === 0) continue;
    report.met();
    const may =
      calendars !== undefined &&
      instants.some((instant) =>
        mayStartAt(calendars, instant, {
          expedite: skips(world, claim, "Freezes"),
          ignoreWindows: ignoresWindows(world, claim, instant),
        }),
      );
    if (!may)
      report.violated(
        `rolloutrings/${claim.ring}`,
        `${claim.kind} ${claim.name} was claimed outside its windows or in a freeze`,
      );
  }
  for (const act of acts) {
    // A reboot that the update left to do is the end of what was begun in time.
    if (act.kind === "Images" || !isStart(act, world)) continue;
    const claim = world.held.get(act.uid);
    const calendars = claim === undefined ? undefined : calendarsOf(world, claim.ring);
    if (claim === undefined || calendars === undefined || calendars.length === 0) continue;
    const open = instants.some(
      (instant) =>
        !freezesAt(calendars, instant, { expedite: skips(world, claim, "Freezes") }).frozen &&
        (ignoresWindows(world, claim, instant) || windowsAt(calendars, instant).open),
    );
    if (!open)
      report.violated(
        version.key,
        `${act.kind === "Job" ? `job ${act.step ?? ""}` : act.kind} on ${act.target} outside the windows of ring ${claim.ring} or in a freeze`,
      );
  }
};

export const windows: readonly Invariant[] = [
  { id: "R4", says: "nothing starts outside its windows or in a freeze", check },
];
