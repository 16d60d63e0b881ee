// Splits the body of a watch into its events: one JSON object a line. Works on bytes, because a chunk may end inside a
// character, and without readline, which costs a third of the throughput. A stream that ends inside a line was cut,
// not closed: that is an error, never an event.
import { TransportError } from "./port.ts";
import type { WatchEvent } from "./port.ts";

/** etcd refuses objects far below this; a longer line means that we do not talk to an API server. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;
const NEWLINE = 0x0a;
const types: ReadonlySet<string> = new Set(["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"]);

function parseEvent(line: Buffer): WatchEvent {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line.toString("utf8"));
  } catch (error) {
    throw new TransportError(
      "malformed",
      "unknown",
      `the watch sent a line of ${line.length} bytes that is not JSON`,
      error,
    );
  }
  const event = parsed as { type?: unknown; object?: unknown } | null;
  if (typeof event !== "object" || event === null || typeof event.type !== "string" || !types.has(event.type)) {
    throw new TransportError("malformed", "unknown", "the watch sent a line that is not a watch event");
  }
  return { type: event.type as WatchEvent["type"], object: event.object };
}

/** Yields the events of a watch as their lines arrive. Throws `TransportError` on garbage and on a cut line. */
export async function* readWatchEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<WatchEvent, void, undefined> {
  // Parts of a line that has not ended yet; joined once, when its newline comes.
  let parts: Buffer[] = [];
  let held = 0;
  for await (const bytes of body) {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      const rest = chunk.subarray(start, end);
      const line = parts.length === 0 ? rest : Buffer.concat([...parts, rest]);
      parts = [];
      held = 0;
      start = end + 1;
      if (line.length > 0) yield parseEvent(line);
    }
    if (start < chunk.length) {
      parts.push(chunk.subarray(start));
      held += chunk.length - start;
      if (held > MAX_LINE_BYTES) {
        throw new TransportError("malformed", "unknown", `the watch sent a line of more than ${MAX_LINE_BYTES} bytes`);
      }
    }
  }
  if (held > 0) throw new TransportError("connection", "unknown", "the watch was cut in the middle of an event");
}
