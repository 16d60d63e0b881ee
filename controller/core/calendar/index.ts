// Calendars: when work may start. Outsiders import from here.
export { compileCalendar } from "./compile.ts";
export type {
  Calendar,
  CalendarError,
  CalendarSpec,
  Compiled,
  Freeze,
  FreezeSpec,
  Window,
  WindowSpec,
} from "./compile.ts";
export { freezeAt, freezesAt, mayStartAt, nextChange, nextStart, windowAt, windowsAt } from "./window.ts";
export type { FreezeState, StartOptions, WindowState } from "./window.ts";
