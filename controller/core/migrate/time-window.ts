// The window of kured and of system-upgrade-controller (it takes kured's): weekdays, a start and an end of day, a zone. The weekday is
// asked of the moment itself, so a window over midnight on Monday is Monday's first hours and Monday's last (pkg/timewindow of kured).
// Pure.
import { zoneOf } from "../calendar/zone.ts";
import type { MaintenanceCalendarSpec } from "../../api/maintenance-calendar.ts";
import { formatDuration } from "../duration.ts";

export interface TimeWindow {
  readonly days: readonly string[];
  readonly start: string;
  readonly end: string;
  readonly timeZone: string;
}

/** What a window comes to: nothing where it is always open, a calendar, or what is wrong with it. */
export type Opened =
  | { readonly kind: "Always" }
  | { readonly kind: "Windows"; readonly spec: MaintenanceCalendarSpec }
  | { readonly kind: "Wrong"; readonly message: string };

const DAY = 86_400_000;
const NAMES: readonly (readonly string[])[] = [
  ["0", "su", "sun", "sunday"],
  ["1", "mo", "mon", "monday"],
  ["2", "tu", "tue", "tuesday"],
  ["3", "we", "wed", "wednesday"],
  ["4", "th", "thu", "thursday"],
  ["5", "fr", "fri", "friday"],
  ["6", "sa", "sat", "saturday"],
];

/** Number of a weekday, Sunday first; undefined for what is none. */
export function parseWeekday(text: string): number | undefined {
  const day = NAMES.findIndex((names) => names.includes(text.trim().toLowerCase()));
  return day < 0 ? undefined : day;
}

/** Milliseconds of day: `15:04`, `15:04:05`, `03:04pm`, `15`, `03pm`. */
export function parseTimeOfDay(text: string): number | undefined {
  const match = /^(\d{1,2})(?::(\d{2}))?(?::(\d{2}))?(am|pm)?$/i.exec(text.trim());
  if (match === null) return undefined;
  const [, hours = "", minutes = "0", seconds = "0", half] = match;
  if (half !== undefined && match[3] !== undefined) return undefined;
  const hour = half === undefined ? Number(hours) : hourOf(Number(hours), half.toLowerCase() === "pm");
  if (hour === undefined || hour > 23 || Number(minutes) > 59 || Number(seconds) > 59) return undefined;
  return ((hour * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
}

function hourOf(hour: number, afternoon: boolean): number | undefined {
  if (hour < 1 || hour > 12) return undefined;
  return (hour % 12) + (afternoon ? 12 : 0);
}

/** The calendar that is open when the window is. An end is the last second that counts, so the next one closes it. */
export function openWindow({ days, start, end, timeZone }: TimeWindow): Opened {
  const numbers = [...new Set(days.map(parseWeekday))];
  if (numbers.length === 0 || numbers.includes(undefined))
    return { kind: "Wrong", message: `the days ${JSON.stringify(days.join(","))} are not weekdays` };
  if (zoneOf(timeZone) === undefined)
    return { kind: "Wrong", message: `there is no time zone ${JSON.stringify(timeZone)}` };
  const [from, until] = [parseTimeOfDay(start), parseTimeOfDay(end)];
  if (from === undefined) return { kind: "Wrong", message: `${JSON.stringify(start)} is no time of day` };
  if (until === undefined) return { kind: "Wrong", message: `${JSON.stringify(end)} is no time of day` };
  const close = until % 60_000 === 59_000 ? until + 1000 : until;
  const whole = numbers.length === 7;
  if (whole && from === 0 && close === DAY) return { kind: "Always" };
  const on = whole ? "*" : (numbers as readonly number[]).toSorted((a, b) => a - b).join(",");
  const window = (name: string, opens: number, length: number) => ({
    name,
    schedule: `${Math.floor(opens / 60_000) % 60} ${Math.floor(opens / 3_600_000)} * * ${on}`,
    duration: formatDuration(length),
  });
  if (from % 60_000 !== 0) return { kind: "Wrong", message: `${start}: a window opens on a whole minute` };
  if (from < close)
    return { kind: "Windows", spec: { timeZone, windows: [window("maintenance", from, close - from)] } };
  if (from === close) return { kind: "Wrong", message: `${start} to ${end} is no time at all` };
  if (whole) return { kind: "Windows", spec: { timeZone, windows: [window("maintenance", from, DAY - from + close)] } };
  const morning = close === 0 ? [] : [window("morning", 0, close)];
  return { kind: "Windows", spec: { timeZone, windows: [...morning, window("evening", from, DAY - from)] } };
}
