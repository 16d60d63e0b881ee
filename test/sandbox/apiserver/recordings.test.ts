// The 175 recorded requests, in order, over real HTTP. A row counts as equal when status, named headers and body are; at most
// ten rows may differ, each named here and explained in docs/sandbox.md. Real controllers wrote between the recorded requests:
// `controllerWrites` does the least that the next row needs, as requests of its own.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { manualClock, seededRandom } from "../../../controller/clock.ts";
import { createApiServer } from "../../../controller/sandbox/apiserver/index.ts";
import type { SandboxApiServer } from "../../../controller/sandbox/apiserver/index.ts";
import { createBindings, readRecording, spacedJson } from "./recording.ts";
import type { Bindings, Row } from "./recording.ts";
import { openWire, readWire, sendWire } from "./wire.ts";
import type { WireAnswer } from "./wire.ts";

/** Rows that differ: name to reason, as in docs/sandbox.md. */
const DIFFERING: readonly string[] = [
  "discovery groups",
  "discovery core v1",
  "discovery aggregated",
  "openapi v3 root",
  "openapi v3 of the new group",
  "pod spec is immutable",
  "job template is immutable",
];

const TIME = "2026-01-01T00:00:00.000000Z";
const transport = manualClock(0);

function newServer(): SandboxApiServer {
  return createApiServer({ clock: manualClock(Date.parse(TIME)), transportClock: transport, random: seededRandom(36) });
}

function headersOf(server: SandboxApiServer, row: Row, manager?: string): Record<string, string> {
  return {
    ...(row.contentType === undefined ? {} : { "content-type": row.contentType }),
    ...(row.accept === undefined ? {} : { accept: row.accept }),
    ...(row.auth === "none" ? {} : { authorization: `Bearer ${row.auth === "bad" ? "nobody" : server.token()}` }),
    ...(manager === undefined ? {} : { "user-agent": manager }),
  };
}

async function send(url: string, server: SandboxApiServer, row: Row, manager?: string): Promise<WireAnswer> {
  const body = row.body === undefined ? {} : { body: typeof row.body === "string" ? row.body : spacedJson(row.body) };
  return sendWire(url, {
    method: row.method ?? "GET",
    path: row.path ?? "/",
    headers: headersOf(server, row, manager),
    ...body,
  });
}

async function play(url: string, server: SandboxApiServer, row: Row, bindings: Bindings): Promise<readonly string[]> {
  await controllerWrites(url, server, row, bindings);
  if (row.watch !== undefined) return playWatch(url, server, row, bindings);
  const answer = await send(url, server, bindings.fillIn(asRequest(row)));
  return differences(row, answer, bindings);
}

/** The request half of a row: what is filled in must not touch the recorded answer. */
function asRequest(row: Row): Row {
  const { answer: _answer, events: _events, during: _during, ...request } = row;
  return request;
}

function differences(row: Row, answer: WireAnswer, bindings: Bindings): readonly string[] {
  const found: string[] = [];
  if (answer.status !== row.status) found.push(`status: recorded ${row.status}, got ${answer.status}`);
  for (const [name, value] of Object.entries(row.headers ?? {})) {
    if (answer.headers[name] !== value)
      found.push(`header ${name}: recorded ${value}, got ${String(answer.headers[name])}`);
  }
  return [...found, ...bindings.differences(row.answer, answer.body)];
}

async function playWatch(
  url: string,
  server: SandboxApiServer,
  row: Row,
  bindings: Bindings,
): Promise<readonly string[]> {
  const path = bindings.fillIn(row.watch ?? "");
  const response = await openWire(url, { method: "GET", path, headers: headersOf(server, row) });
  const found: string[] = [];
  if (response.statusCode !== row.status) found.push(`status: recorded ${row.status}, got ${response.statusCode}`);
  for (const inner of row.during ?? [])
    found.push(...differences(inner, await send(url, server, bindings.fillIn(asRequest(inner))), bindings));
  transport.advance(Number(new URL(path, url).searchParams.get("timeoutSeconds")) * 1000);
  const text = await readWire(response);
  const events =
    response.statusCode === 200
      ? text
          .split("\n")
          .filter((line) => line !== "")
          .map((line) => JSON.parse(line) as unknown)
      : [];
  return [...found, ...bindings.differences(row.events ?? [], events)];
}

const CONTROLLER = "kube-controller-manager";

/** What real controllers had done by the time a row was recorded. The values are the recorded ones; the writes are ours. */
async function controllerWrites(url: string, server: SandboxApiServer, row: Row, bindings: Bindings): Promise<void> {
  const write = async (
    method: string,
    path: string,
    body: unknown,
    contentType = "application/merge-patch+json",
  ): Promise<void> => {
    const answer = await send(
      url,
      server,
      bindings.fillIn({ name: "", method, path, body, contentType, status: 0 }),
      CONTROLLER,
    );
    if (answer.status >= 300) throw new Error(`a controller's write was refused: ${JSON.stringify(answer.body)}`);
  };
  const recorded = row.answer as {
    metadata: { annotations?: unknown };
    status: unknown;
    items: { metadata: object; status: unknown }[];
  };
  switch (row.name) {
    case "get missing":
      await write("POST", "/api/v1/namespaces/rec/configmaps", ROOT_CERTIFICATE, "application/json");
      return;
    case "node strategic patch adds a taint":
      await write("PATCH", "/api/v1/nodes/n1", { metadata: { annotations: { "node.alpha.kubernetes.io/ttl": "0" } } });
      return;
    case "pdb status by the disruption controller":
      await write("PATCH", "/apis/policy/v1/namespaces/rec/poddisruptionbudgets/web/status", {
        status: recorded.status,
      });
      return;
    case "apply with force":
    case "apply, same value by another is shared":
    case "apply drops an owned field":
    case "apply adds an env by list-map key":
    case "deployment get":
      await write("PATCH", "/apis/apps/v1/namespaces/rec/deployments/d/status", {
        metadata: { annotations: recorded.metadata.annotations },
        status: recorded.status,
      });
      return;
    case "scale up":
      await write("PATCH", "/apis/apps/v1/namespaces/rec/deployments/d/status", { status: { replicas: 3 } });
      return;
    case "replica sets made by the controller":
      for (const set of recorded.items) await makeReplicaSet(write, set);
      await say(write);
      return;
    case "pods of the job":
      for (const pod of recorded.items) {
        const {
          priority: _p,
          preemptionPolicy: _q,
          ...spec
        } = (pod as unknown as { spec: Record<string, unknown> }).spec;
        await write("POST", "/api/v1/namespaces/rec/pods", { ...withoutServerFields(pod), spec }, "application/json");
      }
      await say(write);
      return;
    case "watch with initial events":
    case "list":
      await say(write);
      return;
    default:
  }
}

/** Controllers say what they did: the revision moves on although no object that is looked at changes. */
function say(write: Write): Promise<void> {
  const event = {
    metadata: { generateName: "controller-" },
    involvedObject: { kind: "Node", name: "n1" },
    reason: "Done",
  };
  return write("POST", "/api/v1/namespaces/default/events", event, "application/json");
}

const ROOT_CERTIFICATE = {
  metadata: {
    name: "kube-root-ca.crt",
    annotations: {
      "kubernetes.io/description":
        "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.",
    },
  },
  data: { "ca.crt": "" },
};

function withoutServerFields(object: { metadata: object }): object {
  const {
    uid: _u,
    resourceVersion: _r,
    generation: _g,
    creationTimestamp: _c,
    managedFields: _m,
    ...metadata
  } = object.metadata as Record<string, unknown>;
  return { ...object, metadata };
}

type Write = (method: string, path: string, body: unknown, contentType?: string) => Promise<void>;

/** The recorded second set had been scaled twice since its creation. */
async function makeReplicaSet(write: Write, set: { metadata: object; status: unknown }): Promise<void> {
  const { name, generation } = set.metadata as { name: string; generation: number };
  const wanted = withoutServerFields(set) as { spec: { replicas: number } };
  const path = `/apis/apps/v1/namespaces/rec/replicasets/${name}`;
  const first = generation === 1 ? wanted.spec.replicas : wanted.spec.replicas + generation - 1;
  await write(
    "POST",
    "/apis/apps/v1/namespaces/rec/replicasets",
    { ...wanted, spec: { ...wanted.spec, replicas: first } },
    "application/json",
  );
  for (let step = 2; step <= generation; step++) await write("PATCH", path, { spec: { replicas: first - step + 1 } });
  await write("PATCH", `${path}/status`, { status: set.status });
}

it("answers the recorded requests as a real API server did", async () => {
  const server = newServer();
  const listening = await server.listen({ host: "127.0.0.1" });
  const bindings = createBindings(TIME);
  const different = new Map<string, readonly string[]>();
  let compared = 0;
  for (const row of readRecording()) {
    const found = await play(listening.url, server, row, bindings);
    if (row.setup === true) continue;
    compared++;
    if (found.length > 0) different.set(row.name, found);
  }
  await listening.close();
  process.stdout.write(`recordings: ${compared} rows compared, ${different.size} differ\n`);

  const unexpected = [...different]
    .filter(([name]) => !DIFFERING.includes(name))
    .map(([name, found]) => `${name}:\n  ${found.slice(0, 12).join("\n  ")}`);
  expect(unexpected.join("\n"), "rows that differ and are not listed").toBe("");
  expect(
    DIFFERING.filter((name) => !different.has(name)),
    "listed rows that no longer differ: take them off the list",
  ).toEqual([]);
  expect(DIFFERING.length).toBeLessThanOrEqual(10);
  const page = readFileSync(new URL("../../../docs/sandbox.md", import.meta.url), "utf8");
  for (const name of DIFFERING) expect(page, `docs/sandbox.md must explain the row "${name}"`).toContain(`\`${name}\``);
});
