// What deletion, ownership and eviction mean.
import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../../controller/kube/port.ts";
import { CONFIGMAPS, MERGE, PODS, pod, setting } from "./support.ts";
import type { Setting } from "./support.ts";

const PDBS = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";

async function owned({ ok }: Setting, name: string, owner: KubeObject, extra: object = {}): Promise<KubeObject> {
  const reference = {
    apiVersion: "v1",
    kind: "ConfigMap",
    name: owner.metadata.name,
    uid: owner.metadata.uid,
    ...extra,
  };
  return ok("POST", CONFIGMAPS, { metadata: { name, ownerReferences: [reference] } });
}

describe("owner references", () => {
  it("take dependents along in the background, level by level, as the collector's user", async () => {
    const place = setting();
    const top = await place.ok("POST", CONFIGMAPS, { metadata: { name: "top" } });
    const middle = await owned(place, "middle", top);
    await owned(place, "leaf", middle);
    await place.ok("DELETE", `${CONFIGMAPS}/top`);

    const gone = place.server.store.history().filter((version) => version.type === "DELETED");
    expect(gone.map((version) => version.object.metadata.name)).toEqual(["top", "middle", "leaf"]);
    expect(gone.at(-1)?.user).toBe("system:serviceaccount:kube-system:generic-garbage-collector");
  });

  it("let dependents go when orphaned, and keep those that another owner still holds", async () => {
    const place = setting();
    const one = await place.ok("POST", CONFIGMAPS, { metadata: { name: "one" } });
    const two = await place.ok("POST", CONFIGMAPS, { metadata: { name: "two" } });
    await owned(place, "alone", one);
    const both = [one, two].map((owner) => ({
      apiVersion: "v1",
      kind: "ConfigMap",
      name: owner.metadata.name,
      uid: owner.metadata.uid,
    }));
    await place.ok("POST", CONFIGMAPS, { metadata: { name: "shared", ownerReferences: both } });
    await place.ok("DELETE", `${CONFIGMAPS}/two`);
    const shared = await place.ok("GET", `${CONFIGMAPS}/shared`);
    expect(shared.metadata.ownerReferences?.map((owner) => owner.name)).toEqual(["one"]);

    await place.ok("DELETE", `${CONFIGMAPS}/one`, { propagationPolicy: "Orphan" });
    expect((await place.ok("GET", `${CONFIGMAPS}/alone`)).metadata.ownerReferences).toBeUndefined();
    expect((await place.send("GET", `${CONFIGMAPS}/one`)).status).toBe(404);
  });

  it("keep a foreground owner until the dependents that block it are gone", async () => {
    const place = setting();
    const owner = await place.ok("POST", CONFIGMAPS, { metadata: { name: "owner" } });
    const held = await owned(place, "held", owner, { blockOwnerDeletion: true });
    await place.ok("PATCH", `${CONFIGMAPS}/held`, { metadata: { finalizers: ["x.dev/hold"] } }, MERGE);
    await place.ok("DELETE", `${CONFIGMAPS}/owner`, { propagationPolicy: "Foreground" });
    expect((await place.ok("GET", `${CONFIGMAPS}/owner`)).metadata.finalizers).toEqual(["foregroundDeletion"]);
    expect((await place.ok("GET", `${CONFIGMAPS}/held`)).metadata.uid).toBe(held.metadata.uid);

    await place.ok("PATCH", `${CONFIGMAPS}/held`, { metadata: { finalizers: null } }, MERGE);
    expect((await place.send("GET", `${CONFIGMAPS}/held`)).status).toBe(404);
    expect((await place.send("GET", `${CONFIGMAPS}/owner`)).status).toBe(404);
  });
});

describe("deletion", () => {
  it("gives a pod on a node its grace period and waits for its kubelet", async () => {
    const { ok, send } = setting();
    await ok("POST", PODS, pod("p"));
    await ok("POST", PODS, { metadata: { name: "waiting" }, spec: { containers: [{ name: "c", image: "a" }] } });
    const marked = await ok("DELETE", `${PODS}/p`);
    await ok("DELETE", `${PODS}/waiting`);

    expect(marked.metadata.deletionTimestamp).toBe("2026-03-01T12:00:30Z");
    expect((await send("GET", `${PODS}/waiting`)).status).toBe(404);
    expect((await ok("DELETE", `${PODS}/p`)).metadata.resourceVersion).toBe(marked.metadata.resourceVersion);
    await ok("DELETE", `${PODS}/p`, { gracePeriodSeconds: 0 });
    expect((await send("GET", `${PODS}/p`)).status).toBe(404);
  });

  it("keeps a terminating namespace until its last finalizer is gone, and takes nothing new meanwhile", async () => {
    const { ok, send } = setting();
    await ok("POST", "/api/v1/namespaces", { metadata: { name: "team" } });
    const inTeam = "/api/v1/namespaces/team/configmaps";
    await ok("POST", inTeam, { metadata: { name: "held", finalizers: ["x.dev/hold"] } });
    await ok("POST", inTeam, { metadata: { name: "free" } });
    const terminating = await ok("DELETE", "/api/v1/namespaces/team");
    expect(terminating.status).toEqual({ phase: "Terminating" });
    expect((await send("GET", `${inTeam}/free`)).status).toBe(404);
    expect((await send("POST", inTeam, { metadata: { name: "new" } })).status).toBe(403);

    await ok("PATCH", `${inTeam}/held`, { metadata: { finalizers: [] } }, MERGE);
    expect((await send("GET", "/api/v1/namespaces/team")).status).toBe(404);
  });
});

describe("eviction", () => {
  const ready = { status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] } };
  const evict = (name: string, extra: object = {}): unknown => ({
    apiVersion: "policy/v1",
    kind: "Eviction",
    metadata: { name },
    ...extra,
  });

  async function guarded(place: Setting, status: object, spec: object = {}): Promise<void> {
    for (const name of ["a", "b"]) {
      await place.ok("POST", PODS, pod(name, { app: "web" }));
      await place.ok("PATCH", `${PODS}/${name}/status`, ready, MERGE);
    }
    await place.ok("POST", PDBS, {
      metadata: { name: "web" },
      spec: { minAvailable: 1, selector: { matchLabels: { app: "web" } }, ...spec },
    });
    await place.ok(
      "PATCH",
      `${PDBS}/web/status`,
      { status: { observedGeneration: 1, expectedPods: 2, ...status } },
      MERGE,
    );
  }

  it("spends the budget once: the second pod waits for the disruption controller", async () => {
    const place = setting();
    await guarded(place, { disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1 });
    expect((await place.send("POST", `${PODS}/a/eviction`, evict("a"))).status).toBe(201);
    expect((await place.send("POST", `${PODS}/b/eviction`, evict("b"))).status).toBe(429);

    const budget = (await place.ok("GET", `${PDBS}/web`)) as unknown as { status: unknown };
    expect(budget.status).toMatchObject({ disruptionsAllowed: 0, disruptedPods: { a: "2026-03-01T12:00:00Z" } });
  });

  it("asks to come back while the budget's status is older than its spec", async () => {
    const place = setting();
    await guarded(place, { observedGeneration: 0, disruptionsAllowed: 1 });
    const answer = await place.send("POST", `${PODS}/a/eviction`, evict("a"));

    expect(answer).toMatchObject({
      status: 429,
      headers: { "retry-after": "10" },
      body: { details: { retryAfterSeconds: 10 } },
    });
  });

  it("changes nothing in a dry run, and lets pods that are not ready go when the policy says so", async () => {
    const place = setting();
    await guarded(
      place,
      { disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1 },
      { unhealthyPodEvictionPolicy: "AlwaysAllow" },
    );
    const before = place.server.store.revision();
    expect(
      (await place.send("POST", `${PODS}/a/eviction`, evict("a", { deleteOptions: { dryRun: ["All"] } }))).status,
    ).toBe(201);
    expect(place.server.store.revision()).toBe(before);

    await place.ok("PATCH", `${PDBS}/web/status`, { status: { disruptionsAllowed: 0 } }, MERGE);
    expect((await place.send("POST", `${PODS}/a/eviction`, evict("a"))).status).toBe(429);
    await place.ok(
      "PATCH",
      `${PODS}/a/status`,
      { status: { conditions: [{ type: "Ready", status: "False" }] } },
      MERGE,
    );
    expect((await place.send("POST", `${PODS}/a/eviction`, evict("a"))).status).toBe(201);
  });
});

describe("binding", () => {
  it("puts a pod on a node once", async () => {
    const { ok, send } = setting();
    await ok("POST", PODS, { metadata: { name: "p" }, spec: { containers: [{ name: "c", image: "a" }] } });
    const binding = {
      apiVersion: "v1",
      kind: "Binding",
      metadata: { name: "p" },
      target: { kind: "Node", name: "n1" },
    };
    expect((await send("POST", `${PODS}/p/binding`, binding)).status).toBe(201);
    expect((await send("POST", `${PODS}/p/binding`, binding)).status).toBe(409);

    const bound = (await ok("GET", `${PODS}/p`)) as unknown as { spec: { nodeName: string }; status: unknown };
    expect(bound.spec.nodeName).toBe("n1");
    expect(bound.status).toMatchObject({ conditions: [{ type: "PodScheduled", status: "True" }] });
  });
});

it("keeps a pod's log as the kubelet sent it", async () => {
  const { ok, send } = setting();
  await ok("POST", PODS, pod("p"));
  await ok("PUT", "/sandbox/v1/namespaces/default/pods/p/log", "one\n", { contentType: "text/plain" });
  await ok("POST", "/sandbox/v1/namespaces/default/pods/p/log", "two\n", { contentType: "text/plain" });

  expect((await send("GET", `${PODS}/p/log`)).body).toBe("one\ntwo\n");
  expect((await send("GET", `${PODS}/p/log`, undefined, { query: { limitBytes: "3" } })).body).toBe("one");
});
