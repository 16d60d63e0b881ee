// Five-field cron expressions: minute, hour, day of month, month, day of week.
// Pure. Says which local days and which minutes of them match; it knows neither time zones nor a clock.
// As in cron(5): if both day fields are restricted, a day matches when either does. Besides numbers, ranges, lists and
// steps there are names (MON, JAN), `L` (the last day of the month) and, because patches are published so,
// `TUE#2` (the second Tuesday) and `FRI#L` (the last Friday).

const DAY = 86_400_000;

export interface Cron {
  /** Minutes of the day at which it fires on a matching day, ascending, in milliseconds. */
  readonly times: readonly number[];
  /** Whether a month (1-12) can match at all. */
  readonly matchesMonth: (month: number) => boolean;
  /** Whether a civil day matches. `weekday` 0 is Sunday; `last` is the number of days in the month. */
  readonly matchesDay: (month: number, day: number, weekday: number, last: number) => boolean;
}

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly names: readonly string[];
}

const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

const MINUTE: Field = { name: "minute", min: 0, max: 59, names: [] };
const HOUR: Field = { name: "hour", min: 0, max: 23, names: [] };
const DAY_OF_MONTH: Field = { name: "day of month", min: 1, max: 31, names: [] };
const MONTH: Field = { name: "month", min: 1, max: 12, names: MONTHS };
const DAY_OF_WEEK: Field = { name: "day of week", min: 0, max: 7, names: WEEKDAYS };

/** Parses a cron expression; a string says what is wrong with it and what to write. */
export function parseCron(text: string): Cron | string {
  const words = text.trim().split(/\s+/);
  const [minute = "", hour = "", dayOfMonth = "", month = "", dayOfWeek = ""] = words;
  if (words.length !== 5 || text.length > 256) {
    return `expected 5 fields (minute hour day-of-month month day-of-week), as in "0 1 * * TUE-THU", got ${text === "" ? 0 : words.length}`;
  }
  const minutes = parseField(minute, MINUTE);
  if (typeof minutes === "string") return minutes;
  const hours = parseField(hour, HOUR);
  if (typeof hours === "string") return hours;
  const months = parseField(month, MONTH);
  if (typeof months === "string") return months;
  const days = parseDaysOfMonth(dayOfMonth);
  if (typeof days === "string") return days;
  const weekdays = parseDaysOfWeek(dayOfWeek);
  if (typeof weekdays === "string") return weekdays;
  const anyDay = dayOfMonth.startsWith("*");
  const anyWeekday = dayOfWeek.startsWith("*");
  return {
    times: [...hours].sort(ascending).flatMap((h) => [...minutes].sort(ascending).map((m) => (h * 60 + m) * 60_000)),
    matchesMonth: (one) => months.has(one),
    matchesDay(one, day, weekday, last) {
      if (!months.has(one)) return false;
      const byDay = days(day, last);
      const byWeekday = weekdays(day, weekday, last);
      // A field that begins with "*" does not count as restricted, also with a step (as in Vixie cron).
      return anyDay || anyWeekday ? byDay && byWeekday : byDay || byWeekday;
    },
  };
}

/** Whether any day of the 400-year cycle of the calendar matches: "0 0 31 2 *" never does. */
export function everMatches(cron: Cron): boolean {
  for (let year = 2000; year < 2400; year++) {
    for (let month = 1; month <= 12; month++) {
      if (!cron.matchesMonth(month)) continue;
      const last = new Date(Date.UTC(year, month, 0)).getUTCDate();
      const first = new Date(Date.UTC(year, month - 1, 1)).getUTCDay();
      for (let day = 1; day <= last; day++) {
        if (cron.matchesDay(month, day, (first + day - 1) % 7, last)) return true;
      }
    }
  }
  return false;
}

/** The next local day (in days since 1970-01-01) at or after `day` that matches, within 400 years. */
export function nextMatchingDay(cron: Cron, day: number): number | undefined {
  return matchingDay(cron, day, 1);
}

/** The latest local day at or before `day` that matches and is not before `limit`. */
export function previousMatchingDay(cron: Cron, day: number, limit: number): number | undefined {
  const found = matchingDay(cron, day, -1);
  return found === undefined || found < limit ? undefined : found;
}

function matchingDay(cron: Cron, from: number, step: 1 | -1): number | undefined {
  let day = from;
  const end = from + step * 146_097;
  while (step === 1 ? day <= end : day >= end) {
    const date = new Date(day * DAY);
    const year = date.getUTCFullYear();
    const month = date.getUTCMonth() + 1;
    if (Number.isNaN(year)) return undefined;
    const last = new Date(Date.UTC(year, month, 0)).getUTCDate();
    const dayOfMonth = date.getUTCDate();
    const untilOtherMonth = step === 1 ? last - dayOfMonth + 1 : dayOfMonth;
    if (cron.matchesMonth(month)) {
      const weekday = date.getUTCDay();
      for (let offset = 0; offset < untilOtherMonth; offset++) {
        const on = step * offset;
        if (cron.matchesDay(month, dayOfMonth + on, (((weekday + on) % 7) + 7) % 7, last)) return day + on;
      }
    }
    day += step * untilOtherMonth;
  }
  return undefined;
}

function ascending(a: number, b: number): number {
  return a - b;
}

function parseField(text: string, field: Field): ReadonlySet<number> | string {
  const values = new Set<number>();
  for (const part of text.split(",")) {
    const problem = addPart(values, part, field);
    if (problem !== undefined) return `${field.name} "${text}": ${problem}`;
  }
  return values;
}

/** Adds `*`, `n`, `n-m`, each perhaps with `/step`; returns what is wrong. */
function addPart(values: Set<number>, part: string, field: Field): string | undefined {
  const match = /^(\*|([0-9A-Za-z]+)(?:-([0-9A-Za-z]+))?)(?:\/(\d{1,3}))?$/.exec(part);
  if (match === null) return `"${part}" is not a number, name, range, list or step`;
  const [, whole, first = "", second, step] = match;
  const by = step === undefined ? 1 : Number(step);
  if (by < 1) return "a step must be at least 1";
  let from = field.min;
  let to = field === DAY_OF_WEEK ? 6 : field.max;
  if (whole !== "*") {
    const start = valueOf(first, field);
    const end = second === undefined ? start : valueOf(second, field);
    const expected = `${field.min}-${field.max}${field.names.length > 0 ? ` or ${field.names[0] ?? ""}-${field.names.at(-1) ?? ""}` : ""}`;
    if (start === undefined) return `"${first}" is not in ${expected}`;
    if (end === undefined) return `"${second ?? ""}" is not in ${expected}`;
    if (step !== undefined && second === undefined)
      return `write "${first}-${field.max}/${step}" for a step from ${first}`;
    if (end < start) return `the range ${part} runs backwards: write it as two ranges`;
    from = start;
    to = end;
  }
  for (let value = from; value <= to; value += by) values.add(field === DAY_OF_WEEK ? value % 7 : value);
  return undefined;
}

function valueOf(text: string, field: Field): number | undefined {
  const name = field.names.indexOf(text.toUpperCase());
  if (name !== -1) return name + (field === MONTH ? 1 : 0);
  if (!/^\d{1,2}$/.test(text)) return undefined;
  const value = Number(text);
  return value >= field.min && value <= field.max ? value : undefined;
}

function parseDaysOfMonth(text: string): ((day: number, last: number) => boolean) | string {
  const parts = text.split(",");
  const plain = parts.filter((part) => part !== "L");
  const days = plain.length === 0 ? new Set<number>() : parseField(plain.join(","), DAY_OF_MONTH);
  if (typeof days === "string") return days;
  const lastDay = plain.length < parts.length;
  return (day, last) => days.has(day) || (lastDay && day === last);
}

function parseDaysOfWeek(text: string): ((day: number, weekday: number, last: number) => boolean) | string {
  const plain: string[] = [];
  const nth: { weekday: number; which: number | "L" }[] = [];
  for (const part of text.split(",")) {
    const match = /^([0-9A-Za-z]+)#([1-5L])$/.exec(part);
    if (match === null) {
      plain.push(part);
      continue;
    }
    const weekday = valueOf(match[1] ?? "", DAY_OF_WEEK);
    if (weekday === undefined) return `day of week "${text}": "${match[1] ?? ""}" is not in 0-7 or SUN-SAT`;
    nth.push({ weekday: weekday % 7, which: match[2] === "L" ? "L" : Number(match[2]) });
  }
  const weekdays = plain.length === 0 ? new Set<number>() : parseField(plain.join(","), DAY_OF_WEEK);
  if (typeof weekdays === "string") return weekdays;
  return (day, weekday, last) =>
    weekdays.has(weekday) ||
    nth.some(
      (one) => one.weekday === weekday && (one.which === "L" ? day + 7 > last : Math.ceil(day / 7) === one.which),
    );
}
