// Long work of the core, done in slices: between two of them the process does what waits, so that probes are answered, events of
// watches taken in and the Lease renewed, however large the cluster is. What the work ends with does not depend on it.
import type { Clock } from "../clock.ts";
import { finish, type Steps } from "../core/incremental/steps.ts";

/** Called between two steps; undefined: the slice is not used up yet. */
export type Breath = () => Promise<void> | undefined;

/** How long a slice may be, ms, before its last step ends it. */
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

/** Does work in slices; without a breath at once. */
export async function inSlices<T>(steps: Steps<T>, breath: Breath | undefined): Promise<T> {
  if (breath === undefined) return finish(steps);
  // Whoever called has used up a part of a slice, nobody knows how much.
  await breath();
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    const turn = breath();
    if (turn !== undefined) await turn;
  }
}
