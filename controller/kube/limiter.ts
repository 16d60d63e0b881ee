// A token bucket on the monotonic clock: bounds how often the API server is asked (K6: writes ≤ the configured rate).
// Waiters are served in the order in which they came. Never reads the wall clock, so a clock jump opens no flood.
import type { Clock } from "../clock.ts";

export interface Limiter {
  /** Resolves when one call may be made; rejects with the signal's reason when aborted (its place is given up, not refunded). */
  take(signal?: AbortSignal): Promise<void>;
  /** Takes a token if there is one now. */
  tryTake(): boolean;
  /** Takes the next token and says in how many milliseconds it may be used. */
  reserve(): number;
  /** Lets nothing through for so long, and only the long-run rate after it: the server asked for it (K6, Retry-After). */
  hold(ms: number): void;
}

/** At most `burst` calls at once and `perSecond` calls a second in the long run. */
export function createLimiter(options: { perSecond: number; burst: number; clock: Clock }): Limiter {
  const { perSecond, burst, clock } = options;
  if (!(perSecond > 0) || !(burst >= 1)) throw new Error("a limiter needs perSecond > 0 and burst >= 1");
  const spacing = 1000 / perSecond;
  // Virtual scheduling (GCRA): `nextFree` is when the bucket would be full again; one number holds the whole state.
  let nextFree = clock.monotonic();
  let heldUntil = nextFree;

  /** Milliseconds that a call made now would have to wait. */
  function delay(now: number): number {
    return Math.max(0, Math.max(nextFree, now) - now - (burst - 1) * spacing);
  }

  function reserve(now: number): number {
    const wait = delay(now);
    nextFree = Math.max(nextFree, now) + spacing;
    return wait;
  }

  return {
    async take(signal) {
      signal?.throwIfAborted();
      const wait = reserve(clock.monotonic());
      if (wait > 0) await clock.sleep(wait, signal);
      // Whoever was in line already when the server asked for quiet waits, too.
      for (let left = heldUntil - clock.monotonic(); left > 0; left = heldUntil - clock.monotonic())
        await clock.sleep(left, signal);
    },
    tryTake() {
      const now = clock.monotonic();
      // Rounding of the spacing must not cost a token: a millionth of a millisecond is no wait.
      if (delay(now) > 1e-6) return false;
      reserve(now);
      return true;
    },
    reserve: () => reserve(clock.monotonic()),
    hold(ms) {
      heldUntil = Math.max(heldUntil, clock.monotonic() + ms);
      // An empty bucket from which nothing comes before that time.
      nextFree = Math.max(nextFree, heldUntil + (burst - 1) * spacing);
    },
  };
}
