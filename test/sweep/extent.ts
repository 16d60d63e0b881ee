// How much is swept. By default what two idle cores do in about two minutes: every write with one controller, and samples of the rest.
// RINGWARD_SWEEP=full sweeps every write everywhere, and 50 runs over the wire.

export interface Extent {
  /** With two controllers every so many passes are swept. */
  readonly pairEvery: number;
  /** With people in the way every so many passes. */
  readonly peopleEvery: number;
  readonly wireRuns: number;
}

export function readExtent(): Extent {
  return process.env["RINGWARD_SWEEP"] === "full"
    ? { pairEvery: 1, peopleEvery: 1, wireRuns: 50 }
    : { pairEvery: 4, peopleEvery: 8, wireRuns: 8 };
}
