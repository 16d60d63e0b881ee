// Pauses in long work: whoever does much at once takes a breath between its pieces, so that probes are answered, events taken in and the
// Lease renewed, however large the cluster is. One breath is shared by all work of a process: what counts is how long nobody else had
// a turn.
import type { Clock } from "./clock.ts";

/** Called between two pieces; undefined: the slice is not used up yet. */
export type Breath = () => Promise<void> | undefined;

/** How long a slice may be, ms, before its last piece ends it. */
const SLICE_MS = 10;

/** Lets everything that waits have its turn once in a slice; `clock` is transport time. */
export function createBreath(clock: Pick<Clock, "monotonic">): Breath {
  let since = -Infinity;
  return () => {
    if (clock.monotonic() - since < SLICE_MS) return undefined;
    return new Promise((resolve) =>
      setImmediate(() => {
        since = clock.monotonic();
        resolve();
      }),
    );
  };
}
