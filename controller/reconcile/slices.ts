// Steps of the core, done in slices with a breath between them. What they end with does not depend on it.
import type { Breath } from "../breath.ts";
import { finish, type Steps } from "../core/incremental/steps.ts";

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
