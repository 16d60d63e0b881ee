// What tests may do to requests, and the log that crash points come from.
import { describe, expect, it } from "vitest";
import { ConnectionLost } from "../../../controller/sandbox/apiserver/index.ts";
import type { LoggedRequest } from "../../../controller/sandbox/apiserver/index.ts";
import { CONFIGMAPS, setting } from "./support.ts";
import { sendWire } from "./wire.ts";

describe("faults", () => {
  it("drop a request before anything happens, or lose the reply of one that happened", async () => {
    const { server, send, ok } = setting();
    server.setFault((request) => (request.write ? "failBefore" : "none"));
    await expect(send("POST", CONFIGMAPS, { metadata: { name: "a" } })).rejects.toThrow(ConnectionLost);
    expect((await send("GET", `${CONFIGMAPS}/a`)).status).toBe(404);

    server.setFault((request) => (request.write ? "loseReply" : "none"));
    await expect(send("POST", CONFIGMAPS, { metadata: { name: "a" } })).rejects.toThrow(ConnectionLost);
    server.setFault(undefined);
    expect((await ok("GET", `${CONFIGMAPS}/a`)).metadata.name).toBe("a");
  });

  it("answer with any status, saying when to come back", async () => {
    const { server, send } = setting();
    for (const status of [409, 410, 429, 500, 503]) {
      server.setFault(() => ({ status, retryAfterSeconds: 3 }));
      const answer = await send("POST", CONFIGMAPS, { metadata: { name: "a" } });
      expect(answer).toMatchObject({ status, headers: { "retry-after": "3" }, body: { kind: "Status", code: status } });
    }
    server.setFault(undefined);
    expect((await send("GET", `${CONFIGMAPS}/a`)).status).toBe(404);
  });

  it("hold a request back on the clock", async () => {
    const { server, clock, send } = setting();
    server.setFault(() => ({ delayMs: 5000 }));
    let done = false;
    const waiting = send("POST", CONFIGMAPS, { metadata: { name: "a" } }).then((answer) => {
      done = true;
      return answer;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(done).toBe(false);
    clock.advance(5000);

    expect((await waiting).status).toBe(201);
  });

  it("let a caller give up on a delayed request, which happens all the same", async () => {
    const { server, clock, send } = setting();
    server.setFault(() => ({ delayMs: 5000 }));
    const waiting = send("POST", CONFIGMAPS, { metadata: { name: "a" } }, { timeoutMs: 1000 });
    const leaving = new AbortController();
    const aborted = send("POST", CONFIGMAPS, { metadata: { name: "b" } }, { signal: leaving.signal });
    leaving.abort(new Error("gone"));
    clock.advance(1000);
    await expect(waiting).rejects.toThrow(ConnectionLost);
    await expect(aborted).rejects.toThrow("gone");

    clock.advance(4000);
    await new Promise((resolve) => setImmediate(resolve));
    server.setFault(undefined);
    expect((await send("GET", `${CONFIGMAPS}/a`)).status).toBe(200);
  });

  it("break real connections over HTTP", async () => {
    const { server } = setting();
    const { url, close } = await server.listen({ host: "127.0.0.1" });
    server.setFault(() => "loseReply");
    const headers = { authorization: `Bearer ${server.token()}`, "content-type": "application/json" };

    await expect(
      sendWire(url, { method: "POST", path: CONFIGMAPS, headers, body: '{"metadata":{"name":"a"}}' }),
    ).rejects.toMatchObject({ code: "ECONNRESET" });
    server.setFault(undefined);
    expect((await sendWire(url, { method: "GET", path: `${CONFIGMAPS}/a`, headers })).status).toBe(200);
    await close();
  });
});

describe("the request log", () => {
  it("numbers requests and tells writes, users and answers apart", async () => {
    const { server, send } = setting();
    const seen: LoggedRequest[] = [];
    const stop = server.onRequest((request) => seen.push(request));
    await send("POST", CONFIGMAPS, { metadata: { name: "a" } });
    await server.as("reader").request({ method: "GET", path: `${CONFIGMAPS}/b` });
    server.setFault(() => "failBefore");
    await send("DELETE", `${CONFIGMAPS}/a`).catch(() => undefined);
    stop();
    await send("DELETE", `${CONFIGMAPS}/a`).catch(() => undefined);

    expect(seen.map(({ seq, user, method, write, status }) => ({ seq, user, method, write, status }))).toEqual([
      { seq: 1, user: "sandbox-admin", method: "POST", write: true, status: 201 },
      { seq: 2, user: "reader", method: "GET", write: false, status: 404 },
      { seq: 3, user: "sandbox-admin", method: "DELETE", write: true, status: 0 },
    ]);
  });
});

describe("users", () => {
  it("come from tokens over HTTP and stand in the history", async () => {
    const { server } = setting();
    const { url, close } = await server.listen({ host: "127.0.0.1" });
    const body = '{"metadata":{"name":"a"}}';
    const send = (headers: Record<string, string>, path = CONFIGMAPS): Promise<{ status: number }> =>
      sendWire(url, { method: "POST", path, headers: { "content-type": "application/json", ...headers }, body });

    expect((await send({})).status).toBe(403);
    expect((await send({ authorization: "Bearer nobody" })).status).toBe(401);
    expect((await send({ authorization: `Bearer ${server.token()}`, "impersonate-user": "alice" })).status).toBe(201);
    expect((await send({}, `/token/${server.token()}${CONFIGMAPS}`)).status).toBe(409);
    expect(server.store.history().at(-1)?.user).toBe("alice");
    await close();
  });
});
