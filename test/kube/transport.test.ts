import { readFileSync } from "node:fs";
import { mkdtemp, writeFile } from "node:fs/promises";
import { createSecureServer } from "node:http2";
import { createServer as createTcpServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { manualClock, seededRandom, systemClock } from "../../controller/clock.ts";
import { TransportError } from "../../controller/kube/port.ts";
import type { WatchEvent } from "../../controller/kube/port.ts";
import { startReflector } from "../../controller/kube/reflector.ts";
import { NODES } from "../../controller/kube/resources.ts";
import { createStore } from "../../controller/kube/store.ts";
import { createTransport } from "../../controller/kube/transport.ts";
import type { RequestRecord, Transport, TransportOptions } from "../../controller/kube/transport.ts";
import { json, kubeconfig, startServer } from "./http-server.ts";
import type { Answerer, TestServer } from "./http-server.ts";
import { settle, until } from "./support.ts";

const pem = (name: string): string => readFileSync(new URL(`./tls/${name}`, import.meta.url), "utf8");
const base64 = (text: string): string => Buffer.from(text).toString("base64");
const cleanup: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of cleanup.splice(0).reverse()) await close();
});

async function serve(answerer: Answerer, tls?: object): Promise<TestServer> {
  const server = await startServer(answerer, tls);
  cleanup.push(() => server.close());
  return server;
}

function open(text: string, options: Partial<TransportOptions> = {}): Transport {
  const transport = createTransport({ kubeconfig: text, clock: systemClock, userAgent: "ringward/test", ...options });
  cleanup.push(() => transport.close());
  return transport;
}

/** A server and a transport to it. */
async function pair(answerer: Answerer, options: Partial<TransportOptions> = {}) {
  const server = await serve(answerer);
  return { server, transport: open(kubeconfig(server.url), options) };
}

const get = { method: "GET", path: "/api/v1/nodes" } as const;
const post = { method: "POST", path: "/api/v1/nodes", body: { metadata: { name: "n" } } } as const;

function caught(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

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

describe("credentials", () => {
  it("sends a token, basic auth, and whom to impersonate", async () => {
    const server = await serve((_, response) => json(response, {}));

    await open(kubeconfig(server.url, { token: "t", as: "me", "as-groups": ["g1", "g2"] })).request(get);
    await open(kubeconfig(server.url, { username: "u", password: "p" })).request(get);

    expect(server.requests[0]?.headers).toMatchObject({ authorization: "Bearer t", "impersonate-user": "me" });
    expect(server.requests[0]?.rawHeaders.filter((name) => name === "impersonate-group")).toHaveLength(2);
    expect(server.requests[1]?.headers.authorization).toBe(`Basic ${base64("u:p")}`);
  });

  it("reads a token file again after a minute, and at once after a 401", async () => {
    const clock = manualClock(0);
    const file = join(await mkdtemp(join(tmpdir(), "ringward-")), "token");
    await writeFile(file, "first\n");
    let status = 200;
    const server = await serve((_, response) => json(response, {}, status));
    const transport = open(kubeconfig(server.url, { tokenFile: file }), { clock });
    const sent = (): string | undefined => server.requests.at(-1)?.headers.authorization;

    await transport.request(get);
    await writeFile(file, "second\n");
    await transport.request(get);
    expect(sent()).toBe("Bearer first");
    clock.advance(60_000);
    await transport.request(get);
    expect(sent()).toBe("Bearer second");

    await writeFile(file, "third\n");
    status = 401;
    await transport.request(get);
    expect(sent()).toBe("Bearer third");
  });

  it("repeats a read once with a token that was rotated meanwhile, a write never, and nothing with the same token", async () => {
    const file = join(await mkdtemp(join(tmpdir(), "ringward-")), "token");
    await writeFile(file, "old");
    let good = "Bearer old";
    const server = await serve((request, response) => {
      request.resume();
      json(response, {}, request.headers.authorization === good ? 200 : 401);
    });
    const codes: string[] = [];
    const transport = open(kubeconfig(server.url, { tokenFile: file }), {
      clock: manualClock(0),
      onRequest: ({ code }) => codes.push(code),
    });
    await transport.request(get);

    await writeFile(file, "new");
    good = "Bearer new";
    const answers = await Promise.all([transport.request(get), transport.request(get), transport.request(get)]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(codes.toSorted()).toEqual(["200", "200", "200", "200", "401", "401", "401"]);

    good = "Bearer newest";
    await writeFile(file, "newest");
    const before = server.requests.length;
    expect((await transport.request(post)).status).toBe(401);
    expect(server.requests.length - before).toBe(1);
    expect((await transport.request(post)).status).toBe(200);

    good = "Bearer nobody's";
    expect((await transport.request(get)).status).toBe(401);
    expect(server.requests.length - before).toBe(3);
  });

  it("opens a watch again with a rotated token", async () => {
    const file = join(await mkdtemp(join(tmpdir(), "ringward-")), "token");
    await writeFile(file, "old");
    const server = await serve((request, response) => {
      if (request.headers.authorization !== "Bearer new") return json(response, {}, 401);
      response.writeHead(200, { "content-type": "application/json" });
      response.end(added("n1"));
    });
    const transport = open(kubeconfig(server.url, { tokenFile: file }), { clock: manualClock(0) });
    await caught(transport.request(get));
    await writeFile(file, "new");

    const { events, error } = await collect(transport.watch({ path: "/api/v1/nodes" }));

    expect(error).toBeUndefined();
    expect(events).toHaveLength(1);
  });

  it("asks an exec plugin once while its token is valid", async () => {
    const folder = await mkdtemp(join(tmpdir(), "ringward-"));
    const plugin = join(folder, "plugin.mjs");
    const credential = {
      apiVersion: "client.authentication.k8s.io/v1",
      kind: "ExecCredential",
      status: { token: "from-exec" },
    };
    await writeFile(
      plugin,
      `import { appendFileSync } from "node:fs";
       appendFileSync(${JSON.stringify(join(folder, "calls"))}, "x");
       process.stdout.write(${JSON.stringify(JSON.stringify(credential))});`,
    );
    const server = await serve((_, response) => json(response, {}));
    const exec = { apiVersion: credential.apiVersion, command: process.execPath, args: [plugin] };
    const transport = open(kubeconfig(server.url, { exec }));

    await transport.request(get);
    await transport.request(get);

    expect(server.requests.map((request) => request.headers.authorization)).toEqual([
      "Bearer from-exec",
      "Bearer from-exec",
    ]);
    expect(readFileSync(join(folder, "calls"), "utf8")).toBe("x");
  });

  it("says that nothing was sent when a plugin fails", async () => {
    const server = await serve((_, response) => json(response, {}));
    const exec = {
      apiVersion: "client.authentication.k8s.io/v1",
      command: process.execPath,
      args: ["-e", "process.exit(3)"],
    };

    const error = await caught(open(kubeconfig(server.url, { exec })).request(post));

    expect(error).toMatchObject({ kind: "connection", outcome: "notSent" });
    expect(server.requests).toHaveLength(0);
  });

  it("connects with the cluster's CA and our client certificate, without a handshake per call", async () => {
    const tls = { key: pem("server.key"), cert: pem("server.pem"), ca: pem("ca.pem"), requestCert: true };
    const server = await serve((request, response) => {
      json(response, { authorized: (request.socket as TLSSocket).authorized });
    }, tls);
    const user = { "client-certificate-data": base64(pem("client.pem")), "client-key-data": base64(pem("client.key")) };
    const transport = open(kubeconfig(server.url, user, { "certificate-authority-data": base64(pem("ca.pem")) }));

    for (let call = 0; call < 20; call += 1) {
      expect((await transport.request(get)).body).toEqual({ authorized: true });
    }

    expect(server.connections()).toBeLessThanOrEqual(2);
  });

  it("does not talk to a server that another CA signed, and takes a new CA from its file", async () => {
    const clock = manualClock(0);
    const file = join(await mkdtemp(join(tmpdir(), "ringward-")), "ca.pem");
    await writeFile(file, pem("other-ca.pem"));
    const server = await serve((_, response) => json(response, {}), {
      key: pem("server.key"),
      cert: pem("server.pem"),
    });
    const transport = open(kubeconfig(server.url, { token: "t" }, { "certificate-authority": file }), { clock });

    expect(await caught(transport.request(post))).toMatchObject({ kind: "connection", outcome: "notSent" });
    expect(server.requests).toHaveLength(0);
    await writeFile(file, pem("ca.pem"));

    // No minute has passed: a handshake that failed is a reason to look at the files again.
    expect((await transport.request(get)).status).toBe(200);
  });

  it("shows a new client certificate as soon as its file is read again, and not with half of a rotated pair", async () => {
    const clock = manualClock(0);
    const folder = await mkdtemp(join(tmpdir(), "ringward-"));
    const [cert, key] = [join(folder, "cert"), join(folder, "key")];
    const put = (name: string): Promise<unknown> =>
      Promise.all([writeFile(cert, pem(`${name}.pem`)), writeFile(key, pem(`${name}.key`))]);
    await put("client");
    const tls = { key: pem("server.key"), cert: pem("server.pem"), requestCert: true, rejectUnauthorized: false };
    const server = await serve(
      (request, response) => json(response, { cn: (request.socket as TLSSocket).getPeerCertificate().subject.CN }),
      tls,
    );
    const user = { "client-certificate": cert, "client-key": key };
    const transport = open(kubeconfig(server.url, user, { "certificate-authority-data": base64(pem("ca.pem")) }), {
      clock,
    });
    const shown = async (): Promise<unknown> => ((await transport.request(get)).body as { cn: unknown }).cn;
    const first = await shown();

    await writeFile(cert, pem("server.pem"));
    clock.advance(60_000);
    expect(await caught(transport.request(post))).toMatchObject({ kind: "connection", outcome: "notSent" });
    await put("server");

    const second = await shown();
    expect(second).not.toBe(first);
    expect(await shown()).toBe(second);
    expect(server.connections()).toBeLessThanOrEqual(3);
  });

  it("speaks HTTP/1.1 with a server that would rather speak HTTP/2, over connections that stay", async () => {
    const server = createSecureServer(
      { key: pem("server.key"), cert: pem("server.pem"), allowHTTP1: true },
      (request, response) => {
        response.setHeader("content-type", "application/json");
        response.end(JSON.stringify({ version: request.httpVersion }));
      },
    );
    let handshakes = 0;
    server.on("secureConnection", () => (handshakes += 1));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    cleanup.push(() => new Promise((resolve) => server.close(() => resolve())));
    const transport = open(
      kubeconfig(
        `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
        { token: "t" },
        {
          "certificate-authority-data": base64(pem("ca.pem")),
        },
      ),
    );

    for (let call = 0; call < 200; call += 1) expect((await transport.request(get)).body).toEqual({ version: "1.1" });

    expect(handshakes).toBeLessThanOrEqual(2);
  });

  it("says that nothing was sent when the handshake is cut", async () => {
    const server = createTcpServer((socket) => socket.once("data", () => socket.destroy()));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    cleanup.push(() => new Promise((resolve) => server.close(() => resolve())));
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;

    const error = await caught(open(kubeconfig(url, { token: "t" })).request(post));

    expect(error).toMatchObject({ kind: "connection", outcome: "notSent" });
  });
});

async function collect(events: AsyncIterable<WatchEvent>): Promise<{ events: WatchEvent[]; error: unknown }> {
  const collected: WatchEvent[] = [];
  try {
    for await (const event of events) collected.push(event);
  } catch (error) {
    return { events: collected, error };
  }
  return { events: collected, error: undefined };
}

const added = (name: string): string => `${JSON.stringify({ type: "ADDED", object: { metadata: { name } } })}\n`;

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
