// Work in steps: a function that stops where whoever runs it may do something else, and goes on from there. It stays pure: what it makes
// follows from what it was given, however long the pauses are and whatever happens in them.

export type Steps<T> = Generator<undefined, T, undefined>;

/** All steps at once. */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
