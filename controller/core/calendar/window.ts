// When work may start and when it must be over: the union of a calendar's windows, its freezes, and of several calendars.
// Pure: every question names its instant. Holds R4 (no claim outside a window): `mayStart` is what a claim asks.
// Windows that touch or overlap count as one. Durations are absolute, so a window from 01:00 for 4h ends at 04:00 on the
// night the clocks go back. A calendar without windows does not restrict; freezes always do.
import type { Instant } from "../../clock.ts";
import type { Calendar, Freeze, Window, WindowState } from "./calendar.ts";

export type FreezeState =
  | { readonly frozen: false }
  | {
      readonly frozen: true;
      /** Of the freezes that hold, the one that ends last; of these, one that nothing overrides. */
      readonly freeze: Freeze;
      readonly since: Instant;
      /** When no freeze holds any more, counting those that follow without a pause. */
      readonly until: Instant;
      /** Never if any freeze that holds says so: of two, the more careful wins. */
      readonly override: "Never" | "Expedite";
    };

export interface StartOptions {
  /** Past a deadline with IgnoreWindows, or expedited with Windows. */
  readonly ignoreWindows?: boolean;
  /** Expedited with Freezes: passes freezes whose override is Expedite, never the others. */
  readonly expedite?: boolean;
}

/**
 * How far windows that follow one another without a pause are joined: to the border after next of a grid of 32 days.
 * What lies beyond is left out of the answer (a calendar may never close). A grid and not "so many days from now",
 * because an answer must not depend on when it was first asked for and remembered.
 */
const GRID = 32 * 86_400_000;

/** Whether the calendar's windows are open at `now`, since when and until when. */
export function windowAt(calendar: Calendar, now: Instant): WindowState {
  const { memory, windows } = calendar;
  if (windows.length === 0) return { open: true, mayStart: true };
  if (memory.state !== undefined && memory.from <= now && now < memory.until) return memory.state;
  const state = lookAt(windows, now);
  memory.from = now;
  memory.until = Math.min(changeOf(state, now) ?? Infinity, borderAfter(now));
  memory.state = state;
  return state;
}

/** The union over several calendars: open if any of those with windows is, or if none has windows. */
export function windowsAt(calendars: readonly Calendar[], now: Instant): WindowState {
  const restricting = calendars.filter((calendar) => calendar.windows.length > 0);
  const [only] = restricting;
  if (only === undefined) return { open: true, mayStart: true };
  if (restricting.length === 1) return windowAt(only, now);
  return lookAt(
    restricting.flatMap((calendar) => calendar.windows),
    now,
  );
}

/** Whether a freeze of the calendar holds at `now`; a freeze begins at its start and ends just before its end. */
export function freezeAt(calendar: Calendar, now: Instant): FreezeState {
  return freezesAt([calendar], now);
}

/** The same over several calendars: all their freezes hold. */
export function freezesAt(calendars: readonly Calendar[], now: Instant, options: StartOptions = {}): FreezeState {
  const freezes = calendars.flatMap((calendar) => calendar.freezes).filter((freeze) => !passes(freeze, options));
  const holding = freezes.filter((freeze) => freeze.start <= now && now < freeze.end);
  const [freeze] = [...holding].sort((a, b) => b.end - a.end || rank(a) - rank(b));
  if (freeze === undefined) return { frozen: false };
  const never = holding.some((one) => one.override === "Never");
  return {
    frozen: true,
    freeze,
    since: Math.min(...holding.map((one) => one.start)),
    until: thawAfter(freezes, freeze.end),
    override: never ? "Never" : "Expedite",
  };
}

function rank(freeze: Freeze): number {
  return freeze.override === "Never" ? 0 : 1;
}

function passes(freeze: Freeze, options: StartOptions): boolean {
  return options.expedite === true && freeze.override === "Expedite";
}

/** The end of the freezes that hold at `at` or follow without a pause. */
function thawAfter(freezes: readonly Freeze[], at: Instant): Instant {
  let until = at;
  for (;;) {
    const later = freezes.find((freeze) => freeze.start <= until && freeze.end > until);
    if (later === undefined) return until;
    until = later.end;
  }
}

/**
 * The earliest instant after `now` at which an answer of `windowAt` or `freezeAt` may be another; undefined if never.
 * Nothing changes before it.
 */
export function nextChange(calendar: Calendar, now: Instant): Instant | undefined {
  const changes = calendar.freezes.flatMap((freeze) => [freeze.start, freeze.end]).filter((at) => at > now);
  const window = calendar.windows.length === 0 ? undefined : changeOf(windowAt(calendar, now), now);
  if (window !== undefined) changes.push(window);
  return changes.length === 0 ? undefined : Math.min(...changes);
}

/** Whether work may start at `now`: in a window of any calendar before its cutoff, and in no freeze of any. */
export function mayStartAt(calendars: readonly Calendar[], now: Instant, options: StartOptions = {}): boolean {
  if (freezesAt(calendars, now, options).frozen) return false;
  return options.ignoreWindows === true || windowsAt(calendars, now).mayStart;
}

/** The earliest instant at or after `now` at which work may start; undefined if there is none. */
export function nextStart(
  calendars: readonly Calendar[],
  now: Instant,
  options: StartOptions = {},
): Instant | undefined {
  let at = now;
  for (;;) {
    const freeze = freezesAt(calendars, at, options);
    if (freeze.frozen) {
      at = freeze.until;
      continue;
    }
    if (options.ignoreWindows === true || windowsAt(calendars, at).mayStart) return at;
    const start = earliestStart(
      calendars.flatMap((calendar) => calendar.windows),
      at,
    );
    // Every turn passes a freeze or a start that lies in one, and there are finitely many freezes.
    if (start === undefined) return undefined;
    at = start;
  }
}

function changeOf(state: WindowState, now: Instant): Instant | undefined {
  if (!state.open) return state.opensAt;
  // What is not in sight yet may come into sight at the next border.
  let change = state.closesAt === undefined ? borderAfter(now) : state.closesAt;
  for (const at of [state.cutoffAt, state.startsAgainAt]) {
    if (at !== undefined && at > now && at < change) change = at;
  }
  return change;
}

function borderAfter(now: Instant): Instant {
  return (Math.floor(now / GRID) + 1) * GRID;
}

function lookAt(windows: readonly Window[], now: Instant): WindowState {
  const closesAt = endOfChain(windows, now, (window) => window.duration);
  if (closesAt === now) {
    const opensAt = earliestStart(windows, now);
    return opensAt === undefined ? { open: false, mayStart: false } : { open: false, mayStart: false, opensAt };
  }
  const open = { open: true, ...given("since", beginOfChain(windows, now)), ...given("closesAt", closesAt) } as const;
  const cutoffAt = endOfChain(windows, now, (window) => window.startable);
  if (cutoffAt > now) return { ...open, mayStart: true, ...given("cutoffAt", cutoffAt) };
  const past = { ...open, mayStart: false, cutoffAt: lastCutoff(windows, now) } as const;
  const startsAgainAt = earliestStart(windows, now);
  return startsAgainAt !== undefined && startsAgainAt < closesAt ? { ...past, startsAgainAt } : past;
}

/** The field, unless its instant is out of sight. */
function given<K extends string>(name: K, instant: Instant): { readonly [_ in K]?: Instant } {
  return Number.isFinite(instant) ? ({ [name]: instant } as { readonly [_ in K]: Instant }) : {};
}

/** The end of the spans [start, start + length) that hold at `now` or follow without a pause; `now` if none, Infinity if out of sight. */
function endOfChain(windows: readonly Window[], now: Instant, lengthOf: (window: Window) => number): Instant {
  const horizon = borderAfter(now) + GRID;
  let until = now;
  while (until < horizon) {
    let further = until;
    for (const window of windows) {
      const end = window.schedule.holdsUntil(until, lengthOf(window));
      if (end !== undefined && end > further) further = end;
    }
    if (further === until) return until;
    until = further;
  }
  return Infinity;
}

/** The start of the windows that are open at `now` and of those that they follow without a pause; -Infinity if out of sight. */
function beginOfChain(windows: readonly Window[], now: Instant): Instant {
  const horizon = borderAfter(now) - 2 * GRID;
  let since = earliestOf(windows, now, now);
  while (since > horizon) {
    // One that ended exactly where the next began still counts: it was open a millisecond before.
    const earlier = earliestOf(windows, since - 1, since);
    if (earlier === since) return since;
    since = earlier;
  }
  return -Infinity;
}

/** The earliest of the latest starts of the windows open at `at`, or `otherwise`. */
function earliestOf(windows: readonly Window[], at: Instant, otherwise: Instant): Instant {
  let earliest = otherwise;
  for (const window of windows) {
    const start = window.schedule.holdsSince(at, window.duration);
    if (start !== undefined && start < earliest) earliest = start;
  }
  return earliest;
}

/** When work could last start: the latest cutoff at or before `now`. */
function lastCutoff(windows: readonly Window[], now: Instant): Instant {
  let latest = -Infinity;
  for (const window of windows) {
    const start = window.schedule.latestStart(now, 2 * GRID);
    if (start !== undefined) latest = Math.max(latest, start + window.startable);
  }
  return latest;
}

function earliestStart(windows: readonly Window[], now: Instant): Instant | undefined {
  let earliest: Instant | undefined;
  for (const window of windows) {
    const start = window.schedule.nextStart(now);
    if (start !== undefined && (earliest === undefined || start < earliest)) earliest = start;
  }
  return earliest;
}
