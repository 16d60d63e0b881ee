// The end of one call: the caller gives up, the transport closes, or its time is over, whichever comes first. Runs on transport time.
import type { Clock } from "../clock.ts";
import { TransportError } from "./port.ts";

export interface Deadline {
  readonly signal: AbortSignal;
  /** Stops the timer; the caller's own signal stays connected. */
  met(): void;
  /** Forgets both. */
  done(): void;
}

/** A signal that fires when the caller gives up or when `ms` of transport time have passed. */
export function startDeadline(clock: Clock, ms: number, caller: AbortSignal | undefined, request: string): Deadline {
  const abort = new AbortController();
  const timer = new AbortController();
  const givenUp = (outcome: TransportError["outcome"]): void =>
    abort.abort(new TransportError("aborted", outcome, `${request}: given up by the caller`, caller?.reason));
  const onCaller = (): void => givenUp("unknown");
  if (caller?.aborted) givenUp("notSent");
  caller?.addEventListener("abort", onCaller, { once: true });
  clock.sleep(ms, timer.signal).then(
    () => abort.abort(new TransportError("timeout", "unknown", `${request}: no answer within ${ms} ms`)),
    () => undefined,
  );
  return {
    signal: abort.signal,
    met: () => timer.abort(),
    done() {
      timer.abort();
      caller?.removeEventListener("abort", onCaller);
    },
  };
}

/** The work's result, or the signal's reason if that comes first; the work itself goes on unheard. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
