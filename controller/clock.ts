// The only file that reads a clock, sets a timer or draws a random number (a lint rule holds that).
// Everything else receives a `Clock` or a `Random`, so tests can drive time and replay runs by seed.
// Two kinds of time: *policy time* (calendars, soak, deadlines) may be simulated by the sandbox;
// *transport time* (HTTP deadlines, Lease, backoff) is always the process's monotonic clock.

/** A point in time as milliseconds since the Unix epoch, UTC. */
export type Instant = number;

export interface Clock {
  /** Wall clock, milliseconds since the Unix epoch. */
  now(): Instant;
  /** Monotonic milliseconds; only differences mean anything. */
  monotonic(): number;
  /** Resolves after `ms` milliseconds; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface Random {
  /** A number in [0, 1). */
  next(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const onAbort = (): void => {
        clearTimeout(timer);
        reject(signal?.reason as Error);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      }, ms);
      signal?.addEventListener("abort", onAbort, { once: true });
    }),
};

export const systemRandom: Random = { next: () => Math.random() };

/** A reproducible generator (mulberry32): equal seeds give equal sequences. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return {
    next() {
      state = (state + 0x6d2b79f5) >>> 0;
      let t = state;
      t = Math.imul(t ^ (t >>> 15), t | 1);
      t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    },
  };
}

/** A clock that only moves when told to; sleepers wake when time passes them. */
export interface ManualClock extends Clock {
  /** Moves wall and monotonic time forward by `ms` and wakes the sleepers that are due. */
  advance(ms: number): void;
  /** Moves the wall clock only, as an operator or NTP would (may be negative). */
  jump(ms: number): void;
}

export function manualClock(start: Instant): ManualClock {
  let wall = start;
  let mono = 0;
  let sleepers: { at: number; wake: () => void }[] = [];
  return {
    now: () => wall,
    monotonic: () => mono,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason as Error);
        const sleeper = { at: mono + ms, wake: resolve };
        sleepers.push(sleeper);
        signal?.addEventListener(
          "abort",
          () => {
            sleepers = sleepers.filter((other) => other !== sleeper);
            reject(signal.reason as Error);
          },
          { once: true },
        );
      }),
    advance(ms) {
      wall += ms;
      mono += ms;
      const due = sleepers.filter((sleeper) => sleeper.at <= mono).sort((a, b) => a.at - b.at);
      sleepers = sleepers.filter((sleeper) => sleeper.at > mono);
      for (const sleeper of due) sleeper.wake();
    },
    jump(ms) {
      wall += ms;
    },
  };
}
