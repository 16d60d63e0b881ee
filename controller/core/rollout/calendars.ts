// The calendars that hold for a ring: those it refers to and every one of scope Cluster. A missing or unreadable calendar closes
// the ring (ReferenceMissing): deleting a file never starts work (G4).
import { type Calendar, compileCalendar } from "../calendar/index.ts";
import type { MaintenanceCalendarSpec } from "../../api/maintenance-calendar.ts";
import type { Block, PolicyInForce, RingInForce } from "../model.ts";

/** Every calendar of the policy, compiled once for a plan. */
export type CompiledCalendars = ReadonlyMap<
  string,
  { readonly spec: MaintenanceCalendarSpec; readonly compiled: ReturnType<typeof compileCalendar> }
>;

export function compileCalendars(policy: PolicyInForce): CompiledCalendars {
  return new Map(
    policy.calendars.map(({ name, spec }) => [
      name,
      { spec, compiled: compileCalendar({ ...spec, timeZone: spec.timeZone ?? "UTC" }) },
    ]),
  );
}

export interface RingCalendars {
  readonly calendars: readonly Calendar[];
  readonly problems: readonly Block[];
}

/** The calendars of one ring. */
export function calendarsOf(ring: RingInForce, all: CompiledCalendars): RingCalendars {
  const names = new Set((ring.spec.calendarRefs ?? []).map((ref) => ref.name));
  for (const [name, { spec }] of all) if (spec.scope === "Cluster") names.add(name);
  const calendars: Calendar[] = [];
  const problems: Block[] = [];
  for (const name of [...names].sort()) {
    const found = all.get(name)?.compiled;
    if (found === undefined) problems.push({ reason: "ReferenceMissing", message: `calendar ${name} does not exist` });
    else if (found.ok) calendars.push(found.calendar);
    else
      problems.push({
        reason: "PolicyInvalid",
        message: `calendar ${name}: ${found.errors[0]?.message ?? "cannot be read"}`,
      });
  }
  return { calendars, problems };
}
