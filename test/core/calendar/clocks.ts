// Short ways to write instants and calendars in the calendar tests.
import { compileCalendar } from "../../../controller/core/calendar/index.ts";
import type { Calendar, CalendarSpec, WindowSpec } from "../../../controller/core/calendar/index.ts";

/** An instant from RFC 3339. */
export function at(text: string): number {
  const instant = Date.parse(text);
  if (Number.isNaN(instant)) throw new Error(`${text} is no time`);
  return instant;
}

/** An instant as RFC 3339 in UTC, to the second. */
export function utc(instant: number | undefined): string | undefined {
  return instant === undefined ? undefined : new Date(instant).toISOString().replace(".000Z", "Z");
}

export function calendar(spec: CalendarSpec): Calendar {
  const compiled = compileCalendar(spec);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.errors));
  return compiled.calendar;
}

export function windows(timeZone: string, ...specs: readonly WindowSpec[]): Calendar {
  return calendar({ timeZone, windows: specs });
}
