// How long to stay away after a failure. Two shapes: `reconnectDelay` for lists and watches (never more than one try a
// second, always jittered, so that no herd returns at once: K5, K6), `retryDelay` for keys of a work queue.
import type { Random } from "../clock.ts";

const MIN_RECONNECT_MS = 1000;
const MAX_RECONNECT_MS = 30_000;

/**
 * Milliseconds before the next list or watch: between 1 and 2 s after the first failure in a row, doubling, at most
 * 30 s. `failures` 0 means that the connection had been healthy: up to 1 s, only to spread the clients of a server that
 * went away. A server's Retry-After is a lower limit.
 */
export function reconnectDelay(failures: number, random: Random, retryAfterMs = 0): number {
  if (failures === 0) return Math.max(retryAfterMs, random.next() * MIN_RECONNECT_MS);
  // The exponent is bounded before it is used: 2 ** 2000 is Infinity.
  const base = Math.min(MAX_RECONNECT_MS / 2, MIN_RECONNECT_MS * 2 ** Math.min(failures - 1, 10));
  return Math.max(retryAfterMs, base * (1 + random.next()));
}

const FIRST_RETRY_MS = 5;
const MAX_RETRY_MS = 1_000_000;

/** controller-runtime's per-item limiter: 5 ms doubling to 1000 s. `failures` counts from 1. */
export function retryDelay(failures: number): number {
  return Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 30));
}
