// Notices an event loop that is held up again and again. Once is no reason to end a process (it may have been paused with its machine); a loop
// that stands still altogether answers no probe, which says enough.
import type { Clock } from "../clock.ts";
import type { Check } from "./health.ts";

export interface Pulse {
  readonly check: Check;
  stop(): void;
}

const BEAT_MS = 1_000;
/** A beat that comes so much later than it should was held up. */
const LATE_MS = 5_000;
const WINDOW_MS = 60_000;
/** So many in the window, and the process is of no use: it can hold neither its Lease nor its watches. */
const TOO_MANY = 3;

/** Beats once a second of transport time. */
export function startPulse(clock: Clock): Pulse {
  const stopping = new AbortController();
  let late: number[] = [];
  let longest = 0;
  async function beat(): Promise<void> {
    for (let last = clock.monotonic(); !stopping.signal.aborted; last = clock.monotonic()) {
      await clock.sleep(BEAT_MS, stopping.signal);
      const now = clock.monotonic();
      const held = now - last - BEAT_MS;
      longest = Math.max(longest, held);
      if (held > LATE_MS) late.push(now);
      late = late.filter((at) => now - at < WINDOW_MS);
    }
  }
  void beat().catch(() => undefined);
  return {
    check: {
      name: "event-loop",
      run: () => ({
        ok: late.length < TOO_MANY,
        says: `held up for more than ${LATE_MS / 1000} s ${late.length} times in the last minute; the longest ever was ${Math.round(longest)} ms`,
      }),
    },
    stop: () => stopping.abort(new Error("stopped")),
  };
}
