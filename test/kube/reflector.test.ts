import { afterEach, describe, expect, it } from "vitest";
import { manualClock, seededRandom } from "../../controller/clock.ts";
import type { ManualClock } from "../../controller/clock.ts";
import { ApiError, TransportError } from "../../controller/kube/port.ts";
import type { KubeObject } from "../../controller/kube/port.ts";
import { startReflector } from "../../controller/kube/reflector.ts";
import type { Reflector, ReflectorOptions } from "../../controller/kube/reflector.ts";
import { NODES } from "../../controller/kube/resources.ts";
import { createStore } from "../../controller/kube/store.ts";
import type { Change } from "../../controller/kube/store.ts";
import { gone, refusal, scriptedApi, settle } from "./support.ts";
import type { OpenWatch, ScriptedApi } from "./support.ts";

const nodes = "/api/v1/nodes";
const started: Reflector[] = [];

afterEach(async () => {
  for (const reflector of started.splice(0)) await reflector.stop();
});

function node(name: string, resourceVersion?: string, uid = `uid-of-${name}`): KubeObject {
  return { metadata: { name, uid, ...(resourceVersion === undefined ? {} : { resourceVersion }) } };
}

async function start(api: ScriptedApi, options: Partial<ReflectorOptions<string>> = {}) {
  const clock = manualClock(0);
  const store = createStore<string>();
  const changes: Change<string>[] = [];
  store.onChange((change) => changes.push(change));
  const errors: unknown[] = [];
  const reflector = startReflector<string>({
    port: api,
    resource: NODES,
    clock,
    random: seededRandom(7),
    store,
    project: (object) => `${object.metadata.name}@${object.metadata.resourceVersion}`,
    onError: (error) => errors.push(error),
    ...options,
  });
  started.push(reflector);
  await settle();
  return { clock, store, changes, errors, reflector };
}

/** Lets `ms` pass in steps, with everything that follows from each. */
async function pass(clock: ManualClock, ms: number, step = 250): Promise<void> {
  for (let past = 0; past < ms; past += step) {
    clock.advance(step);
    await settle(6);
  }
}

function lastWatch(api: ScriptedApi): OpenWatch {
  const watch = api.watches.at(-1);
  if (watch === undefined) throw new Error("no watch was opened");
  return watch;
}

const lists = (api: ScriptedApi): number => api.requests.filter((request) => request.method === "GET").length;

describe("reflector", () => {
  it("lists in pages, then watches from the list's version with bookmarks and a random timeout", async () => {
    const api = scriptedApi();
    for (let n = 0; n < 25; n += 1) api.put(nodes, node(`n${String(n).padStart(2, "0")}`));

    const { store, reflector } = await start(api, { pageSize: 10 });

    expect(await reflector.synced).toBe(true);
    expect(lists(api)).toBe(3);
    expect(store.size).toBe(25);
    const query = lastWatch(api).query;
    expect(query).toMatchObject({ resourceVersion: "125", allowWatchBookmarks: "true" });
    expect(Number(query["timeoutSeconds"])).toBeGreaterThanOrEqual(300);
    expect(Number(query["timeoutSeconds"])).toBeLessThanOrEqual(600);
  });

  it("follows events and bookmarks, and resumes after the last of them", async () => {
    const api = scriptedApi();
    api.put(nodes, node("a"));
    const { clock, store, reflector } = await start(api);
    const watch = lastWatch(api);

    watch.send({ type: "ADDED", object: node("b", "102") });
    watch.send({ type: "MODIFIED", object: node("a", "103", "uid-of-a") });
    watch.send({ type: "DELETED", object: node("b", "104") });
    watch.send({ type: "BOOKMARK", object: { metadata: { resourceVersion: "150" } } });
    await settle();

    expect(store.keys()).toEqual(["a"]);
    expect(store.get("a")).toBe("a@103");
    expect(reflector.resourceVersion()).toBe("150");
    watch.end();
    await pass(clock, 3000);
    expect(lastWatch(api)).not.toBe(watch);
    expect(lastWatch(api).query["resourceVersion"]).toBe("150");
    expect(lists(api)).toBe(1);
  });

  it("is not synced before the last page", async () => {
    const api = scriptedApi();
    for (let n = 0; n < 4; n += 1) api.put(nodes, node(`n${n}`));
    let broken = true;
    api.script = (request) =>
      broken && request.query?.["continue"] !== undefined
        ? new TransportError("connection", "unknown", "cut")
        : undefined;

    const { clock, store, reflector, errors } = await start(api, { pageSize: 2 });

    expect(reflector.isSynced()).toBe(false);
    expect(store.size).toBe(2);
    expect(errors).toHaveLength(1);
    broken = false;
    await pass(clock, 3000);
    expect(reflector.isSynced()).toBe(true);
    expect(store.size).toBe(4);
    expect(reflector.lastError()).toBeUndefined();
  });

  it("starts the list over when a continue token has expired", async () => {
    const api = scriptedApi();
    for (let n = 0; n < 6; n += 1) api.put(nodes, node(`n${n}`));
    let expired = 1;
    api.script = (request) => {
      if (request.query?.["continue"] !== "4" || expired === 0) return undefined;
      expired -= 1;
      api.remove(nodes, "n0");
      return refusal(410, "Expired");
    };

    const { store, reflector } = await start(api, { pageSize: 2 });

    expect(reflector.isSynced()).toBe(true);
    expect(store.keys()).toEqual(["n1", "n2", "n3", "n4", "n5"]);
  });

  it.each([
    ["429", new ApiError(429, { reason: "TooManyRequests" })],
    ["500", new ApiError(500, { reason: "InternalError" })],
    ["503", new ApiError(503, { reason: "ServiceUnavailable" })],
    ["a refused connection", new TransportError("connection", "notSent", "ECONNREFUSED")],
  ])("keeps its version and does not list again through a storm of %s, without a hot loop", async (_, error) => {
    const api = scriptedApi();
    api.put(nodes, node("a"));
    const { clock, reflector } = await start(api);
    api.watchScript = () => error;
    lastWatch(api).cut();

    const before = api.watches.length;
    await pass(clock, 10 * 60_000, 1000);

    const tries = api.watches.length - before;
    expect(tries).toBeGreaterThan(20);
    expect(tries).toBeLessThan(60);
    expect(lists(api)).toBe(1);
    expect(reflector.lastError()).toBe(error);
    api.watchScript = () => undefined;
    await pass(clock, 31_000, 1000);
    expect(lastWatch(api).query["resourceVersion"]).toBe("101");
  });

  it("stays away as long as Retry-After says", async () => {
    const api = scriptedApi();
    const { clock } = await start(api);
    api.watchScript = () => new ApiError(429, { reason: "TooManyRequests" }, 45_000);
    lastWatch(api).cut();
    await pass(clock, 3000);
    const tries = api.watches.length;

    await pass(clock, 40_000, 1000);
    expect(api.watches.length).toBe(tries);

    await pass(clock, 6_000, 1000);
    expect(api.watches.length).toBe(tries + 1);
  });

  it("lists again on 410, at the door and inside the stream, and finds what vanished", async () => {
    const api = scriptedApi();
    api.put(nodes, node("a"));
    api.put(nodes, node("b"));
    const { clock, store } = await start(api);

    api.remove(nodes, "a");
    lastWatch(api).send({
      type: "ERROR",
      object: { kind: "Status", code: 410, reason: "Expired", message: "too old resource version" },
    });
    await pass(clock, 3000);
    expect(store.keys()).toEqual(["b"]);
    expect(lists(api)).toBe(2);

    api.watchScript = () => gone();
    lastWatch(api).end();
    await pass(clock, 60_000, 1000);
    expect(lists(api)).toBeGreaterThan(3);
    expect(lists(api)).toBeLessThan(15);
  });

  it("tells a delete and an add when an object came back under its name while nobody looked", async () => {
    const api = scriptedApi();
    api.put(nodes, node("a", undefined, "first"));
    const { clock, changes } = await start(api);
    changes.length = 0;

    api.remove(nodes, "a");
    api.put(nodes, node("a", undefined, "second"));
    lastWatch(api).send({ type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired" } });
    await pass(clock, 3000);

    expect(changes.map((change) => change.type)).toEqual(["deleted", "added"]);
  });

  it("gives a silent watch up after two bookmark intervals and resumes at its version (K5)", async () => {
    const api = scriptedApi();
    api.put(nodes, node("a"));
    const { clock } = await start(api);

    await pass(clock, 119_000, 1000);
    expect(api.watches).toHaveLength(1);
    await pass(clock, 4_000, 1000);

    expect(api.watches).toHaveLength(2);
    expect(lastWatch(api).query["resourceVersion"]).toBe("101");
    expect(lists(api)).toBe(1);
  });

  it("tells once of watches that were never heard, where there are objects", async () => {
    const api = scriptedApi();
    api.put(nodes, node("a"));
    const { clock, errors } = await start(api);

    await pass(clock, 600_000, 1000);

    expect(api.watches.length).toBeGreaterThan(4);
    expect(errors.map(String)).toEqual(["WatchGivenUp: the watch was silent for 120000 ms"]);
  });

  it("takes an error for no sign of life of a kind that has no objects", async () => {
    const api = scriptedApi();
    const { clock, errors } = await start(api);
    lastWatch(api).send({ type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired" } });
    await pass(clock, 10_000, 1000);
    expect(errors).toHaveLength(1);

    await pass(clock, 300_000, 1000);

    expect(errors).toHaveLength(1);
  });

  it("tells of a watch that fell silent, but not of one of a kind that was never heard of", async () => {
    const api = scriptedApi();
    const { clock, errors } = await start(api);
    await pass(clock, 124_000, 1000);
    expect(api.watches).toHaveLength(2);
    expect(errors).toEqual([]);

    lastWatch(api).send({ type: "BOOKMARK", object: { metadata: { resourceVersion: "201" } } });
    await pass(clock, 124_000, 1000);

    expect(api.watches).toHaveLength(3);
    expect(errors.map(String)).toEqual(["WatchGivenUp: the watch was silent for 120000 ms"]);
  });

  it("keeps a watch that has bookmarks until its own timeout is well over", async () => {
    const api = scriptedApi();
    const { clock } = await start(api);
    const timeout = Number(lastWatch(api).query["timeoutSeconds"]);

    for (let minute = 1; minute < 20 && api.watches.length === 1; minute += 1) {
      lastWatch(api).send({ type: "BOOKMARK", object: { metadata: { resourceVersion: String(200 + minute) } } });
      await pass(clock, 60_000, 5000);
    }

    expect(api.watches).toHaveLength(2);
    expect(clock.monotonic()).toBeGreaterThanOrEqual((timeout + 30) * 1000);
    expect(clock.monotonic()).toBeLessThanOrEqual((timeout + 30 + 65) * 1000);
  });

  it("does not run hot when a server ends every watch at once, with or without events (K5, K6)", async () => {
    for (const withEvents of [false, true]) {
      const api = scriptedApi();
      const { clock } = await start(api);
      let seen = 0;
      for (let tick = 0; tick < 600; tick += 1) {
        for (const watch of api.watches.slice(seen)) {
          if (withEvents) watch.send({ type: "BOOKMARK", object: { metadata: { resourceVersion: "300" } } });
          watch.end();
        }
        seen = api.watches.length;
        await pass(clock, 100, 100);
      }
      // A minute: never more than one try a second, and with events (progress) hardly less than one in two.
      expect(api.watches.length).toBeLessThanOrEqual(61);
      expect(api.watches.length).toBeGreaterThan(withEvents ? 25 : 4);
      expect(lists(api)).toBe(1);
    }
  });

  it("shows nothing of an object that it can no longer read, rather than its state of before", async () => {
    const api = scriptedApi();
    api.put(nodes, node("a"));
    const { store, errors } = await start(api, {
      project: (object) => {
        if (object.metadata.resourceVersion === "200") throw new Error("cannot read this version");
        return object.metadata.name;
      },
    });
    expect(store.keys()).toEqual(["a"]);

    lastWatch(api).send({ type: "MODIFIED", object: node("a", "200") });
    await settle();

    expect(store.keys()).toEqual([]);
    expect(errors).toHaveLength(1);
  });

  it("survives a projection that throws, a listener that throws and an event that is not an object", async () => {
    const api = scriptedApi();
    api.put(nodes, node("good"));
    api.put(nodes, node("poison"));
    const { clock, store, errors } = await start(api, {
      project: (object) => {
        if (object.metadata.name === "poison") throw new Error("cannot read this one");
        return object.metadata.name;
      },
    });
    store.onChange(() => {
      throw new Error("bad listener");
    });

    expect(store.keys()).toEqual(["good"]);
    expect(errors).toHaveLength(1);
    lastWatch(api).send({ type: "ADDED", object: null });
    await pass(clock, 3000);
    lastWatch(api).send({ type: "ADDED", object: node("later", "300") });
    await settle();
    expect(store.keys()).toEqual(["good", "later"]);
  });

  it("survives an error listener that throws", async () => {
    const api = scriptedApi();
    const { clock, reflector } = await start(api, {
      onError: () => {
        throw new Error("bad listener");
      },
    });

    lastWatch(api).cut();
    await pass(clock, 3000);

    expect(api.watches).toHaveLength(2);
    expect(reflector.isSynced()).toBe(true);
  });

  it("drops objects that the projection does not want", async () => {
    const api = scriptedApi();
    api.put(nodes, node("a"));
    const { store } = await start(api, { project: (o) => (o.metadata.labels === undefined ? "kept" : undefined) });

    lastWatch(api).send({
      type: "MODIFIED",
      object: { metadata: { ...node("a", "200").metadata, labels: { x: "y" } } },
    });
    await settle();

    expect(store.size).toBe(0);
  });

  it("reads the initial state as a stream, and forgets nothing before its end is marked", async () => {
    const api = scriptedApi();
    const { reflector, store } = await start(api, { watchList: true });
    const watch = lastWatch(api);
    expect(watch.query).toMatchObject({ sendInitialEvents: "true", resourceVersionMatch: "NotOlderThan" });
    expect(watch.query["resourceVersion"]).toBeUndefined();

    watch.send({ type: "ADDED", object: node("a", "5") });
    watch.send({ type: "BOOKMARK", object: { metadata: { resourceVersion: "6" } } });
    await settle();
    expect(reflector.isSynced()).toBe(false);
    watch.send({
      type: "BOOKMARK",
      object: { metadata: { resourceVersion: "9", annotations: { "k8s.io/initial-events-end": "true" } } },
    });
    await settle();

    expect(reflector.isSynced()).toBe(true);
    expect(reflector.resourceVersion()).toBe("9");
    expect(store.keys()).toEqual(["a"]);
    expect(lists(api)).toBe(0);
  });

  it("falls back to lists where the server does not stream them", async () => {
    const api = scriptedApi();
    api.put(nodes, node("a"));
    api.watchScript = (query) =>
      query["sendInitialEvents"] === undefined ? undefined : new ApiError(422, { reason: "Invalid" });

    const { clock, reflector } = await start(api, { watchList: true });
    await pass(clock, 3000);

    expect(reflector.isSynced()).toBe(true);
    expect(lists(api)).toBe(1);
    expect(lastWatch(api).query["sendInitialEvents"]).toBeUndefined();
  });

  it("stops for good, also before it was synced", async () => {
    const api = scriptedApi();
    api.script = () => new TransportError("connection", "notSent", "ECONNREFUSED");
    const { clock, reflector } = await start(api);

    await reflector.stop();
    const requests = api.requests.length;
    await pass(clock, 60_000, 1000);

    expect(await reflector.synced).toBe(false);
    expect(api.requests.length).toBe(requests);
  });
});
