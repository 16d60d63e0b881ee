// Servers that hang, lie, redirect or send without end, and files that are not there: every answer keeps the gate shut, and says why.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { manualClock, systemClock } from "../../controller/clock.ts";
import type { GateAsk } from "../../controller/core/gates/asks.ts";
import { createAlertmanager } from "../../controller/gates/alertmanager.ts";
import { createJsonSource, type Endpoint } from "../../controller/gates/http.ts";
import { createMemoryPrometheus } from "../../controller/gates/memory.ts";
import { createObjectSource } from "../../controller/gates/objects.ts";
import { createPrometheus } from "../../controller/gates/prometheus.ts";
import { judgeGateResource, readEndpointUrl } from "../../controller/gates/settings.ts";
import { createGateSource } from "../../controller/gates/source.ts";
import { TransportError } from "../../controller/kube/port.ts";

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

async function serve(handler: Handler): Promise<string> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
}

async function source(handler: Handler, rest: Partial<Endpoint> & { path?: string; deadlineMs?: number } = {}) {
  const url = new URL(`${await serve(handler)}${rest.path ?? ""}`);
  const json = createJsonSource(
    { ...rest, url },
    {
      clock: systemClock,
      mostBytes: 10_000,
      ...(rest.deadlineMs === undefined ? {} : { deadlineMs: rest.deadlineMs }),
    },
  );
  closing.push(() => json.close());
  return json;
}

const answering =
  (status: number, body: string, headers: Record<string, string> = {}): Handler =>
  (_, response) =>
    void response.writeHead(status, headers).end(body);
const query = async (handler: Handler, rest: Parameters<typeof source>[1] = {}) =>
  createPrometheus(await source(handler, rest), systemClock).query("up");
const success = (data: unknown, rest: object = {}): Handler =>
  answering(200, JSON.stringify({ status: "success", data, ...rest }));
const now = (): number => systemClock.now() / 1000;

describe("a server", () => {
  it("that hangs is TimedOut, before and in the middle of its answer", async () => {
    const half: Handler = (_, response) => void response.writeHead(200).write('{"status":');

    expect(await query(() => undefined, { deadlineMs: 50 })).toMatchObject({ why: "TimedOut" });
    expect(await query(half, { deadlineMs: 50 })).toMatchObject({ why: "TimedOut" });
  });

  it("that sends without end is TooLarge, and is not read to it", async () => {
    const endless: Handler = (_, response) => {
      response.writeHead(200);
      const more = (): void => {
        while (!response.destroyed && response.write("x".repeat(4096)));
      };
      response.on("drain", more);
      more();
    };

    expect(await query(endless)).toMatchObject({ why: "TooLarge" });
  });

  it("that redirects is not followed, and no token goes on with it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "ringward-token-"));
    closing.push(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, "token"), "s3cret\n");
    const seen: (string | undefined)[] = [];
    const other = await serve((request, response) => {
      seen.push(request.headers.authorization);
      response.end("{}");
    });

    const answer = await query(answering(302, "", { location: `${other}/api/v1/query` }), {
      tokenFile: join(folder, "token"),
    });

    expect(answer).toMatchObject({ kind: "None", why: "Redirected" });
    expect(seen).toEqual([]);
    expect(JSON.stringify(answer)).not.toContain("s3cret");
  });

  it("gets the token, below the path that was given, read anew each time", async () => {
    const folder = await mkdtemp(join(tmpdir(), "ringward-token-"));
    closing.push(() => rm(folder, { recursive: true }));
    const tokenFile = join(folder, "token");
    const seen: unknown[] = [];
    const json = await source(
      (request, response) => {
        seen.push([request.url, request.headers.authorization]);
        response.end(JSON.stringify({ status: "success", data: { resultType: "scalar", result: [now(), "1"] } }));
      },
      { tokenFile, path: "/prometheus/" },
    );
    const prometheus = createPrometheus(json, systemClock);

    expect(await prometheus.query("up")).toMatchObject({ why: "Refused", message: /token cannot be read: ENOENT/ });
    await writeFile(tokenFile, "one\n");
    await prometheus.query('up{job="a b"}');
    await writeFile(tokenFile, "two");
    await prometheus.query("up");

    expect(seen).toEqual([
      ["/prometheus/api/v1/query?query=up%7Bjob%3D%22a+b%22%7D", "Bearer one"],
      ["/prometheus/api/v1/query?query=up", "Bearer two"],
    ]);
  });

  it("that gives the token back tells it to nobody, whether as a reason, a warning or a name; what decides stays as it was sent", async () => {
    const folder = await mkdtemp(join(tmpdir(), "ringward-token-"));
    closing.push(() => rm(folder, { recursive: true }));
    const tokenFile = join(folder, "token");
    await writeFile(tokenFile, "0.123456789");
    const given = { metric: { job: "0.123456789" }, value: [now(), "0.12345"] };
    const refusal = JSON.stringify({ status: "error", error: "you sent Bearer 0.123456789" });

    const refused = await query(answering(400, refusal), { tokenFile });
    const partial = await query(success({}, { warnings: ["you sent 0.123456789"] }), { tokenFile });
    const named = await query(success({ resultType: "vector", result: [given] }), { tokenFile });

    expect(refused).toMatchObject({ why: "Refused", message: expect.stringContaining("you sent") as string });
    expect(partial).toMatchObject({ why: "Partial", message: "you sent ***" });
    expect(named).toMatchObject({ samples: [{ labels: { job: "***" }, value: 0.12345 }] });
    expect(JSON.stringify([refused, partial, named])).not.toContain("0.123456789");
    await writeFile(tokenFile, "0.1");
    expect(await query(success({ resultType: "vector", result: [given] }), { tokenFile })).toMatchObject({
      samples: [{ value: 0.12345 }],
    });
  });

  it("that is not there, refuses or says nothing readable is named so", async () => {
    const gone = createJsonSource({ url: new URL("http://127.0.0.1:1") }, { clock: systemClock });
    closing.push(() => gone.close());

    expect(await createPrometheus(gone, systemClock).query("up")).toMatchObject({ why: "Unreachable" });
    expect(await query(answering(401, ""))).toMatchObject({ why: "Refused" });
    expect(await query(answering(503, "<html>"))).toMatchObject({ why: "Refused", message: /503/ });
    expect(await query(answering(422, '{"status":"error","error":"many-to-many"}'))).toMatchObject({
      why: "Refused",
      message: /many-to-many/,
    });
    expect(await query(answering(200, "<html>login</html>"))).toMatchObject({ why: "Malformed" });
  });
});

describe("an answer of Prometheus", () => {
  const vector = (...result: unknown[]) => ({ resultType: "vector", result });

  it.each([
    ["null", answering(200, "null"), "Malformed"],
    ["an error with 200", answering(200, '{"status":"error"}'), "Malformed"],
    ["a matrix", success({ resultType: "matrix", result: [] }), "Malformed"],
    ["a string", success({ resultType: "string", result: [1, "x"] }), "Malformed"],
    ["no result", success({ resultType: "vector" }), "Malformed"],
    ["a histogram", success(vector({ metric: {}, histogram: [1, {}] })), "Malformed"],
    ["a number that is none", success(vector({ metric: {}, value: [1, "0x10"] })), "Malformed"],
    ["a value without time", success(vector({ metric: {}, value: [null, "1"] })), "Malformed"],
    ["an impossible time", success(vector({ metric: {}, value: [1e300, "1"] })), "Malformed"],
    ["a value of last year", success(vector({ metric: {}, value: [1_700_000_000, "1"] })), "Stale"],
  ])("%s does not count", async (_, handler, why) => {
    expect(await query(handler)).toMatchObject({ kind: "None", why });
  });

  it("that is only a part of the truth does not count", async () => {
    const data = vector({ metric: {}, value: [now(), "0"] });

    expect(await query(success(data))).toMatchObject({ kind: "Samples" });
    expect(await query(success(data, { warnings: ["store unreachable"] }))).toMatchObject({
      why: "Partial",
      message: "store unreachable",
    });
  });
});

it("an answer of Alertmanager that is no list of alerts does not count", async () => {
  for (const body of ["{}", "[1]", '[{"labels": []}]']) {
    const json = await source(answering(200, body));
    expect(await createAlertmanager(json).firing([], undefined)).toMatchObject({ why: "Malformed" });
  }
});

describe("objects", () => {
  const ask = (rest: Partial<Extract<GateAsk, { kind: "Objects" }>> = {}): Extract<GateAsk, { kind: "Objects" }> => ({
    kind: "Objects",
    apiVersion: "apps/v1",
    resource: "deployments",
    namespace: "shop",
    name: "web",
    selector: undefined,
    ...rest,
  });
  const asked: unknown[] = [];
  const read = (status: number, body: unknown, one = ask(), more: readonly string[] = []) =>
    createObjectSource(
      {
        request: ({ path, query: search }) => {
          asked.push([path, search]);
          return Promise.resolve({ status, headers: {}, body });
        },
      },
      more,
    ).objects(one);

  it("are read only of kinds that were allowed, and nobody is asked for others", async () => {
    asked.length = 0;
    const secret = ask({ apiVersion: "v1", resource: "secrets" });
    const ceph = ask({ apiVersion: "ceph.rook.io/v1", resource: "cephclusters" });

    expect(await read(200, {}, secret)).toMatchObject({ why: "NotAllowed" });
    expect(await read(200, {}, ceph)).toMatchObject({ why: "NotAllowed", message: /--gate-resource ceph.rook.io/ });
    expect(asked).toEqual([]);
    expect(await read(200, { a: 1 }, ceph, ["ceph.rook.io/v1/cephclusters"])).toEqual({
      kind: "Objects",
      objects: [{ a: 1 }],
    });
    expect(asked).toEqual([["/apis/ceph.rook.io/v1/namespaces/shop/cephclusters/web", {}]]);
  });

  it("are found by labels, all or none of them", async () => {
    asked.length = 0;
    const selector = {
      matchLabels: { app: "web" },
      matchExpressions: [{ key: "tier", operator: "NotIn" as const, values: ["a", "b"] }],
    };
    const many = ask({ name: undefined, namespace: undefined, apiVersion: "v1", resource: "pods", selector });

    expect(await read(200, { items: [{}, {}] }, many, ["v1/pods"])).toEqual({ kind: "Objects", objects: [{}, {}] });
    expect(asked).toEqual([["/api/v1/pods", { labelSelector: "app=web,tier notin (a,b)", limit: "500" }]]);
    expect(await read(200, { items: [{}], metadata: { continue: "x" } }, many, ["v1/pods"])).toMatchObject({
      why: "TooLarge",
    });
    expect(await read(200, {}, many, ["v1/pods"])).toMatchObject({ why: "Malformed" });
  });

  it("that are not there, or that may not be seen, are named so", async () => {
    expect(await read(404, {})).toMatchObject({ why: "NoData" });
    expect(await read(403, { message: "forbidden" })).toMatchObject({ why: "Refused", message: /forbidden/ });
    const broken = (error: Error) => createObjectSource({ request: () => Promise.reject(error) }, []).objects(ask());
    expect(await broken(new TransportError("timeout", "unknown", "m"))).toMatchObject({ why: "TimedOut" });
    expect(await broken(new Error("m"))).toMatchObject({ why: "Unreachable" });
  });
});

describe("a source of answers", () => {
  it("asks each thing once in its time, answers for what is not configured, and never falls back to an older answer", async () => {
    const clock = manualClock(1_000_000);
    const prometheus = createMemoryPrometheus();
    prometheus.set("q", [{ labels: {}, value: 1 }]);
    let asked = 0;
    const made = createGateSource({
      queries: {
        query: (text) => {
          asked += 1;
          return prometheus.query(text);
        },
      },
      alerts: undefined,
      objects: { objects: () => Promise.reject(new Error("broken")) },
      clock,
      transport: clock,
      everyMs: 15_000,
    });
    const asks = new Map<string, GateAsk>([
      ["q", { kind: "Query", query: "q" }],
      ["a", { kind: "Alerts", matchers: [], watchdog: undefined }],
      [
        "o",
        { kind: "Objects", apiVersion: "v1", resource: "pods", namespace: undefined, name: "x", selector: undefined },
      ],
    ]);

    const first = await made.read(asks);
    expect(first.get("q")).toMatchObject({ at: 1_000_000, answer: { kind: "Samples" } });
    expect(first.get("a")).toMatchObject({ answer: { why: "NotConfigured" } });
    expect(first.get("o")).toMatchObject({ answer: { why: "Unreachable", message: "broken" } });
    clock.advance(14_000);
    await made.read(asks);
    expect(asked).toBe(1);
    clock.advance(1_000);
    prometheus.set("q", { kind: "None", why: "TimedOut", message: "m" });
    expect((await made.read(asks)).get("q")).toMatchObject({ at: 1_015_000, answer: { why: "TimedOut" } });
  });
});

describe("what the operator gives", () => {
  it.each(["ftp://x", "nonsense", "http://user:pass@x", "http://x/?token=1", "http://x/#y"])(
    "%s is refused",
    (text) => {
      expect(readEndpointUrl(text)).toBeTypeOf("string");
    },
  );

  it("an address with a path is taken, a kind by its plural, and never secrets", () => {
    expect(String(readEndpointUrl("https://thanos.example.com/prometheus"))).toContain("/prometheus");
    expect(judgeGateResource("ceph.rook.io/v1/cephclusters")).toBeUndefined();
    expect(judgeGateResource("v1/configmaps")).toBeUndefined();
    expect(judgeGateResource("v1/secrets")).toMatch(/secrets/);
    expect(judgeGateResource("CephCluster")).toMatch(/APIVERSION/);
  });
});
