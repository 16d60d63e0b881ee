// When a new level may be made (`resolveSchedule`): inputs count only once the schedule has fired after them.
// Pure: derived from the inputs' times and `now` alone, so a controller that was down at the tick makes the same level later.
import type { PatchBaselineSpec } from "../../api/patch-baseline.ts";
import type { Instant } from "../../clock.ts";
import { parseCron } from "../calendar/cron.ts";
import { compileSchedule } from "../calendar/schedule.ts";
import { zoneOf } from "../calendar/zone.ts";

/** A schedule that fires less often than in five years never does. */
const LOOK_BACK = 5 * 366 * 86_400_000;

export type Tick =
  | { readonly kind: "Always" }
  | { readonly kind: "At"; readonly at: Instant }
  | { readonly kind: "Invalid"; readonly message: string };

/** The last time at or before `now` that the schedule fired; `Always` where there is no schedule. */
export function lastTick(schedule: PatchBaselineSpec["resolveSchedule"], now: Instant): Tick {
  if (schedule === undefined) return { kind: "Always" };
  const cron = parseCron(schedule.schedule);
  if (typeof cron === "string") return { kind: "Invalid", message: cron };
  const name = schedule.timeZone ?? "UTC";
  const zone = zoneOf(name);
  if (zone === undefined)
    return { kind: "Invalid", message: `there is no time zone "${name}"; write one such as Europe/Berlin` };
  return { kind: "At", at: compileSchedule(cron, zone).latestStart(now, LOOK_BACK) ?? -Infinity };
}
