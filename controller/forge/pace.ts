// How fast and how often we speak to a forge: writes one after the other with a pause between them, reads tried again after an
// outage, limits kept as the forge states them. Time comes from the transport clock alone. A write is sent again only when the
// forge said that it did nothing (a rate limit); after anything else its caller must look first (A5).
import type { Clock } from "../clock.ts";
import { UserError, WaitError } from "../errors.ts";
import { failureOf, type ForgeFailure } from "./failure.ts";

/** One request as metrics see it. */
export interface ForgeCall {
  readonly method: string;
  /** Route template ("/repos/{owner}/{repo}/pulls"), so that metrics stay bounded. */
  readonly route: string;
  /** 0: no answer. */
  readonly status: number;
  /** Milliseconds. */
  readonly duration: number;
  /** Requests left in the hour, if the forge said. */
  readonly remaining: number | undefined;
}

export interface Pace {
  /** Runs one request; `send` is called again only where that is safe. */
  run<T>(kind: "read" | "write", send: (signal: AbortSignal) => Promise<T>): Promise<T>;
}

export interface PaceOptions {
  readonly clock: Clock;
  /** Least pause between the ends of two writes, ms (GitHub asks for one second; on loopback none). */
  readonly writePause: number;
  /** A request that takes longer is given up, ms. */
  readonly timeout: number;
  /** Longest wait inside a call, ms; a longer one becomes a WaitError. */
  readonly patience: number;
}

const readAttempts = 3;
const limitAttempts = 3;

/** GitHub: without Retry-After wait at least a minute. */
const defaultLimitWait = 60_000;

export function createPace(options: PaceOptions): Pace {
  const { clock } = options;
  let closedUntil = -Infinity;
  let lastWrite = -Infinity;
  let writes: Promise<unknown> = Promise.resolve();

  function checkOpen(): void {
    const left = closedUntil - clock.monotonic();
    if (left > 0)
      throw new WaitError(`the forge asked us to wait ${Math.ceil(left / 1000)} s (rate limit)`, Math.ceil(left));
  }

  async function timed<T>(send: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const deadline = new AbortController();
    const done = new AbortController();
    clock.sleep(options.timeout, done.signal).then(
      () => deadline.abort(new Error(`no answer within ${options.timeout / 1000} s`)),
      () => undefined,
    );
    try {
      return await send(deadline.signal);
    } finally {
      done.abort(new Error("answered"));
    }
  }

  /** Waits in place, or remembers the limit for all callers and says when to come back. */
  async function keepLimit(failure: ForgeFailure & { kind: "Limited" }, attempt: number): Promise<void> {
    const wait = failure.waitMs ?? defaultLimitWait;
    if (wait > options.patience || attempt >= limitAttempts) {
      closedUntil = Math.max(closedUntil, clock.monotonic() + wait);
      throw new WaitError(`the forge asked us to wait ${Math.ceil(wait / 1000)} s (rate limit)`, wait);
    }
    await clock.sleep(wait);
  }

  async function attempts<T>(kind: "read" | "write", send: (signal: AbortSignal) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      checkOpen();
      try {
        return await timed(send);
      } catch (error) {
        if (error instanceof UserError) throw error;
        const failure = failureOf(error, clock.now());
        if (failure.kind === "Limited") await keepLimit(failure, attempt);
        else if (failure.kind === "Outage" && kind === "read" && attempt < readAttempts)
          await clock.sleep(250 * 2 ** attempt);
        else throw error;
      }
    }
  }

  async function spaced<T>(send: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const early = lastWrite + options.writePause - clock.monotonic();
    if (early > 0) await clock.sleep(early);
    try {
      return await attempts("write", send);
    } finally {
      lastWrite = clock.monotonic();
    }
  }

  return {
    run(kind, send) {
      if (kind === "read") return attempts("read", send);
      const result = writes.then(() => spaced(send));
      writes = result.catch(() => undefined);
      return result;
    },
  };
}
