// The instants at which a cron schedule fires in a time zone, and the spans that begin there.
// Pure apart from a bounded memory of days already worked out, which belongs to the schedule object and changes no
// answer. It never asks what time it is.
import type { Instant } from "../../clock.ts";
import { nextMatchingDay, previousMatchingDay } from "./cron.ts";
import type { Cron } from "./cron.ts";
import { instantOfWall, localDayOf } from "./zone.ts";
import type { Zone } from "./zone.ts";

const DAY = 86_400_000;

/** Working out a day costs some calls of Intl; a year of daily windows fits. */
const DAYS_KEPT = 400;

/** A span begins at each start and lasts `length`. */
export interface Schedule {
  /** The latest start at or before `instant`, if it is after `instant - length`: the span that holds. */
  readonly latestStart: (instant: Instant, length: number) => Instant | undefined;
  /** The end of the span that holds at `instant` (one that ends there counts not), and of those it touches on that day. */
  readonly holdsUntil: (instant: Instant, length: number) => Instant | undefined;
  /** The start of the span that holds at `instant`, and of those before it that it touches on that day. */
  readonly holdsSince: (instant: Instant, length: number) => Instant | undefined;
  /** The earliest start after `instant`. */
  readonly nextStart: (instant: Instant) => Instant | undefined;
}

/** The starts on one local day: base + times[i], ascending. */
interface Starts {
  readonly base: number;
  readonly times: readonly number[];
}

/** One of a day's starts. */
interface Position {
  readonly starts: Starts;
  readonly index: number;
}

export function compileSchedule(cron: Cron, zone: Zone): Schedule {
  const days = new Map<number, Starts>();

  function startsOn(day: number): Starts {
    const known = days.get(day);
    if (known !== undefined) return known;
    if (days.size >= DAYS_KEPT) days.clear();
    const starts = workOut(cron, zone, day);
    days.set(day, starts);
    return starts;
  }

  /** The latest start at or before `instant` and after `instant - length`. */
  function positionAt(instant: Instant, length: number): Position | undefined {
    // A skipped day's starts move to the day after it, and zones are up to a day from UTC.
    const limit = Math.floor((instant - length) / DAY) - 3;
    let day = previousMatchingDay(cron, localDayOf(zone, instant), limit);
    while (day !== undefined) {
      const starts = startsOn(day);
      const index = countUpTo(starts.times, instant - starts.base) - 1;
      if (index >= 0) return startAt(starts, index) > instant - length ? { starts, index } : undefined;
      day = previousMatchingDay(cron, day - 1, limit);
    }
    return undefined;
  }

  return {
    latestStart(instant, length) {
      const position = positionAt(instant, length);
      return position && startAt(position.starts, position.index);
    },
    holdsUntil(instant, length) {
      const position = positionAt(instant, length);
      if (position === undefined) return undefined;
      const { starts } = position;
      let { index } = position;
      while (index + 1 < starts.times.length && isTouching(starts, index, length)) index++;
      return startAt(starts, index) + length;
    },
    holdsSince(instant, length) {
      const position = positionAt(instant, length);
      if (position === undefined) return undefined;
      const { starts } = position;
      let { index } = position;
      while (index > 0 && isTouching(starts, index - 1, length)) index--;
      return startAt(starts, index);
    },
    nextStart(instant) {
      let day = nextMatchingDay(cron, localDayOf(zone, instant) - 1);
      while (day !== undefined) {
        const starts = startsOn(day);
        const index = countUpTo(starts.times, instant - starts.base);
        if (index < starts.times.length) return startAt(starts, index);
        day = nextMatchingDay(cron, day + 1);
      }
      return undefined;
    },
  };
}

function workOut(cron: Cron, zone: Zone, day: number): Starts {
  const midnight = day * DAY;
  const offset = zone.offsetAt(midnight - DAY);
  if (offset === zone.offsetAt(midnight + DAY / 2) && offset === zone.offsetAt(midnight + 2 * DAY)) {
    return { base: midnight - offset, times: cron.times };
  }
  // Clocks jump near this day. Wall times of one gap become one instant; the order may change in an overlap.
  const instants = cron.times.map((time) => instantOfWall(zone, midnight + time));
  return { base: 0, times: [...new Set(instants)].sort((a, b) => a - b) };
}

function startAt({ base, times }: Starts, index: number): Instant {
  return base + (times[index] ?? Number.NaN);
}

/** Whether the span at `index` reaches the start after it. */
function isTouching({ times }: Starts, index: number, length: number): boolean {
  return (times[index] ?? 0) + length >= (times[index + 1] ?? Infinity);
}

/** How many of the ascending `times` are at most `limit`. */
function countUpTo(times: readonly number[], limit: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? Infinity) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
