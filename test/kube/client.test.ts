import { describe, expect, it } from "vitest";
import { manualClock } from "../../controller/clock.ts";
import {
  isAlreadyExists,
  isConflict,
  isGone,
  isOutcomeUnknown,
  isPatchTestFailure,
  isPdbRefusal,
  isTooManyRequests,
  toApiError,
} from "../../controller/kube/api-errors.ts";
import { createClient } from "../../controller/kube/client.ts";
import { createLimiter } from "../../controller/kube/limiter.ts";
import { createOutdated } from "../../controller/kube/outdated.ts";
import { ApiError, type ApiResponse, type KubeObject, TransportError } from "../../controller/kube/port.ts";
import {
  DEPLOYMENTS,
  NODES,
  PODS,
  RESOURCES,
  WORKLOAD_PATCH_STATES,
  apiVersionOf,
  collectionPath,
  findResource,
  objectPath,
} from "../../controller/kube/resources.ts";
import { answer, refusal, scriptedApi, settle } from "./support.ts";

function setup() {
  const api = scriptedApi();
  const clock = manualClock(0);
  return { api, clock, client: createClient(api, { fieldManager: "ringward", clock }) };
}

describe("resources", () => {
  it("have the paths that the API server serves", () => {
    expect(collectionPath(NODES)).toBe("/api/v1/nodes");
    expect(collectionPath(DEPLOYMENTS)).toBe("/apis/apps/v1/deployments");
    expect(objectPath(PODS, { name: "p", namespace: "a" }, "eviction")).toBe("/api/v1/namespaces/a/pods/p/eviction");
    expect(objectPath(WORKLOAD_PATCH_STATES, { name: "w", namespace: "a" }, "status")).toBe(
      "/apis/ringward.dev/v1alpha1/namespaces/a/workloadpatchstates/w/status",
    );
  });

  it("refuse a missing name or namespace, and never let a name leave its segment", () => {
    expect(() => objectPath(PODS, { name: "p" })).toThrow(/no namespace/);
    expect(() => objectPath(NODES, { name: "" })).toThrow(/without a name/);
    expect(() => collectionPath(NODES, "a")).toThrow(/not namespaced/);
    expect(objectPath(NODES, { name: "../x?y" })).toBe("/api/v1/nodes/..%2Fx%3Fy");
  });

  it("are found by what objects say of themselves, each exactly once", () => {
    for (const resource of RESOURCES) expect(findResource(apiVersionOf(resource), resource.kind)).toBe(resource);
    expect(findResource("v1", "Secret")).toBeUndefined();
  });
});

describe("an object that a late cache shows", () => {
  const PATH = "/api/v1/nodes/n";
  const at = (resourceVersion: string): KubeObject => ({ metadata: { name: "n", uid: "u", resourceVersion } });

  function setupNode() {
    const bench = setup();
    return { ...bench, sent: () => bench.api.requests.length };
  }

  it("is not written again after our own write of it", async () => {
    const { api, client, sent } = setupNode();
    api.script = () => answer(200, at("8"));
    await client.updateStatus(NODES, at("7"));

    await expect(client.updateStatus(NODES, at("7"))).rejects.toSatisfy(isConflict);
    await expect(client.update(NODES, at("7"))).rejects.toThrow(/no longer at version 7/);

    expect(sent()).toBe(1);
    await client.updateStatus(NODES, at("8"));
    expect(sent()).toBe(2);
  });

  const listOf = (...items: readonly KubeObject[]): ApiResponse =>
    answer(200, { metadata: { resourceVersion: "9" }, items });

  it("is not written again after a conflict that a look at it confirms, until some minutes have passed", async () => {
    const { api, clock, client } = setupNode();
    const puts = () => api.requests.filter(({ method }) => method === "PUT").length;
    api.script = ({ method }) => (method === "PUT" ? refusal(409, "Conflict") : listOf(at("8")));
    await expect(client.updateStatus(NODES, at("7"))).rejects.toSatisfy(isConflict);
    await expect(client.updateStatus(NODES, at("7"))).rejects.toSatisfy(isConflict);
    expect(puts()).toBe(1);
    expect(api.requests[1]?.query).toMatchObject({ fieldSelector: "metadata.name=n" });

    // etcd was restored from a backup, say: what was over may be true again.
    clock.advance(300_001);
    api.script = () => answer(200, at("8"));
    await client.updateStatus(NODES, at("7"));

    expect(puts()).toBe(2);
  });

  it.each<[string, ApiResponse, number]>([
    ["it still stands at that version", listOf({ metadata: { name: "n", resourceVersion: "7" } }), 2],
    ["it could not be looked at", refusal(503, "ServiceUnavailable"), 2],
    ["it is gone", listOf(), 1],
  ])("is written again, or not, after a conflict when %s", async (_what, read, times) => {
    const { api, client } = setupNode();
    api.script = ({ method }) => (method === "PUT" ? refusal(409, "Conflict") : read);

    await expect(client.updateStatus(NODES, at("7"))).rejects.toSatisfy(isConflict);
    await expect(client.updateStatus(NODES, at("7"))).rejects.toSatisfy(isConflict);

    expect(api.requests.filter(({ method }) => method === "PUT")).toHaveLength(times);
  });

  it("is written again where nothing came of it: a dry run, no change, a request that was not sent, another refusal", async () => {
    const { api, client, sent } = setupNode();
    const answers = [
      answer(200, at("8")),
      answer(200, at("7")),
      new TransportError("connection", "notSent", "refused"),
      refusal(422, "Invalid"),
      answer(200, at("8")),
    ];
    api.script = () => answers[sent() - 1];

    await client.updateStatus(NODES, at("7"), { dryRun: true });
    await client.updateStatus(NODES, at("7"));
    await expect(client.updateStatus(NODES, at("7"))).rejects.toThrow(/refused/);
    await expect(client.updateStatus(NODES, at("7"))).rejects.toThrow(/Invalid/);
    await client.updateStatus(NODES, at("7"));

    expect(api.requests.map(({ path }) => path)).toEqual(Array.from({ length: 5 }, () => `${PATH}/status`));
  });

  describe("and whose last write nobody heard of", () => {
    async function setupDoubt(look: ApiResponse, lost: ApiResponse | Error) {
      const bench = setupNode();
      bench.api.script = () => lost;
      await expect(bench.client.updateStatus(NODES, at("7"))).rejects.toSatisfy(isOutcomeUnknown);
      bench.api.script = ({ method }) => (method === "PUT" ? answer(200, at("9")) : look);
      return { ...bench, methods: () => bench.api.requests.map(({ method }) => method) };
    }

    it.each([
      ["a connection that broke", new TransportError("connection", "unknown", "reset")],
      ["a server that gave up", refusal(504, "Timeout")],
    ])("is looked at before it is written again, after %s: it was written then", async (_what, lost) => {
      const { client, methods } = await setupDoubt(listOf(at("8")), lost);

      await expect(client.updateStatus(NODES, at("7"))).rejects.toSatisfy(isConflict);
      await expect(client.updateStatus(NODES, at("7"))).rejects.toSatisfy(isConflict);

      expect(methods()).toEqual(["PUT", "GET"]);
    });

    it("is written where that had not been, and looked at once", async () => {
      const lost = new TransportError("timeout", "unknown", "late");
      const { api, client, methods } = await setupDoubt(listOf(at("7")), lost);
      const look = api.script;
      api.script = (request) => (request.method === "PUT" ? refusal(422, "Invalid") : look?.(request));

      await expect(client.updateStatus(NODES, at("7"))).rejects.toThrow(/Invalid/);
      await expect(client.updateStatus(NODES, at("7"))).rejects.toThrow(/Invalid/);

      expect(methods()).toEqual(["PUT", "GET", "PUT", "PUT"]);
    });

    it("is not written while it cannot be looked at, nor without need when a newer one is shown", async () => {
      const lost = new TransportError("connection", "unknown", "reset");
      const { client, methods } = await setupDoubt(refusal(500, "InternalError"), lost);

      await expect(client.updateStatus(NODES, at("7"))).rejects.toThrow(/InternalError/);
      await client.updateStatus(NODES, at("8"));

      expect(methods()).toEqual(["PUT", "GET", "PUT"]);
    });
  });

  it("is remembered by a few versions, and forgotten in the end", () => {
    const clock = manualClock(0);
    const outdated = createOutdated(clock);
    for (let version = 1; version <= 20; version += 1) outdated.note("a", String(version));
    expect(() => outdated.refuse("a", "20")).toThrow(/not sent/);
    expect(() => outdated.refuse("a", "1")).not.toThrow();

    clock.advance(200_000);
    outdated.note("b", "1");
    clock.advance(200_000);

    expect(() => outdated.refuse("a", "20")).not.toThrow();
    expect(() => outdated.refuse("b", "1")).toThrow(/not sent/);
    expect(outdated.size).toBe(1);
  });
});

describe("client", () => {
  it("answers undefined for an object that is not there, and throws other refusals", async () => {
    const { api, client } = setup();

    expect(await client.get(NODES, { name: "n" })).toBeUndefined();
    api.script = () => refusal(403, "Forbidden");

    await expect(client.get(NODES, { name: "n" })).rejects.toMatchObject({ code: 403, reason: "Forbidden" });
  });

  it("lists all pages, with kind and version on each item, over an expired token", async () => {
    const { api, client } = setup();
    for (let n = 0; n < 7; n += 1) api.put("/api/v1/nodes", { metadata: { name: `n${n}` } });
    let expired = 1;
    api.script = (request) =>
      request.query?.["continue"] === "4" && expired-- > 0 ? refusal(410, "Expired") : undefined;

    const { items, resourceVersion } = await client.list(NODES, {}, { pageSize: 2 });

    expect(items.map((item) => item.metadata.name)).toEqual(["n0", "n1", "n2", "n3", "n4", "n5", "n6"]);
    expect(items[0]).toMatchObject({ apiVersion: "v1", kind: "Node" });
    expect(resourceVersion).toBe("107");
  });

  it("gives up a list that expires again and again", async () => {
    const { api, client } = setup();
    for (let n = 0; n < 4; n += 1) api.put("/api/v1/nodes", { metadata: { name: `n${n}` } });
    api.script = (request) => (request.query?.["continue"] === undefined ? undefined : refusal(410, "Expired"));

    const error = await client.list(NODES, {}, { pageSize: 2 }).catch((thrown: unknown) => thrown);

    expect(isGone(error)).toBe(true);
    expect(api.requests).toHaveLength(8);
  });

  it("waits for Retry-After on reads, a few times only", async () => {
    const { api, clock, client } = setup();
    api.put("/api/v1/nodes", { metadata: { name: "n" } });
    let refusals = 2;
    api.script = () =>
      refusals-- > 0 ? refusal(429, "TooManyRequests", { details: { retryAfterSeconds: 2 } }) : undefined;

    const reading = client.get(NODES, { name: "n" });
    await settle();
    expect(api.requests).toHaveLength(1);
    clock.advance(2000);
    await settle();
    clock.advance(2000);
    expect((await reading)?.metadata.name).toBe("n");
    expect(api.requests).toHaveLength(3);

    refusals = 100;
    const failing = client.get(NODES, { name: "n" }).catch((error: unknown) => error);
    for (let n = 0; n < 10; n += 1) {
      await settle();
      clock.advance(2000);
    }
    expect(await failing).toMatchObject({ code: 429, retryAfterMs: 2000 });
    expect(api.requests).toHaveLength(7);
  });

  it("holds every call back as long as a server under load says, and none for a disruption budget (K6)", async () => {
    const { api, clock } = setup();
    const limiter = createLimiter({ perSecond: 1000, burst: 100, clock });
    const waits: number[] = [];
    const client = createClient(api, {
      fieldManager: "ringward",
      clock,
      limiter,
      onLimited: (_, waitedMs) => waits.push(waitedMs),
    });
    const write = (): Promise<unknown> => client.create(NODES, { metadata: { name: `n${api.requests.length}` } });
    const causes = [{ reason: "DisruptionBudget" }];
    api.script = () => refusal(429, "TooManyRequests", { details: { retryAfterSeconds: 10, causes } });
    await expect(client.evict({ name: "p", namespace: "a" }, { uid: "u" })).rejects.toMatchObject({ code: 429 });
    api.script = () => refusal(429, "TooManyRequests", { details: { retryAfterSeconds: 3 } });
    await expect(write()).rejects.toMatchObject({ code: 429 });
    expect(api.requests).toHaveLength(2);

    api.script = () => undefined;
    const writing = write();
    const reading = client.get(NODES, { name: "n" });
    clock.advance(2_999);
    await settle();
    expect(api.requests).toHaveLength(2);
    clock.advance(1);
    await writing;
    clock.advance(1);
    await reading;

    expect(waits).toEqual([0, 0, 3000, 3001]);
  });

  it("never repeats a write", async () => {
    const { api, client } = setup();
    const object = { metadata: { name: "n", resourceVersion: "1" } };
    const writes = [
      () => client.create(NODES, object),
      () => client.update(NODES, object),
      () => client.updateStatus(NODES, object),
      () => client.patch(NODES, object.metadata, { type: "merge", body: {} }),
      () => client.apply(NODES, object),
      () => client.delete(NODES, object.metadata, { uid: "u" }),
      () => client.evict({ name: "p", namespace: "a" }, { uid: "u" }),
    ];
    api.script = () => refusal(503, "ServiceUnavailable", { details: { retryAfterSeconds: 1 } });
    for (const write of writes) await expect(write()).rejects.toMatchObject({ code: 503, retryAfterMs: 1000 });
    api.script = () => new TransportError("connection", "unknown", "reply lost");
    for (const write of writes) await expect(write()).rejects.toMatchObject({ outcome: "unknown" });

    expect(api.requests).toHaveLength(2 * writes.length);
  });

  it("sends each kind of write as the API wants it", async () => {
    const { api, client } = setup();
    api.script = () => answer(200, {});
    const pod = { name: "p", namespace: "a" };

    await client.patch(PODS, pod, { type: "json", body: [{ op: "test", path: "/metadata/uid", value: "u" }] });
    await client.patch(PODS, pod, { type: "strategic", body: { spec: {} } }, { subresource: "status", dryRun: true });
    const managedFields = [{ manager: "someone" }];
    await client.apply(PODS, { metadata: { ...pod, managedFields } }, { force: true, fieldManager: "git" });
    await client.delete(PODS, pod, { uid: "u", propagationPolicy: "Background" });
    await client.evict(pod, { uid: "u", gracePeriodSeconds: 5 });
    await client.updateStatus(PODS, { metadata: { ...pod, resourceVersion: "7" } });

    expect(api.requests.map(({ method, path, contentType }) => [method, path, contentType])).toEqual([
      ["PATCH", "/api/v1/namespaces/a/pods/p", "application/json-patch+json"],
      ["PATCH", "/api/v1/namespaces/a/pods/p/status", "application/strategic-merge-patch+json"],
      ["PATCH", "/api/v1/namespaces/a/pods/p", "application/apply-patch+yaml"],
      ["DELETE", "/api/v1/namespaces/a/pods/p", undefined],
      ["POST", "/api/v1/namespaces/a/pods/p/eviction", undefined],
      ["PUT", "/api/v1/namespaces/a/pods/p/status", undefined],
    ]);
    const [json, strategic, applied, deleted, evicted] = api.requests;
    expect(json?.query).toMatchObject({ fieldManager: "ringward" });
    expect(strategic?.query).toMatchObject({ fieldManager: "ringward", dryRun: "All" });
    expect(applied?.query).toMatchObject({ fieldManager: "git", force: "true" });
    expect(applied?.body).toEqual({ apiVersion: "v1", kind: "Pod", metadata: pod });
    expect(deleted?.body).toMatchObject({ preconditions: { uid: "u" }, propagationPolicy: "Background" });
    expect(evicted?.body).toEqual({
      apiVersion: "policy/v1",
      kind: "Eviction",
      metadata: pod,
      deleteOptions: { preconditions: { uid: "u" }, gracePeriodSeconds: 5 },
    });
  });

  it("does not update without the version that it was based on", async () => {
    const { api, client } = setup();

    await expect(client.update(NODES, { metadata: { name: "n" } })).rejects.toThrow(/resourceVersion/);

    expect(api.requests).toHaveLength(0);
  });
});

describe("refusals", () => {
  it("are told apart as callers need it", () => {
    const pdb = toApiError(
      refusal(429, "TooManyRequests", { details: { causes: [{ reason: "DisruptionBudget", message: "web" }] } }),
    );
    const load = toApiError({ ...refusal(429, "TooManyRequests"), headers: { "retry-after": "3" } });
    expect([isPdbRefusal(pdb), isPdbRefusal(load)]).toEqual([true, false]);
    expect([isTooManyRequests(pdb), isTooManyRequests(load)]).toEqual([true, true]);
    expect([pdb.retryAfterMs, load.retryAfterMs]).toEqual([undefined, 3000]);
    const [exists, conflict] = [toApiError(refusal(409, "AlreadyExists")), toApiError(refusal(409, "Conflict"))];
    expect([isAlreadyExists(exists), isConflict(exists)]).toEqual([true, false]);
    expect([isAlreadyExists(conflict), isConflict(conflict)]).toEqual([false, true]);
    const test = toApiError(refusal(422, "Invalid", { details: {} }));
    const invalid = toApiError(refusal(422, "Invalid", { details: { kind: "Node", causes: [{ field: "spec" }] } }));
    expect([isPatchTestFailure(test), isPatchTestFailure(invalid)]).toEqual([true, false]);
  });

  it("say whether the write may have happened", () => {
    expect(isOutcomeUnknown(new TransportError("connection", "notSent", ""))).toBe(false);
    expect(isOutcomeUnknown(new TransportError("timeout", "unknown", ""))).toBe(true);
    expect(isOutcomeUnknown(new ApiError(409, {}))).toBe(false);
    expect(isOutcomeUnknown(new ApiError(500, {}))).toBe(true);
    expect(isOutcomeUnknown(new Error("anything else"))).toBe(true);
  });

  it("keep a proxy's page short and guess no reason that was not said", () => {
    const error = toApiError(answer(502, `<html>${"x".repeat(5000)}`));

    expect(error.message.length).toBeLessThan(300);
    expect(error.reason).toBe("Unknown");
    expect(error.retryAfterMs).toBeUndefined();
  });
});
