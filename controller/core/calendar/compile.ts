// From the calendar that people write to one that can be asked: every mistake is found here, with its path.
// Pure. A compiled calendar keeps its own small memory (schedules, last answer), so nothing is shared between calendars.
import type { Instant } from "../../clock.ts";
import { parseDuration } from "../duration.ts";
import type { Calendar, Freeze, Window } from "./calendar.ts";
import { everMatches, parseCron } from "./cron.ts";
import { compileSchedule } from "./schedule.ts";
import { instantOfWall, zoneOf } from "./zone.ts";
import type { Zone } from "./zone.ts";

/** What people write (`MaintenanceCalendar.spec` is structurally compatible). */
export interface CalendarSpec {
  readonly timeZone: string;
  readonly windows?: readonly WindowSpec[];
  readonly freezes?: readonly FreezeSpec[];
}

export interface WindowSpec {
  readonly name?: string;
  /** Five-field cron in the calendar's zone. */
  readonly schedule: string;
  readonly duration: string;
  /** Nothing starts in this last part of the window. */
  readonly cutoff?: string;
}

export interface FreezeSpec {
  readonly name?: string;
  /** RFC 3339 with offset, or YYYY-MM-DDTHH:MM in the calendar's zone. */
  readonly startTime: string;
  readonly endTime: string;
  readonly scope?: string;
  /** Whether an expedited entry may pass. Default: Never. */
  readonly override?: "Never" | "Expedite";
  readonly reason: string;
}

export interface CalendarError {
  /** As in `windows[0].schedule`. */
  readonly path: string;
  readonly message: string;
}

export type Compiled =
  | { readonly ok: true; readonly calendar: Calendar; readonly errors?: undefined }
  | { readonly ok: false; readonly errors: readonly CalendarError[] };

/** A month: a longer window is better said by a freeze around it. Bounds the search for the window that is open. */
const LONGEST_WINDOW = 31 * 86_400_000;

/** Checks and compiles a calendar; all mistakes at once, in the order of the document. */
export function compileCalendar(spec: CalendarSpec): Compiled {
  const errors: CalendarError[] = [];
  const zone = zoneOf(spec.timeZone);
  if (zone === undefined) {
    const message = `there is no time zone "${spec.timeZone}" (write an IANA name such as Europe/Berlin or UTC)`;
    return { ok: false, errors: [{ path: "timeZone", message }] };
  }
  const windows = (spec.windows ?? []).map((window, index) => compileWindow(window, index, zone, errors));
  const freezes = (spec.freezes ?? []).map((freeze, index) => compileFreeze(freeze, index, zone, errors));
  if (errors.length > 0) return { ok: false, errors };
  const calendar: Calendar = {
    zone,
    windows: windows.filter((window) => window !== undefined),
    freezes: freezes.filter((freeze) => freeze !== undefined).sort((a, b) => a.start - b.start),
    memory: { from: 0, until: 0, state: undefined },
  };
  return { ok: true, calendar };
}

function compileWindow(spec: WindowSpec, index: number, zone: Zone, errors: CalendarError[]): Window | undefined {
  const path = `windows[${index}]`;
  const before = errors.length;
  const cron = parseCron(spec.schedule);
  if (typeof cron === "string") errors.push({ path: `${path}.schedule`, message: cron });
  else if (!everMatches(cron)) {
    const message = `"${spec.schedule}" never comes: no year has such a day, so the window would never open`;
    errors.push({ path: `${path}.schedule`, message });
  }
  const duration = readDuration(spec.duration, `${path}.duration`, errors);
  if (duration === 0) errors.push({ path: `${path}.duration`, message: "must be longer than 0" });
  if (duration !== undefined && duration > LONGEST_WINDOW) {
    errors.push({ path: `${path}.duration`, message: `${spec.duration} is longer than 31d` });
  }
  const cutoff = spec.cutoff === undefined ? 0 : readDuration(spec.cutoff, `${path}.cutoff`, errors);
  if (duration !== undefined && cutoff !== undefined && duration > 0 && cutoff >= duration) {
    const message = `${spec.cutoff ?? "0s"} leaves nothing of the ${spec.duration} window in which work may start`;
    errors.push({ path: `${path}.cutoff`, message });
  }
  if (errors.length > before || typeof cron === "string" || duration === undefined || cutoff === undefined)
    return undefined;
  const name = spec.name ?? `#${index + 1}`;
  return { name, schedule: compileSchedule(cron, zone), duration, startable: duration - cutoff };
}

function readDuration(text: string, path: string, errors: CalendarError[]): number | undefined {
  const duration = parseDuration(text);
  if (duration === undefined) {
    errors.push({
      path,
      message: `"${text}" is not a duration (write a whole number and one unit: 45s, 90m, 36h, 7d)`,
    });
  }
  return duration;
}

function compileFreeze(spec: FreezeSpec, index: number, zone: Zone, errors: CalendarError[]): Freeze | undefined {
  const path = `freezes[${index}]`;
  const start = readTime(spec.startTime, `${path}.startTime`, zone, errors);
  const end = readTime(spec.endTime, `${path}.endTime`, zone, errors);
  if (spec.reason.trim() === "")
    errors.push({ path: `${path}.reason`, message: "a freeze needs a reason: it is what people are shown" });
  if (start === undefined || end === undefined) return undefined;
  if (end <= start) {
    const message = `${spec.endTime} is not after startTime ${spec.startTime}`;
    errors.push({ path: `${path}.endTime`, message });
    return undefined;
  }
  const { scope, reason } = spec;
  return { name: spec.name ?? `#${index + 1}`, start, end, scope, override: spec.override ?? "Never", reason };
}

const TIME = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?$/;

/** An RFC 3339 time, or a wall time in the calendar's zone. */
function readTime(text: string, path: string, zone: Zone, errors: CalendarError[]): Instant | undefined {
  const wall = wallOf(text);
  if (wall === undefined) {
    const message = `"${text}" is not a time (write 2026-11-23T00:00 in the calendar's zone, or 2026-11-23T00:00:00Z)`;
    errors.push({ path, message });
    return undefined;
  }
  const offset = TIME.exec(text)?.[7];
  if (offset === undefined) return instantOfWall(zone, wall);
  return wall - offsetOf(offset);
}

/** The reading of the clock in `text`; undefined if no clock shows it (30 February, 25:00). */
function wallOf(text: string): number | undefined {
  const match = TIME.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map((part) => Number(part ?? 0));
  const [offsetHour = 0, offsetMinute = 0] =
    /(\d{2}):(\d{2})$/
      .exec(match[7] ?? "")
      ?.slice(1)
      .map(Number) ?? [];
  if (hour > 23 || minute > 59 || second > 59 || offsetHour > 23 || offsetMinute > 59) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCFullYear() !== year || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  return date.setUTCHours(hour, minute, second);
}

function offsetOf(text: string): number {
  if (text === "Z") return 0;
  const minutes = Number(text.slice(1, 3)) * 60 + Number(text.slice(4, 6));
  return (text.startsWith("-") ? -minutes : minutes) * 60_000;
}
