// The contract of ApiPort, for both of its implementations, and what only the pair of them can show.
import { afterEach, describe, expect, it } from "vitest";
import { manualClock, seededRandom, systemClock } from "../../controller/clock.ts";
import { createClient } from "../../controller/kube/client.ts";
import { createEventRecorder } from "../../controller/kube/events.ts";
import { startLeaderElection } from "../../controller/kube/lease.ts";
import { isConflict, isPatchTestFailure, isPdbRefusal } from "../../controller/kube/api-errors.ts";
import type { KubeObject } from "../../controller/kube/port.ts";
import { startReflector } from "../../controller/kube/reflector.ts";
import {
  CONFIG_MAPS,
  DEPLOYMENTS,
  EVENTS,
  NAMESPACES,
  NODES,
  PODS,
  POD_DISRUPTION_BUDGETS,
} from "../../controller/kube/resources.ts";
import { createStore } from "../../controller/kube/store.ts";
import { createTransport } from "../../controller/kube/transport.ts";
import { createApiServer } from "../../controller/sandbox/apiserver/index.ts";
import { describeApiPort } from "./api-port.contract.ts";
import { settle, until } from "./support.ts";

function server() {
  return createApiServer({ clock: systemClock, random: seededRandom(1) });
}

const cleanup: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of cleanup.splice(0).reverse()) await close();
});

/** The sandbox's API server, and our transport to it over HTTP. */
async function overHttp() {
  const api = server();
  const listening = await api.listen({ host: "127.0.0.1" });
  const kubeconfig = api.kubeconfig(listening.url);
  const port = createTransport({ kubeconfig, clock: systemClock, userAgent: "ringward/test" });
  const close = async (): Promise<void> => {
    await port.close();
    await listening.close();
  };
  return { api, port, close };
}

describeApiPort("sandbox in process", () => Promise.resolve({ port: server(), close: () => Promise.resolve() }));
describeApiPort("transport to the sandbox over HTTP", overHttp);

async function open() {
  const opened = await overHttp();
  cleanup.push(opened.close);
  const client = createClient(opened.port, { fieldManager: "ringward", clock: systemClock });
  await client.create(NAMESPACES, { metadata: { name: "a" } });
  return { ...opened, client };
}

function caught(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

interface ConfigMap extends KubeObject {
  data?: Record<string, string>;
}

const pod = (name: string) => ({
  metadata: { name, namespace: "a", labels: { app: "web" } },
  spec: { nodeName: "n1", containers: [{ name: "c", image: "registry.example.com/app:1" }] },
});

describe("client against the sandbox", () => {
  it("creates, reads, updates under a version, patches, applies and deletes", async () => {
    const { client } = await open();
    const ref = { name: "m", namespace: "a" };
    const created = await client.create<ConfigMap>(CONFIG_MAPS, { metadata: ref, data: { x: "1" } });
    const updated = await client.update(CONFIG_MAPS, { ...created, data: { x: "2" } });

    expect(isConflict(await caught(client.update(CONFIG_MAPS, { ...created, data: {} })))).toBe(true);
    expect(updated.metadata.uid).toBe(created.metadata.uid);
    await client.patch(CONFIG_MAPS, ref, { type: "merge", body: { data: { y: "3" } } });
    expect(await client.get(CONFIG_MAPS, ref)).toMatchObject({ data: { x: "2", y: "3" } });
    const stale = client.patch(CONFIG_MAPS, ref, {
      type: "json",
      body: [
        { op: "test", path: "/metadata/resourceVersion", value: "1" },
        { op: "remove", path: "/data/x" },
      ],
    });
    expect(isPatchTestFailure(await caught(stale))).toBe(true);

    const uid = String(created.metadata.uid);
    expect(isConflict(await caught(client.delete(CONFIG_MAPS, ref, { uid: "another" })))).toBe(true);
    await client.delete(CONFIG_MAPS, ref, { uid });
    expect(await client.get(CONFIG_MAPS, ref)).toBeUndefined();
  });

  it("applies server-side: another manager's field is a conflict, unless forced", async () => {
    const { client } = await open();
    const deployment = (replicas: number) => ({
      metadata: { name: "d", namespace: "a" },
      spec: {
        replicas,
        selector: { matchLabels: { app: "d" } },
        template: { metadata: { labels: { app: "d" } }, spec: { containers: [{ name: "c", image: "i:1" }] } },
      },
    });
    await client.apply(DEPLOYMENTS, deployment(1));

    const contested = client.apply(DEPLOYMENTS, deployment(2), { fieldManager: "other" });
    expect(isConflict(await caught(contested))).toBe(true);
    const forced = await client.apply(DEPLOYMENTS, deployment(2), { fieldManager: "other", force: true });

    expect(forced.spec).toMatchObject({ replicas: 2 });
  });

  it("evicts exactly the pod that it looked at, and knows a disruption budget's refusal", async () => {
    const { client } = await open();
    const one = await client.create<KubeObject>(PODS, pod("one"));
    const budget = await client.create<KubeObject>(POD_DISRUPTION_BUDGETS, {
      metadata: { name: "web", namespace: "a" },
      spec: { maxUnavailable: 0, selector: { matchLabels: { app: "web" } } },
    });
    await client.updateStatus(POD_DISRUPTION_BUDGETS, {
      ...budget,
      status: {
        observedGeneration: budget.metadata.generation ?? 1,
        disruptionsAllowed: 0,
        currentHealthy: 1,
        desiredHealthy: 1,
        expectedPods: 1,
      },
    });
    await client.patch(
      PODS,
      { name: "one", namespace: "a" },
      { type: "merge", body: { status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] } } },
      { subresource: "status" },
    );

    const uid = String(one.metadata.uid);
    const ref = { name: "one", namespace: "a" };
    expect(isPdbRefusal(await caught(client.evict(ref, { uid })))).toBe(true);
    expect(isConflict(await caught(client.evict(ref, { uid: "another" })))).toBe(true);
  });

  it("reads a pod's log as text", async () => {
    const { api, client } = await open();
    await client.create(PODS, pod("one"));
    api.setPodLog("a", "one", "line 1\nline 2\n");

    expect(await client.podLog({ name: "one", namespace: "a" })).toBe("line 1\nline 2\n");
  });

  it("lists three thousand objects in pages", async () => {
    const { api, client } = await open();
    for (let n = 0; n < 3000; n += 1) {
      await api.request({
        method: "POST",
        path: "/api/v1/namespaces/a/configmaps",
        body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: `m${String(n).padStart(4, "0")}` } },
      });
    }

    const { items } = await client.list(CONFIG_MAPS, { namespace: "a" });

    expect(items.filter((item) => item.metadata.name.startsWith("m"))).toHaveLength(3000);
  });

  it("passes a lost reply on, with the write done", async () => {
    const { api, client } = await open();
    api.setFault((request) => (request.write ? "loseReply" : "none"));

    const error = await caught(client.create(NODES, { metadata: { name: "n" } }));

    expect(error).toMatchObject({ name: "TransportError", outcome: "unknown" });
    expect((await client.get(NODES, { name: "n" }))?.metadata.name).toBe("n");
  });
});

describe("reflector against the sandbox", () => {
  it.each([false, true])(
    "ends with what the server has, whatever goes wrong on the way (watch list: %s)",
    async (watchList) => {
      const { api, port, client } = await open();
      const clock = manualClock(0);
      const store = createStore<string>();
      const random = seededRandom(11);
      let faults = 0;
      api.setFault((request) => {
        // Lists and watches only: the test itself reads and writes single objects.
        if (request.method !== "GET" || !request.path.endsWith("/configmaps") || random.next() < 0.5) return "none";
        faults += 1;
        if (random.next() < 0.3) return "failBefore";
        return { status: random.next() < 0.5 ? 503 : 410 };
      });
      const reflector = startReflector({
        port,
        resource: CONFIG_MAPS,
        namespace: "a",
        clock,
        random: seededRandom(3),
        store,
        project: (object) => String(object.metadata.resourceVersion),
        pageSize: 3,
        // Shorter than a round: every round's watch is given up, so lists and watches begin again and again.
        silenceMs: 4_000,
        watchList,
      });
      cleanup.push(() => reflector.stop());

      for (let round = 0; round < 40; round += 1) {
        const name = `m${round % 7}`;
        const known = await api.request({ method: "GET", path: `/api/v1/namespaces/a/configmaps/${name}` });
        if (known.status !== 200) await caught(client.create(CONFIG_MAPS, { metadata: { name, namespace: "a" } }));
        else if (round % 3 === 0) {
          await caught(
            client.delete(CONFIG_MAPS, { name, namespace: "a" }, { resourceVersion: versionOf(known.body) }),
          );
        } else {
          const body = { metadata: { labels: { round: String(round) } } };
          await caught(client.patch(CONFIG_MAPS, { name, namespace: "a" }, { type: "merge", body }));
        }
        if (round % 10 === 9) api.store.compact(api.store.revision());
        clock.advance(5_000);
        await settle(20);
      }
      api.setFault(undefined);
      const { items } = await client.list(CONFIG_MAPS, { namespace: "a" });
      const truth = items
        .map((item) => `a/${item.metadata.name}=${item.metadata.resourceVersion}`)
        .sort((x, y) => (x < y ? -1 : 1));
      const seen = (): string[] => store.keys().map((key) => `${key}=${store.get(key)}`);
      for (let turn = 0; turn < 400 && JSON.stringify(seen()) !== JSON.stringify(truth); turn += 1) {
        clock.advance(1_000);
        await settle(20);
      }

      expect(faults).toBeGreaterThan(5);
      expect(seen()).toEqual(truth);
    },
  );

  it("does not run hot through ten minutes of 429", async () => {
    const { api, port } = await open();
    const clock = manualClock(0);
    let requests = 0;
    api.setFault(() => ({ status: 429, retryAfterSeconds: 1 }));
    const store = createStore<string>();
    api.onRequest(() => (requests += 1));
    const reflector = startReflector({
      port,
      resource: NODES,
      clock,
      random: seededRandom(5),
      store,
      project: (object) => object.metadata.name,
    });
    cleanup.push(() => reflector.stop());
    await until(() => requests === 1, "the first request");

    for (let second = 0; second < 600; second += 1) {
      clock.advance(1_000);
      await settle(4);
    }

    expect(requests).toBeGreaterThan(10);
    expect(requests).toBeLessThan(60);
    expect(reflector.isSynced()).toBe(false);
  });
});

function versionOf(body: unknown): string {
  return String((body as { metadata: { resourceVersion: string } }).metadata.resourceVersion);
}

describe("lease and events against the sandbox", () => {
  it("hands leadership from one process to the next", async () => {
    const { client } = await open();
    const clock = manualClock(Date.UTC(2026, 0, 1));
    const options = { client, namespace: "a", name: "controller", clock, random: seededRandom(1) };
    const one = startLeaderElection({ ...options, identity: "one" });
    await one.acquired();
    const two = startLeaderElection({ ...options, identity: "two" });
    cleanup.push(() => two.stop());
    await until(() => two.holder() === "one", "the second one's first look");

    await one.stop();
    clock.advance(3_000);
    await two.acquired();

    expect([one.isLeader(), two.isLeader()]).toEqual([false, true]);
    expect(two.term()).toBe(1);
  });

  it("writes events that the server takes, and their series", async () => {
    const { client } = await open();
    const errors: unknown[] = [];
    const recorder = createEventRecorder({
      client,
      clock: systemClock,
      random: seededRandom(1),
      reportingController: "ringward.dev/controller",
      reportingInstance: "ringward-0",
      onError: (error) => errors.push(error),
    });
    const regarding = { apiVersion: "v1", kind: "Node", name: "n1", uid: "u" };
    const event = { regarding, type: "Normal", reason: "Cordoned", action: "Cordon", note: "cordoned" } as const;

    recorder.record(event);
    recorder.record(event);
    await recorder.flush();

    expect(errors).toEqual([]);
    const { items } = await client.list(EVENTS, { namespace: "default" });
    expect(items).toMatchObject([{ reason: "Cordoned", regarding: { name: "n1" }, series: { count: 2 } }]);
  });
});
