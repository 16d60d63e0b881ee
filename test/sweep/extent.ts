// How much is swept. By default each kind of write, where it happens last in the run; RINGWARD_SWEEP=full sweeps every single write, and
// makes 50 runs over the wire.
import type { Reference } from "./run.ts";
import { lastOfEachKind } from "./write-kind.ts";

export interface Extent {
  /** For the reader of the log. */
  readonly says: string;
  /** The writes of one of `of` equal shares of a run. */
  choose(reference: Reference, part: number, of: number): ReadonlySet<number>;
  readonly wireRuns: number;
}

const FULL: Extent = {
  says: "every write",
  // Writes of one pass stay together: crashes after one and before the next leave the same world.
  choose: ({ writes }, part, of) => new Set(writes.flatMap(({ pass }, index) => (pass % of === part ? [index] : []))),
  wireRuns: 50,
};

const SAMPLE: Extent = {
  says: "each kind of write",
  choose: ({ writes }, part, of) =>
    new Set(lastOfEachKind(writes.map(({ name }) => name)).filter((_, index) => index % of === part)),
  wireRuns: 4,
};

export function readExtent(): Extent {
  return process.env["RINGWARD_SWEEP"] === "full" ? FULL : SAMPLE;
}
