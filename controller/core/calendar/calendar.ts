// A calendar that can be asked: windows and freezes as instants and lengths, and the last answer.
import type { Instant } from "../../clock.ts";
import type { Schedule } from "./schedule.ts";
import type { Zone } from "./zone.ts";

/** A recurring span in which work may start. */
export interface Window {
  readonly name: string;
  readonly schedule: Schedule;
  readonly duration: number;
  /** How long after its start a window lets things begin: duration less cutoff; always positive. */
  readonly startable: number;
}

/** A span in which nothing starts. */
export interface Freeze {
  readonly name: string;
  readonly start: Instant;
  readonly end: Instant;
  readonly scope: string | undefined;
  readonly override: "Never" | "Expedite";
  readonly reason: string;
}

/** Whether windows are open at an instant, since when and until when. */
export type WindowState =
  | {
      readonly open: true;
      /** Whether work may start: before the cutoff of some open window. */
      readonly mayStart: boolean;
      /** Absent (as the next two) without windows, or when it lies beyond the joined span: over 32 days away. */
      readonly since?: Instant;
      /** The first instant after the windows that follow one another without a pause. */
      readonly closesAt?: Instant;
      /** While `mayStart`: when it ends. Else: when it ended. */
      readonly cutoffAt?: Instant;
      /** After the cutoff: when a later window lets work start again before this one has closed. */
      readonly startsAgainAt?: Instant;
    }
  | { readonly open: false; readonly mayStart: false; readonly opensAt?: Instant };

/** Windows and freezes of one zone. */
export interface Calendar {
  readonly zone: Zone;
  readonly windows: readonly Window[];
  readonly freezes: readonly Freeze[];
  /** The last answer of `windowAt` and the span for which it holds; only speed depends on it. */
  readonly memory: { from: Instant; until: Instant; state: WindowState | undefined };
}
