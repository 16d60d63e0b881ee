// How much is swept. By default a sample, spread over the whole run, that two cores do in about two minutes beside the other tests.
// RINGWARD_SWEEP=full sweeps every write in every mode, with one controller, with two, with people in the way, and 50 runs over the wire.

export interface Extent {
  /** Every so many passes are swept: with one controller, with two, with people in the way. */
  readonly aloneEvery: number;
  readonly pairEvery: number;
  readonly peopleEvery: number;
  readonly wireRuns: number;
}

const FULL: Extent = { aloneEvery: 1, pairEvery: 1, peopleEvery: 1, wireRuns: 50 };
const SAMPLE: Extent = { aloneEvery: 4, pairEvery: 16, peopleEvery: 16, wireRuns: 5 };

export function readExtent(): Extent {
  return process.env["RINGWARD_SWEEP"] === "full" ? FULL : SAMPLE;
}
