// What an invariant's check is: a small pure function that looks at one change with the world as it is right after it, and says
// whether its precondition occurred and what is broken. What it has to remember stands in a memo of plain immutable values, so that
// a check can be cloned at any point of a history (crash sweeps check only what is new).
import type { Step, World } from "./world.ts";

/** One broken promise. */
export interface Violation {
  readonly invariant: string;
  /** The object that it is about: `nodes/rocky-01`. */
  readonly object: string;
  /** When, RFC 3339, in the history's own time. */
  readonly at: string;
  readonly message: string;
}

/** Where a check reports to. */
export interface Report {
  /** The invariant's precondition occurred: from now on its silence means something. */
  met(): void;
  violated(object: string, message: string): void;
  /** What this check remembers; values are never changed in place. */
  readonly memo: Map<string, unknown>;
}

/** What a run says of its own end. */
export interface Ending {
  /** Everything wanted is done since then, and nobody changed anything after it: K7 and V1 are judged. Left out: the run says no such thing. */
  readonly quietSince?: number | undefined;
}

export interface Invariant {
  /** As in research (B1 … S4), or of DESIGN's own sentences (D1 …). */
  readonly id: string;
  readonly says: string;
  /** Resources (`pods`, `jobs.batch`) after whose changes it is asked; left out: after every change. */
  readonly on?: readonly string[];
  /** After each change. */
  readonly check?: (step: Step, world: World, report: Report) => void;
  /** After the last one. */
  readonly end?: (world: World, report: Report, ending: Ending) => void;
}
