// Bytes of an answer that may take long as a whole but must never stop coming: a stream that is silent for too long is given up, so
// that a half-open connection cannot hold a list up for ever (K5). What the reader needs for itself does not count as silence.
import type { Readable } from "node:stream";
import type { Clock } from "../clock.ts";
import { TransportError } from "./port.ts";

export interface SilenceLimit {
  /** Transport time. */
  readonly clock: Clock;
  readonly silenceMs: number;
  /** For the message: `LIST /api/v1/pods`. */
  readonly what: string;
}

/** The chunks of a body. Throws `TransportError` after `silenceMs` without one; leaving the loop closes the connection. */
export async function* whileHeard(body: Readable, limit: SilenceLimit): AsyncGenerator<Uint8Array, void, undefined> {
  const { clock, silenceMs, what } = limit;
  const ended = new AbortController();
  let waitsSince: number | undefined = clock.monotonic();
  // One sleeper, however many chunks: it looks again when the time that it slept for has passed.
  async function watchOver(): Promise<void> {
    let sleep = silenceMs;
    for (;;) {
      await clock.sleep(sleep, ended.signal);
      const silent = waitsSince === undefined ? 0 : clock.monotonic() - waitsSince;
      if (silent >= silenceMs) {
        body.destroy(new TransportError("timeout", "unknown", `${what}: silent for ${silenceMs} ms`));
        return;
      }
      sleep = silenceMs - silent;
    }
  }
  // Its rejection only says that the body ended first.
  const watching = watchOver().catch(() => undefined);
  try {
    for await (const chunk of body) {
      waitsSince = undefined;
      yield chunk as Uint8Array;
      waitsSince = clock.monotonic();
    }
  } finally {
    ended.abort();
    await watching;
  }
}
