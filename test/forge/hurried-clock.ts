// A clock for clients of a forge in tests: no test sleeps, and what was slept is told.
import { type Clock, manualClock } from "../../controller/clock.ts";

/** Passes every pause at once and remembers it; request deadlines (30 s) never fall due. */
export interface HurriedClock extends Clock {
  readonly slept: number[];
  pass(ms: number): void;
}

export function hurriedClock(): HurriedClock {
  const clock = manualClock(Date.UTC(2026, 0, 5, 8));
  const slept: number[] = [];
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    sleep(ms, signal) {
      if (ms >= 30_000) return clock.sleep(ms, signal);
      slept.push(ms);
      clock.advance(ms);
      return Promise.resolve();
    },
    slept,
    pass: (ms) => clock.advance(ms),
  };
}
