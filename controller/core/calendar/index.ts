// Calendars: when work may start. Outsiders import from here.
export { compileCalendar } from "./compile.ts";
export type { Calendar, Freeze, Window, WindowState } from "./calendar.ts";
export type { CalendarError, CalendarSpec, Compiled, FreezeSpec, WindowSpec } from "./compile.ts";
export { freezeAt, freezesAt, mayStartAt, nextChange, nextStart, windowAt, windowsAt } from "./window.ts";
export type { FreezeState, StartOptions } from "./window.ts";
