// An IANA time zone: what its clocks show at an instant, and at which instant they show a wall time.
// Pure: the zone data are the runtime's (Intl), always asked about an explicit instant; never the process's own zone.
// Clocks that jump: a wall time that is skipped means the first instant after the gap, one that is shown twice means
// the first of the two. Wall times are numbers: milliseconds of the same reading in UTC.
import type { Instant } from "../../clock.ts";

const DAY = 86_400_000;

export interface Zone {
  readonly name: string;
  /** What is added to an instant to get the wall time. */
  readonly offsetAt: (instant: Instant) => number;
}

/** The zone of an IANA name; undefined if there is no such zone. */
export function zoneOf(name: string): Zone | undefined {
  // Intl also takes bare offsets ("+02:00"); a calendar that must follow a country's clocks should not.
  if (!/^[A-Za-z]/.test(name)) return undefined;
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: name,
      calendar: "gregory",
      numberingSystem: "latn",
      hourCycle: "h23",
      era: "short",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
  } catch {
    return undefined;
  }
  return { name, offsetAt: (instant) => wallOf(format, instant) - Math.floor(instant / 1000) * 1000 };
}

function wallOf(format: Intl.DateTimeFormat, instant: Instant): number {
  const field: Partial<Record<Intl.DateTimeFormatPartTypes, string>> = {};
  for (const { type, value } of format.formatToParts(instant)) field[type] = value;
  const year = field.era?.startsWith("B") === true ? 1 - Number(field.year) : Number(field.year);
  const wall = new Date(0);
  wall.setUTCFullYear(year, Number(field.month) - 1, Number(field.day));
  wall.setUTCHours(Number(field.hour), Number(field.minute), Number(field.second));
  return wall.getTime();
}

/** The instant of a wall time, with gaps and overlaps resolved as the head of this file says. */
export function instantOfWall(zone: Zone, wall: number): Instant {
  // No zone is further than a day from UTC, so these two readings lie on either side of any jump near `wall`.
  const before = zone.offsetAt(wall - DAY);
  const after = zone.offsetAt(wall + DAY);
  const candidates =
    before === after ? [wall - before] : [wall - Math.max(before, after), wall - Math.min(before, after)];
  const found = candidates.find((instant) => instant + zone.offsetAt(instant) === wall);
  return found ?? firstInstantAfterGap(zone, wall);
}

/** The earliest instant whose wall time is after the skipped `wall`. */
function firstInstantAfterGap(zone: Zone, wall: number): Instant {
  let low = wall - 2 * DAY;
  let high = wall + 2 * DAY;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (middle + zone.offsetAt(middle) > wall) high = middle;
    else low = middle;
  }
  return high;
}

/** The local day of an instant, in days since 1970-01-01. */
export function localDayOf(zone: Zone, instant: Instant): number {
  return Math.floor((instant + zone.offsetAt(instant)) / DAY);
}
