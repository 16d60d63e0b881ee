// When a ring's calendars let work start: now and until when, or from when on. For people; claims ask the calendars themselves.
import type { Instant } from "../../clock.ts";
import { freezesAt, mayStartAt, nextStart, windowsAt } from "../calendar/index.ts";
import type { Block, RingInForce } from "../model.ts";
import { calendarsOf, type CompiledCalendars } from "./calendars.ts";

export type Opening =
  /** No window restricts the ring and no freeze holds. */
  | { readonly kind: "Always" }
  /** `until`: when nothing starts any more (the cutoff); undefined where that is over a month away. */
  | { readonly kind: "Open"; readonly until: Instant | undefined; readonly closesAt: Instant | undefined }
  /** `opensAt`: when work may start next, all windows and freezes considered; undefined: never again. */
  | { readonly kind: "Shut"; readonly opensAt: Instant | undefined }
  | {
      readonly kind: "Frozen";
      readonly freeze: string;
      readonly reason: string;
      readonly until: Instant;
      readonly opensAt: Instant | undefined;
    }
  /** A calendar is missing or cannot be read: nothing starts. */
  | { readonly kind: "Unknown"; readonly block: Block };

/** Looks at the ring's calendars at `now`. */
export function openingOf(ring: RingInForce, all: CompiledCalendars, now: Instant): Opening {
  const { calendars, problems } = calendarsOf(ring, all);
  const [problem] = problems;
  if (problem !== undefined) return { kind: "Unknown", block: problem };
  const freeze = freezesAt(calendars, now);
  if (freeze.frozen)
    return {
      kind: "Frozen",
      freeze: freeze.freeze.name,
      reason: freeze.freeze.reason,
      until: freeze.until,
      opensAt: nextStart(calendars, now),
    };
  if (!mayStartAt(calendars, now)) return { kind: "Shut", opensAt: nextStart(calendars, now) };
  const window = windowsAt(calendars, now);
  if (calendars.every((calendar) => calendar.windows.length === 0)) return { kind: "Always" };
  return window.open
    ? { kind: "Open", until: window.cutoffAt, closesAt: window.closesAt }
    : { kind: "Shut", opensAt: window.opensAt };
}
