import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { manualClock } from "../../controller/clock.ts";
import type { RequestRecord } from "../../controller/kube/transport.ts";
import { json, kubeconfig } from "./http-server.ts";
import type { Answerer } from "./http-server.ts";
import { until } from "./support.ts";
import { caught, get, open, pair, post, serve } from "./connections.ts";

describe("transport", () => {
  it("keeps its connections for two hundred calls, one after the other", async () => {
    const { server, transport } = await pair((_, response) => json(response, { ok: true }));

    for (let call = 0; call < 200; call += 1) expect((await transport.request(get)).body).toEqual({ ok: true });

    // A second one is opened when a call comes while undici still tidies up after the last; never one per call.
    expect(server.connections()).toBeLessThanOrEqual(2);
  });

  it("sends path, query, headers and body as the API server expects them", async () => {
    let body = "";
    const { server, transport } = await pair((request, response) => {
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => json(response, {}, 201, { warning: '299 - "x"' }));
    });

    const query = { labelSelector: "app in (a,b)", limit: undefined };
    const answer = await transport.request({ ...post, query, contentType: "application/merge-patch+json" });

    const [request] = server.requests;
    expect(request?.url).toBe("/api/v1/nodes?labelSelector=app+in+%28a%2Cb%29");
    expect(request?.headers).toMatchObject({
      "user-agent": "ringward/test",
      "content-type": "application/merge-patch+json",
      accept: "application/json, */*",
    });
    expect(JSON.parse(body)).toEqual(post.body);
    expect(answer).toMatchObject({ status: 201, headers: { warning: '299 - "x"' } });
  });

  it("keeps the path of a server behind a gateway", async () => {
    const server = await serve((_, response) => json(response, {}));

    await open(kubeconfig(`${server.url}/k8s/clusters/c-1/`)).request(get);

    expect(server.requests[0]?.url).toBe("/k8s/clusters/c-1/api/v1/nodes");
  });

  it("reads compressed answers, text answers and empty ones", async () => {
    const { server, transport } = await pair((request, response) => {
      if (request.url === "/api/v1/log") {
        response.writeHead(200, { "content-type": "text/plain" });
        return response.end("line 1\nline 2\n");
      }
      if (request.url === "/api/v1/empty") return response.writeHead(200).end();
      response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" });
      response.end(gzipSync(JSON.stringify({ items: ["ä"] })));
    });

    expect((await transport.request(get)).body).toEqual({ items: ["ä"] });
    expect(server.requests[0]?.headers["accept-encoding"]).toBe("gzip");
    expect((await transport.request({ ...get, path: "/api/v1/log" })).body).toBe("line 1\nline 2\n");
    expect((await transport.request({ ...get, path: "/api/v1/empty" })).body).toBe("");
  });

  it("hands refusals on as answers, also a proxy's page and one that only claims to be JSON", async () => {
    const { transport } = await pair((request, response) => {
      if (request.url === "/api/page") return response.writeHead(502, { "content-type": "text/html" }).end("<html>");
      if (request.url === "/api/cut") return response.writeHead(503, { "content-type": "application/json" }).end("{");
      json(response, { kind: "Status", code: 403, reason: "Forbidden" }, 403);
    });

    expect(await transport.request(get)).toMatchObject({ status: 403, body: { reason: "Forbidden" } });
    expect(await transport.request({ ...get, path: "/api/page" })).toMatchObject({ status: 502, body: "<html>" });
    expect(await transport.request({ ...get, path: "/api/cut" })).toMatchObject({ status: 503, body: "" });
  });

  it("says that a refused connection sent nothing", async () => {
    const server = await serve(() => undefined);
    await server.close();

    const error = await caught(open(kubeconfig(server.url)).request(post));

    expect(error).toMatchObject({ name: "TransportError", kind: "connection", outcome: "notSent" });
  });

  it("does not repeat a write whose reply was lost, and says that its outcome is unknown", async () => {
    const { server, transport } = await pair((request, response) => {
      request.resume();
      if (server.requests.length === 1) return json(response, {});
      request.on("end", () => request.socket.destroy());
    });
    await transport.request(get);

    const error = await caught(transport.request(post));

    expect(error).toMatchObject({ kind: "connection", outcome: "unknown" });
    expect(server.requests).toHaveLength(2);
  });

  it.each([
    ["never answers", () => undefined],
    [
      "stops in the middle of its answer",
      (_: unknown, response: Parameters<Answerer>[1]) => {
        response.writeHead(200, { "content-type": "application/json", "content-length": "100" });
        response.write('{"items":[');
      },
    ],
  ] satisfies [string, Answerer][])("gives a server up that %s, after 30 s of transport time", async (_, answerer) => {
    const clock = manualClock(0);
    const { server, transport } = await pair(answerer, { clock });

    const calling = caught(transport.request(post));
    await until(() => server.requests.length === 1, "the request");
    clock.advance(29_999);
    clock.advance(1);

    expect(await calling).toMatchObject({ kind: "timeout", outcome: "unknown" });
    await until(() => server.openConnections() === 0, "the connection's end");
  });

  it("takes garbage for no answer", async () => {
    const { transport } = await pair((_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end('{"items": [}');
    });

    expect(await caught(transport.request(post))).toMatchObject({ kind: "malformed", outcome: "unknown" });
  });

  it("stops when the caller does, and sends nothing for a caller who had stopped before", async () => {
    const { server, transport } = await pair(() => undefined);
    const abort = new AbortController();

    const calling = caught(transport.request({ ...post, signal: abort.signal }));
    await until(() => server.requests.length === 1, "the request");
    abort.abort(new Error("enough"));
    expect(await calling).toMatchObject({ kind: "aborted", outcome: "unknown" });

    const late = await caught(transport.request({ ...post, signal: abort.signal }));
    expect(late).toMatchObject({ kind: "aborted", outcome: "notSent" });
    expect(server.requests).toHaveLength(1);
  });

  it("refuses calls after close, and breaks those that run", async () => {
    const { server, transport } = await pair(() => undefined);
    const calling = caught(transport.request(get));
    await until(() => server.requests.length === 1, "the request");

    await transport.close();

    expect(await calling).toMatchObject({ kind: "aborted" });
    expect(await caught(transport.request(get))).toMatchObject({ kind: "aborted", outcome: "notSent" });
    expect(server.requests).toHaveLength(1);
  });

  it("tells metrics one line for each request, and keeps credentials out of errors and records", async () => {
    const records: RequestRecord[] = [];
    const server = await serve((request, response) => {
      if (request.method === "POST") request.socket.destroy();
      else json(response, {}, 404);
    });
    const text = kubeconfig(server.url, { token: "s3cret-token" });
    const transport = open(text, { onRequest: (record) => records.push(record) });

    await transport.request(get);
    const error = await caught(transport.request(post));
    await caught(transport.watch({ path: "/api/v1/pods" })[Symbol.asyncIterator]().next());

    expect(records.map(({ method, path, code }) => [method, path, code])).toEqual([
      ["GET", "/api/v1/nodes", "404"],
      ["POST", "/api/v1/nodes", "<error>"],
      ["WATCH", "/api/v1/pods", "404"],
    ]);
    expect(records[0]?.host).toBe(new URL(server.url).host);
    expect(`${String(error)}${JSON.stringify(records)}`).not.toContain("s3cret");
  });
});
