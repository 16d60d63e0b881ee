// Watches over real connections: streams cut anywhere, silent ones, half-open ones.
import { describe, expect, it } from "vitest";
import { manualClock, seededRandom } from "../../controller/clock.ts";
import { TransportError } from "../../controller/kube/port.ts";
import { startReflector } from "../../controller/kube/reflector.ts";
import { NODES } from "../../controller/kube/resources.ts";
import { createStore } from "../../controller/kube/store.ts";
import type { RequestRecord } from "../../controller/kube/transport.ts";
import { json } from "./http-server.ts";
import type { Answerer } from "./http-server.ts";
import { settle, until } from "./support.ts";
import { added, cleanup, collect, pair } from "./connections.ts";

describe("watch over HTTP", () => {
  it("yields whole events, wherever the stream is cut into chunks", async () => {
    const bytes = Buffer.from(`${added("a")}${added("größe-€-😀")}\n${added("c")}`);
    for (const size of [1, 2, 3, 7, 64, bytes.length]) {
      const { server, transport } = await pair((_, response) => {
        response.writeHead(200, { "content-type": "application/json" });
        for (let at = 0; at < bytes.length; at += size) response.write(bytes.subarray(at, at + size));
        response.end();
      });

      const { events, error } = await collect(
        transport.watch({ path: "/api/v1/nodes", query: { resourceVersion: "5" } }),
      );

      expect(error).toBeUndefined();
      expect(events.map((event) => (event.object as { metadata: { name: string } }).metadata.name)).toEqual([
        "a",
        "größe-€-😀",
        "c",
      ]);
      expect(server.requests[0]?.url).toBe("/api/v1/nodes?resourceVersion=5&watch=true");
      expect(server.requests[0]?.headers["accept-encoding"]).toBeUndefined();
    }
  });

  it.each([
    [
      "cut in the middle of a line",
      (r: Parameters<Answerer>[1]) => r.write(`${added("a")}{"type":"ADD`, () => r.destroy()),
    ],
    ["closed in the middle of a line", (r: Parameters<Answerer>[1]) => r.end(`${added("a")}{"type":"ADD`)],
    [
      "cut between two lines",
      (r: Parameters<Answerer>[1]) => r.write(added("a"), () => setImmediate(() => r.destroy())),
    ],
    ["going on with garbage", (r: Parameters<Answerer>[1]) => r.end(`${added("a")}<html>\n`)],
    ["going on with JSON that is no event", (r: Parameters<Answerer>[1]) => r.end(`${added("a")}{"kind":"Pod"}\n`)],
  ])("yields what came whole, then throws, when it is %s", async (_, go) => {
    const { transport } = await pair((_request, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      go(response);
    });

    const { events, error } = await collect(transport.watch({ path: "/api/v1/nodes" }));

    expect(events).toHaveLength(1);
    expect(error).toBeInstanceOf(TransportError);
  });

  it("throws the server's refusal", async () => {
    const { transport } = await pair((_, response) =>
      json(response, { kind: "Status", code: 410, reason: "Expired", message: "too old" }, 410),
    );

    expect((await collect(transport.watch({ path: "/api/v1/nodes" }))).error).toMatchObject({
      name: "ApiError",
      code: 410,
    });
  });

  it("may be silent for hours, but its headers must come in time", async () => {
    const clock = manualClock(0);
    const records: RequestRecord[] = [];
    let write: (text: string) => void = () => undefined;
    const { server, transport } = await pair(
      (request, response) => {
        if (request.url?.includes("silent") === true) return;
        response.writeHead(200, { "content-type": "application/json" });
        response.flushHeaders();
        write = (text) => response.end(text);
      },
      { clock, onRequest: (record) => records.push(record) },
    );

    const patient = collect(transport.watch({ path: "/api/v1/nodes" }));
    await until(() => server.requests.length === 1, "the watch");
    await until(() => records.length === 1, "the watch's headers");
    clock.advance(3 * 3_600_000);
    write(added("late"));
    expect(await patient).toMatchObject({ events: [{ type: "ADDED" }], error: undefined });

    const refused = collect(transport.watch({ path: "/api/silent" }));
    await until(() => server.requests.length === 2, "the second watch");
    clock.advance(30_000);
    expect((await refused).error).toMatchObject({ kind: "timeout" });
  });

  it("closes the connection when the loop is left or the caller stops", async () => {
    const { server, transport } = await pair((_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.write(added("a"));
    });

    for await (const event of transport.watch({ path: "/api/v1/nodes" })) {
      expect(event.type).toBe("ADDED");
      break;
    }
    await until(() => server.openConnections() === 0, "the connection's end");

    const abort = new AbortController();
    const watching = collect(transport.watch({ path: "/api/v1/nodes", signal: abort.signal }));
    await until(() => server.requests.length === 2, "the watch");
    abort.abort();
    expect((await watching).error).toMatchObject({ kind: "aborted" });
    await until(() => server.openConnections() === 0, "the connection's end");
  });
});

describe("reflector over HTTP", () => {
  it("finds a half-open watch within two bookmark intervals and resumes where it was", async () => {
    const clock = manualClock(0);
    const watches: string[] = [];
    const records: RequestRecord[] = [];
    const { server, transport } = await pair(
      (request, response) => {
        if (request.url?.includes("watch=true") !== true) {
          return json(response, {
            metadata: { resourceVersion: "7" },
            items: [{ metadata: { name: "a", uid: "u", resourceVersion: "7" } }],
          });
        }
        watches.push(request.url);
        response.writeHead(200, { "content-type": "application/json" });
        response.flushHeaders();
      },
      { clock, onRequest: (record) => records.push(record) },
    );
    const reflector = startReflector({
      port: transport,
      resource: NODES,
      clock,
      random: seededRandom(1),
      store: createStore<string>(),
      project: (object) => object.metadata.name,
    });
    cleanup.push(() => reflector.stop());
    await until(() => records.length === 2, "the list and the first watch's headers");

    clock.advance(120_000);
    await until(() => reflector.lastError() !== undefined, "the end of the watch");
    await settle();
    clock.advance(2_000);
    await until(() => watches.length === 2, "the second watch");

    expect(watches[1]).toContain("resourceVersion=7");
    expect(server.requests).toHaveLength(3);
  });
});
