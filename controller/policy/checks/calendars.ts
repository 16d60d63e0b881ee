// Calendars that cannot be understood, and calendars and rings that can never start anything.
import { type Calendar, compileCalendar, nextStart } from "../../core/calendar/index.ts";
import type { Pointer } from "../documents.ts";
import type { Finding } from "../finding.ts";
import type { ObjectOf } from "../object.ts";
import { type CheckContext, error, warning } from "./context.ts";

const YEAR = 366 * 86_400_000;

/** Every calendar compiles (zone, cron, durations, cutoff, freezes), and leaves some time to start. */
export function checkCalendars(context: CheckContext): readonly Finding[] {
  const known = new Set(Intl.supportedValuesOf("timeZone"));
  return context.calendars.flatMap((calendar) => {
    const compiled = compile(calendar);
    if (!compiled.ok) {
      return compiled.errors.map(({ path, message }) => {
        const code = path === "timeZone" ? "UnknownTimeZone" : "InvalidCalendar";
        const guess = path === "timeZone" ? guessZone(calendar.spec.timeZone ?? "", known) : undefined;
        return error(
          calendar,
          ["spec", ...pointerOf(path)],
          code,
          message,
          guess === undefined ? undefined : `did you mean "${guess}"?`,
        );
      });
    }
    const start = nextStart([compiled.calendar], context.now);
    if (start === undefined || start - context.now > 10 * YEAR) {
      const message = "its windows and freezes leave no time to start in the next ten years";
      return [error(calendar, ["spec"], "CalendarNeverOpens", message, "shorten the freezes or add windows")];
    }
    return [];
  });
}

function guessZone(zone: string, known: ReadonlySet<string>): string | undefined {
  const wanted = zone.toLowerCase().replaceAll(" ", "_");
  return [...known].find((name) => name.toLowerCase() === wanted || name.toLowerCase().endsWith(`/${wanted}`));
}

function compile(calendar: ObjectOf<"MaintenanceCalendar">): ReturnType<typeof compileCalendar> {
  return compileCalendar({ ...calendar.spec, timeZone: calendar.spec.timeZone ?? "UTC" });
}

/** `windows[0].schedule` as a pointer. */
function pointerOf(path: string): Pointer {
  return path
    .split(/[.[\]]+/)
    .filter((part) => part !== "")
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}

/** A ring's calendars together (one may freeze what another opens) leave some time to start within a year. */
export function checkRingCalendars(context: CheckContext): readonly Finding[] {
  const compiled = new Map<string, Calendar>();
  for (const calendar of context.calendars) {
    const result = compile(calendar);
    if (result.ok) compiled.set(calendar.name, result.calendar);
  }
  const everywhere = context.calendars.filter(({ spec }) => spec.scope === "Cluster").map(({ name }) => name);
  const answers = new Map<string, boolean>();
  return context.rings.flatMap((ring) => {
    const names = [...new Set([...(ring.spec.calendarRefs ?? []).map(({ name }) => name), ...everywhere])].toSorted();
    const calendars = names.flatMap((name) => compiled.get(name) ?? []);
    if (calendars.length < 2 || calendars.length < names.length) return [];
    const key = names.join(" ");
    let opens = answers.get(key);
    if (opens === undefined) {
      const start = nextStart(calendars, context.now);
      opens = start !== undefined && start - context.now <= YEAR;
      answers.set(key, opens);
    }
    if (opens) return [];
    const message = `its calendars (${names.join(", ")}) together leave no time to start within a year`;
    return [
      warning(
        ring,
        ["spec", "calendarRefs"],
        "RingNeverOpens",
        message,
        "look at the freezes, those of scope Cluster too",
      ),
    ];
  });
}
