// A reflector over real HTTP against servers that have protobuf, have none, or break off in the middle of it.
import type { IncomingMessage, ServerResponse } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { type ManualClock, manualClock, seededRandom } from "../../../controller/clock.ts";
import { TransportError } from "../../../controller/kube/port.ts";
import { PROTOBUF, protobufReader } from "../../../controller/kube/protobuf/index.ts";
import { startReflector } from "../../../controller/kube/reflector.ts";
import { PODS } from "../../../controller/kube/resources.ts";
import { createStore } from "../../../controller/kube/store.ts";
import { createTransport } from "../../../controller/kube/transport.ts";
import { json, kubeconfig, startServer } from "../http-server.ts";
import { settle, until } from "../support.ts";
import { type Bytes, bytesField, envelope, metadata, numberField, watchEvent } from "./encoder.ts";

const cleanup: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const clean of cleanup.splice(0).toReversed()) await clean();
});

type Answerer = (request: IncomingMessage, response: ServerResponse) => void;

function pod(name: string, resourceVersion: string): Bytes {
  const fields = { name, namespace: "n", uid: `u-${name}`, resourceVersion };
  return [...bytesField(1, metadata(fields)), ...bytesField(2, bytesField(10, "node-1"))];
}

function podList(version: string, items: readonly Bytes[]): Buffer {
  const content = [...bytesField(1, bytesField(2, version)), ...items.flatMap((item) => bytesField(2, item))];
  return Buffer.from(envelope("v1", "PodList", content));
}

function event(type: string, item: Bytes): Buffer {
  return Buffer.from(watchEvent(type, envelope("v1", "Pod", item)));
}

function expired(): Buffer {
  const status = [...bytesField(2, "Failure"), ...bytesField(4, "Expired"), ...numberField(6, 410)];
  return Buffer.from(watchEvent("ERROR", envelope("v1", "Status", status)));
}

function sendProtobuf(response: ServerResponse, body: Buffer): void {
  response.writeHead(200, { "content-type": PROTOBUF });
  response.end(body);
}

function openWatch(response: ServerResponse): void {
  response.writeHead(200, { "content-type": `${PROTOBUF};stream=watch` });
  response.flushHeaders();
}

const isWatch = (request: IncomingMessage): boolean => request.url?.includes("watch=true") === true;

async function start(answerer: Answerer) {
  const clock = manualClock(0);
  const server = await startServer(answerer);
  cleanup.push(() => server.close());
  const transport = createTransport({ kubeconfig: kubeconfig(server.url), clock, userAgent: "test" });
  cleanup.push(() => transport.close());
  const store = createStore<string>();
  const errors: unknown[] = [];
  const reflector = startReflector<string>({
    port: transport,
    resource: PODS,
    clock,
    random: seededRandom(1),
    store,
    binary: protobufReader(PODS),
    project: (object) =>
      `${(object.spec as { nodeName?: string } | undefined)?.nodeName}@${object.metadata.resourceVersion}`,
    onError: (error) => errors.push(error),
  });
  cleanup.push(() => reflector.stop());
  return { clock, server, store, reflector, errors };
}

async function passUntil(clock: ManualClock, condition: () => boolean, what: string): Promise<void> {
  for (let turn = 0; turn < 400 && !condition(); turn += 1) {
    clock.advance(100);
    await settle(20);
  }
  await until(condition, what);
}

describe("a reflector that reads protobuf", () => {
  it("lists in one stream from the server's cache, then watches in protobuf", async () => {
    let watch: ServerResponse | undefined;
    const { server, store } = await start((request, response) => {
      if (!isWatch(request)) return sendProtobuf(response, podList("7", [pod("a", "5"), pod("b", "6")]));
      watch = response;
      openWatch(response);
    });
    await until(() => watch !== undefined, "the watch");

    expect(store.keys()).toEqual(["n/a", "n/b"]);
    const [list, opened] = server.requests;
    expect(list?.url).toBe("/api/v1/pods?resourceVersion=0");
    expect(list?.headers.accept).toBe(`${PROTOBUF}, application/json`);
    expect(opened?.headers.accept).toBe(`${PROTOBUF};stream=watch, application/json`);
    expect(opened?.url).toContain("resourceVersion=7");

    const changed = event("MODIFIED", pod("a", "8"));
    watch?.write(changed.subarray(0, 9));
    await settle();
    watch?.write(Buffer.concat([changed.subarray(9), event("DELETED", pod("b", "9"))]));
    await until(() => store.size === 1, "the deletion");
    expect(store.get("n/a")).toBe("node-1@8");
  });

  it("is not synced by a list that was cut, and lists again", async () => {
    let lists = 0;
    const { clock, store, reflector, errors } = await start((request, response) => {
      if (isWatch(request)) return openWatch(response);
      const whole = podList("7", [pod("a", "5"), pod("b", "6")]);
      lists += 1;
      if (lists > 1) return sendProtobuf(response, whole);
      response.writeHead(200, { "content-type": PROTOBUF });
      response.write(whole.subarray(0, whole.length - 30), () => response.destroy());
    });
    await until(() => errors.length === 1, "the error");

    expect(errors[0]).toBeInstanceOf(TransportError);
    expect(reflector.isSynced()).toBe(false);
    await passUntil(clock, () => reflector.isSynced(), "the second list");
    expect(store.keys()).toEqual(["n/a", "n/b"]);
  });

  it("is not synced by a list that ended early without an error of HTTP", async () => {
    const { errors, reflector } = await start((request, response) => {
      if (isWatch(request)) return openWatch(response);
      sendProtobuf(response, podList("7", [pod("a", "5")]).subarray(0, -9));
    });
    await until(() => errors.length === 1, "the error");

    expect(String(errors[0])).toContain("cut");
    expect(reflector.isSynced()).toBe(false);
  });

  it("reads pages of JSON where the server has nothing else, and watches in JSON", async () => {
    let lines: ServerResponse | undefined;
    const { server, store } = await start((request, response) => {
      if (!isWatch(request))
        return json(response, {
          metadata: { resourceVersion: "7" },
          items: [{ metadata: { name: "a", namespace: "n", uid: "u", resourceVersion: "5" }, spec: { nodeName: "x" } }],
        });
      lines = response;
      response.writeHead(200, { "content-type": "application/json" });
      response.flushHeaders();
    });
    await until(() => lines !== undefined, "the watch");

    expect(store.get("n/a")).toBe("x@5");
    expect(server.requests[1]?.url).toBe("/api/v1/pods?limit=500");
    expect(server.requests).toHaveLength(3);
  });

  it("turns to JSON when what came was malformed", async () => {
    const { clock, server, store, errors, reflector } = await start((request, response) => {
      if (isWatch(request)) return openWatch(response);
      if (request.headers.accept?.startsWith(PROTOBUF) === true)
        return sendProtobuf(response, Buffer.from("<html>a proxy with an opinion</html>"));
      json(response, { metadata: { resourceVersion: "7" }, items: [] });
    });
    await passUntil(clock, () => reflector.isSynced(), "the list in JSON");

    expect(errors).toHaveLength(1);
    expect(server.requests[1]?.headers.accept).toContain("application/json");
    expect(store.size).toBe(0);
  });

  it("after 410 asks for what is true now, in pages, and forgets what is gone", async () => {
    let watch: ServerResponse | undefined;
    let lists = 0;
    const { clock, server, store } = await start((request, response) => {
      if (isWatch(request)) {
        watch = response;
        return openWatch(response);
      }
      lists += 1;
      if (lists === 1) return sendProtobuf(response, podList("7", [pod("a", "5"), pod("b", "6")]));
      if (lists === 2) {
        const head = bytesField(1, [...bytesField(2, "20"), ...bytesField(3, "next")]);
        const items = bytesField(2, pod("a", "19"));
        return sendProtobuf(response, Buffer.from(envelope("v1", "PodList", [...head, ...items])));
      }
      return sendProtobuf(response, podList("20", [pod("c", "18")]));
    });
    await until(() => watch !== undefined, "the watch");

    watch?.end(expired());
    await passUntil(clock, () => lists === 3 && store.size === 2, "the lists");

    expect(store.keys()).toEqual(["n/a", "n/c"]);
    const urls = server.requests.filter((request) => !isWatch(request)).map((request) => request.url);
    expect(urls.slice(1)).toEqual(["/api/v1/pods?limit=5000", "/api/v1/pods?limit=5000&continue=next"]);
  });

  it("gives up a list that falls silent, and keeps no connection of it", async () => {
    let stalled: ServerResponse | undefined;
    const { clock, server, errors, reflector } = await start((request, response) => {
      if (isWatch(request)) return openWatch(response);
      const whole = podList("7", [pod("a", "5")]);
      if (stalled !== undefined) return sendProtobuf(response, whole);
      stalled = response;
      response.writeHead(200, { "content-type": PROTOBUF });
      response.write(whole.subarray(0, 40));
    });
    await until(() => stalled !== undefined, "the list");
    await settle();

    clock.advance(29_000);
    await settle();
    expect(errors).toHaveLength(0);
    await passUntil(clock, () => errors.length === 1, "the end of patience");
    expect(errors[0]).toMatchObject({ kind: "timeout" });
    await passUntil(clock, () => reflector.isSynced(), "the second list");
    await until(() => server.openConnections() <= 2, "the closing of the silent connection");
  });
});
