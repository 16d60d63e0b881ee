import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { WatchEvent } from "../../controller/kube/port.ts";
import { readWatchEvents } from "../../controller/kube/watch-lines.ts";

async function* chunked(bytes: Buffer, cuts: readonly number[]): AsyncGenerator<Buffer> {
  const places = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
  for (let at = 1; at < places.length; at += 1) {
    yield await Promise.resolve(bytes.subarray(places[at - 1], places[at]));
  }
}

async function read(body: AsyncIterable<Uint8Array>): Promise<{ events: WatchEvent[]; failed: boolean }> {
  const events: WatchEvent[] = [];
  try {
    for await (const event of readWatchEvents(body)) events.push(event);
  } catch {
    return { events, failed: true };
  }
  return { events, failed: false };
}

describe("watch lines", () => {
  it("yield the same events wherever the bytes are cut, also inside a character", async () => {
    const event = fc.record({
      type: fc.constantFrom("ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"),
      object: fc.record({ text: fc.string({ unit: "grapheme" }) }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { maxLength: 8 }),
        fc.array(fc.nat(2000), { maxLength: 30 }),
        async (events, cuts) => {
          const bytes = Buffer.from(events.map((one) => `${JSON.stringify(one)}\n`).join(""));

          expect(await read(chunked(bytes, cuts))).toEqual({ events, failed: false });
        },
      ),
    );
  });

  it("are never believed when the stream ends inside one", async () => {
    const line = Buffer.from(`${JSON.stringify({ type: "ADDED", object: { text: "ä" } })}\n`);
    for (let end = 1; end < line.length; end += 1) {
      const { events, failed } = await read(chunked(line.subarray(0, end), [3, 17]));

      expect({ events, failed }).toEqual({ events: [], failed: true });
    }
  });
});
