// How much is swept. By default each kind of write, where it happens last in the run; RINGWARD_SWEEP=full sweeps every single write, and
// makes 50 runs over the wire.
import { EVERY_MODE, type Mode } from "./life.ts";
import type { Reference } from "./run.ts";
import { isHouseWrite, lastOfEachKind } from "./write-kind.ts";

export interface Extent {
  /** For the reader of the log. */
  readonly says: string;
  choose(reference: Reference): ReadonlySet<number>;
  /** Whether something happens to a write to git or a forge in that mode. `turn` shifts which in a sample. */
  chooseHouse(reference: Reference, turn: number): (write: number, mode: Mode) => boolean;
  readonly wireRuns: number;
  /** Steps at which a trouble comes, of all there are; `each` in a sample. */
  steps(each: number, all: number): number;
  /** First steps of a trouble that comes again after `every` more; `turn` shifts which in a sample. */
  starts(each: number, every: number, turn: number): readonly number[];
}

const FULL: Extent = {
  says: "every write",
  choose: ({ writes }) => new Set(writes.keys()),
  chooseHouse:
    ({ writes }) =>
    (write) =>
      isHouseWrite(writes[write]?.name ?? ""),
  wireRuns: 50,
  steps: (_, all) => all,
  starts: (_, every) => Array.from({ length: every }, (_unused, step) => step),
};

const SAMPLE: Extent = {
  says: "each kind of write",
  choose: ({ writes }) => new Set(lastOfEachKind(writes.map(({ name }) => name))),
  chooseHouse({ writes }, turn) {
    const names = writes.map(({ name }) => name);
    const kinds = lastOfEachKind(names).filter((write) => isHouseWrite(names[write] ?? ""));
    return (write, mode) => {
      const place = kinds.indexOf(write);
      return place >= 0 && (place + turn) % EVERY_MODE.length === EVERY_MODE.indexOf(mode);
    };
  },
  wireRuns: 4,
  steps: (each) => each,
  starts: (each, every, turn) =>
    Array.from({ length: each }, (_, index) => Math.floor((((index + turn * 0.618) % each) * every) / each)),
};

export function readExtent(): Extent {
  return process.env["RINGWARD_SWEEP"] === "full" ? FULL : SAMPLE;
}
