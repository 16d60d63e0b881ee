// A forge that sends without end, or breaks off: what comes is bounded, however it is packed, and half a reply is none.
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../../controller/clock.ts";
import { createForge, type Forge } from "../../../controller/forge/index.ts";

interface Place {
  readonly forge: Forge;
  /** Bytes that it took. */
  readonly taken: () => number;
  readonly asked: () => number;
}

async function serve(answer: (response: ServerResponse, count: (bytes: number) => void) => void): Promise<Place> {
  let taken = 0;
  let asked = 0;
  const server = createServer((request, response) => {
    asked++;
    request.resume();
    answer(response, (bytes) => (taken += bytes));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const forge = createForge({
    kind: "GitHub",
    apiUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    owner: "acme",
    repository: "policies",
    token: () => Promise.resolve("token"),
    clock: systemClock,
  });
  return { forge, taken: () => taken, asked: () => asked };
}

const JSON_TYPE = { "content-type": "application/json" };

describe("a forge that sends", () => {
  it("a list without end is an outage after 32 MiB", async () => {
    const chunk = Buffer.alloc(1 << 20, " ");
    const { forge, taken } = await serve((response, count) => {
      response.writeHead(200, JSON_TYPE);
      const write = (): void => {
        while (!response.destroyed) {
          count(chunk.length);
          if (!response.write(chunk)) return;
        }
      };
      response.on("drain", write);
      write();
    });

    await expect(forge.list("ringward/")).rejects.toThrow(/sends more than 33554432 bytes/);
    // Three times it was tried.
    expect(taken()).toBeLessThan(200 << 20);
  });

  it("what unpacks to more is one, too", async () => {
    const packed = gzipSync(Buffer.alloc(96 << 20, " "));
    const { forge } = await serve(
      (response) => void response.writeHead(200, { ...JSON_TYPE, "content-encoding": "gzip" }).end(packed),
    );
    const before = process.memoryUsage().rss;

    await expect(forge.list("ringward/")).rejects.toThrow(/sends more than 33554432 bytes/);
    expect(process.memoryUsage().rss - before).toBeLessThan(300 << 20);
  });

  it("a refusal without end is no refusal", async () => {
    const { forge } = await serve(
      (response) => void response.writeHead(403, JSON_TYPE).end(Buffer.alloc(40 << 20, " ")),
    );

    await expect(forge.list("ringward/")).rejects.toThrow(/sends more than 33554432 bytes/);
  });

  it("half a reply is asked again, and is never an empty one", async () => {
    const { forge, asked } = await serve((response) => {
      response.writeHead(200, { ...JSON_TYPE, "content-length": "100" });
      response.write("[]", () => response.destroy());
    });

    await expect(forge.list("ringward/")).rejects.toThrow(/did not list pull requests/);
    expect(asked()).toBe(3);
  });
});
