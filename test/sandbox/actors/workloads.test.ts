// Workload controllers of the sandbox over its own API server: rollouts, budgets, failed rollouts, daemons, ordinals.
import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../../controller/kube/port.ts";
import type { Pod } from "../../../controller/sandbox/actors/objects.ts";
import { imageDigest } from "../../../controller/sandbox/actors/images.ts";
import { isReady } from "../../../controller/sandbox/actors/selection.ts";
import { workloadObjects } from "../../../controller/sandbox/fleet/workloads.ts";
import { createDriver } from "./cluster-driver.ts";
import type { Driver } from "./cluster-driver.ts";

const OLD = "registry.example.com/shop/nginx:1.27.1";
const NEW = "registry.example.com/shop/nginx:1.27.3";
const BROKEN = "registry.example.com/shop/nginx:1.27.2-broken";

function deployment(replicas: number, spec: object = {}): KubeObject {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", namespace: "shop" },
    spec: {
      replicas,
      selector: { matchLabels: { app: "web" } },
      template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "main", image: OLD }] } },
      ...spec,
    },
  };
}

function image(name: string): object {
  return { spec: { template: { spec: { containers: [{ name: "main", image: name }] } } } };
}

function pods(driver: Driver): readonly Pod[] {
  return driver.list("pods").filter((pod) => pod.metadata.namespace === "shop");
}

function serving(driver: Driver): number {
  return pods(driver).filter((pod) => isReady(pod) && pod.metadata.deletionTimestamp === undefined).length;
}

function condition(object: KubeObject | undefined, type: string) {
  const { conditions } = (object?.status ?? {}) as {
    conditions?: readonly { type: string; status: string; reason: string }[];
  };
  return conditions?.find((one) => one.type === type);
}

describe("a Deployment", () => {
  it("runs its replicas spread over zones and reports them", async () => {
    const driver = await createDriver({ nodes: 6, objects: [deployment(3)] });

    await driver.settle();

    const web = driver.list("deployments")[0];
    expect(web?.status).toMatchObject({
      observedGeneration: 1,
      replicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      updatedReplicas: 3,
    });
    expect(condition(web, "Available")).toMatchObject({ status: "True", reason: "MinimumReplicasAvailable" });
    expect(condition(web, "Progressing")).toMatchObject({ status: "True", reason: "NewReplicaSetAvailable" });
    const zones = pods(driver).map(
      (pod) =>
        driver.list("nodes").find(({ metadata }) => metadata.name === pod.spec.nodeName)?.metadata.labels?.[
          "topology.kubernetes.io/zone"
        ],
    );
    expect(new Set(zones).size).toBe(3);
    expect(pods(driver)[0]?.status?.containerStatuses?.[0]?.imageID).toBe(
      `registry.example.com/shop/nginx@${imageDigest(OLD)}`,
    );
  });

  it.each([
    { maxUnavailable: 1, maxSurge: 0 },
    { maxUnavailable: 0, maxSurge: 1 },
    { maxUnavailable: "50%", maxSurge: "25%" },
  ])("honours %o during a rolling update", async (rollingUpdate) => {
    const driver = await createDriver({
      nodes: 4,
      objects: [deployment(4, { strategy: { type: "RollingUpdate", rollingUpdate } })],
    });
    await driver.settle();
    await driver.patch("apps/v1", "Deployment", "web", "shop", image(NEW));
    let fewest = 4;
    let most = 0;

    await driver.until(
      () => pods(driver).every((pod) => pod.spec.containers[0]?.image === NEW) && serving(driver) === 4,
      () => {
        fewest = Math.min(fewest, serving(driver));
        most = Math.max(most, pods(driver).filter(({ metadata }) => metadata.deletionTimestamp === undefined).length);
      },
    );

    const unavailable = rollingUpdate.maxUnavailable === "50%" ? 2 : Number(rollingUpdate.maxUnavailable);
    const surge = rollingUpdate.maxSurge === "25%" ? 1 : Number(rollingUpdate.maxSurge);
    expect(fewest).toBeGreaterThanOrEqual(4 - unavailable);
    expect(most).toBeLessThanOrEqual(4 + surge);
    await driver.settle();
    expect(
      driver
        .list("replicasets")
        .map(({ spec }) => spec.replicas)
        .sort((a, b) => Number(a) - Number(b)),
    ).toEqual([0, 4]);
  });

  it("says ProgressDeadlineExceeded for an image that never gets ready, keeps serving, and recovers when it goes back", async () => {
    const driver = await createDriver({ nodes: 4, objects: [deployment(4, { progressDeadlineSeconds: 60 })] });
    await driver.settle();
    await driver.patch("apps/v1", "Deployment", "web", "shop", image(BROKEN));

    await driver.until(
      () => condition(driver.list("deployments")[0], "Progressing")?.reason === "ProgressDeadlineExceeded",
    );
    expect(serving(driver)).toBeGreaterThanOrEqual(3);

    await driver.patch("apps/v1", "Deployment", "web", "shop", image(OLD));
    await driver.settle();
    expect(serving(driver)).toBe(4);
    expect(condition(driver.list("deployments")[0], "Progressing")).toMatchObject({
      status: "True",
      reason: "NewReplicaSetAvailable",
    });
    expect(driver.list("replicasets")).toHaveLength(2);
  });

  it("takes all old pods away first when it recreates", async () => {
    const driver = await createDriver({ nodes: 3, objects: [deployment(2, { strategy: { type: "Recreate" } })] });
    await driver.settle();
    await driver.patch("apps/v1", "Deployment", "web", "shop", image(NEW));
    let mixed = false;

    await driver.until(
      () => serving(driver) === 2 && pods(driver).every((pod) => pod.spec.containers[0]?.image === NEW),
      () => (mixed ||= new Set(pods(driver).map((pod) => pod.spec.containers[0]?.image)).size > 1),
    );

    expect(mixed).toBe(false);
  });
});

describe("a StatefulSet", () => {
  const set = (spec: object = {}): KubeObject => ({
    ...deployment(3),
    kind: "StatefulSet",
    spec: { ...(deployment(3).spec as object), serviceName: "web", ...spec },
  });

  it("starts in order and updates from the highest ordinal down, one at a time", async () => {
    const driver = await createDriver({ nodes: 3, objects: [set()] });
    const started: string[] = [];
    const see = (): void =>
      pods(driver).forEach(({ metadata }) => void (started.includes(metadata.name) || started.push(metadata.name)));
    await driver.until(() => serving(driver) === 3, see);
    await driver.patch("apps/v1", "StatefulSet", "web", "shop", image(NEW));
    const updated: string[] = [];
    let fewest = 3;

    await driver.until(
      () => updated.length === 3 && serving(driver) === 3,
      () => {
        fewest = Math.min(fewest, serving(driver));
        for (const { metadata, spec } of pods(driver))
          if (spec.containers[0]?.image === NEW && !updated.includes(metadata.name)) updated.push(metadata.name);
      },
    );

    expect(started).toEqual(["web-0", "web-1", "web-2"]);
    expect(updated).toEqual(["web-2", "web-1", "web-0"]);
    expect(fewest).toBe(2);
    await driver.settle();
    const { status } = driver.list("statefulsets")[0] ?? {};
    expect(status).toMatchObject({ readyReplicas: 3, updatedReplicas: 3, observedGeneration: 2 });
    expect(status?.currentRevision).toBe(status?.updateRevision);
  });

  it("leaves pods below the partition alone, also when they are evicted", async () => {
    const driver = await createDriver({
      nodes: 3,
      objects: [set({ updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 2 } } })],
    });
    await driver.settle();
    await driver.patch("apps/v1", "StatefulSet", "web", "shop", image(NEW));
    await driver.settle();
    await driver.evict("shop", "web-0");
    await driver.settle();

    expect(pods(driver).map((pod) => pod.spec.containers[0]?.image)).toEqual([OLD, OLD, NEW]);
  });
});

describe("a DaemonSet", () => {
  const set = (rollingUpdate: object): KubeObject => ({
    ...deployment(0),
    kind: "DaemonSet",
    spec: {
      selector: { matchLabels: { app: "web" } },
      template: (deployment(0).spec as { template: object }).template,
      updateStrategy: { type: "RollingUpdate", rollingUpdate },
    },
  });

  it("runs on every node, cordoned ones too, and updates inside maxUnavailable", async () => {
    const driver = await createDriver({ nodes: 6, objects: [set({ maxUnavailable: 2 })] });
    await driver.until(() => driver.list("nodes").length === 6);
    await driver.patch("v1", "Node", "ubuntu-01", undefined, { spec: { unschedulable: true } });
    await driver.settle();
    expect(driver.list("daemonsets")[0]?.status).toMatchObject({
      desiredNumberScheduled: 6,
      numberReady: 6,
      numberAvailable: 6,
      updatedNumberScheduled: 6,
    });
    await driver.patch("apps/v1", "DaemonSet", "web", "shop", image(NEW));
    let fewest = 6;

    await driver.until(
      () => serving(driver) === 6 && pods(driver).every((pod) => pod.spec.containers[0]?.image === NEW),
      () => (fewest = Math.min(fewest, serving(driver))),
    );

    expect(fewest).toBe(4);
  });

  it("starts the new pod before the old one goes when it may surge", async () => {
    const driver = await createDriver({ nodes: 3, objects: [set({ maxSurge: 1, maxUnavailable: 0 })] });
    await driver.settle();
    await driver.patch("apps/v1", "DaemonSet", "web", "shop", image(NEW));
    let fewest = 3;

    await driver.until(
      () => serving(driver) === 3 && pods(driver).every((pod) => pod.spec.containers[0]?.image === NEW),
      () => (fewest = Math.min(fewest, serving(driver))),
    );

    expect(fewest).toBe(3);
  });
});

describe("a PodDisruptionBudget", () => {
  const row = { kind: "Deployment", namespace: "shop", name: "web", image: OLD, replicas: 4 } as const;

  it.each([
    [{ maxUnavailable: 1 }, 3, 1],
    [{ maxUnavailable: "50%" }, 2, 2],
    [{ maxUnavailable: 0 }, 4, 0],
    [{ minAvailable: 3 }, 3, 1],
    [{ minAvailable: "30%" }, 2, 2],
    [{ minAvailable: 4 }, 4, 0],
  ] as const)("%o of four pods wants %i healthy and allows %i", async (budget, desiredHealthy, disruptionsAllowed) => {
    const driver = await createDriver({ objects: workloadObjects({ ...row, budget }) });

    await driver.settle();

    const status = { expectedPods: 4, currentHealthy: 4, desiredHealthy, disruptionsAllowed, observedGeneration: 1 };
    expect(driver.list("poddisruptionbudgets")[0]?.status).toMatchObject(status);
  });

  it("lets evictions through one at a time until the replacement serves", async () => {
    const driver = await createDriver({ objects: workloadObjects({ ...row, budget: { maxUnavailable: 1 } }) });
    await driver.settle();
    const [first, second] = pods(driver);

    expect((await driver.evict("shop", first?.metadata.name ?? "")).status).toBe(201);
    expect((await driver.evict("shop", second?.metadata.name ?? "")).status).toBe(429);
    await driver.settle();

    expect(serving(driver)).toBe(4);
    expect((await driver.evict("shop", second?.metadata.name ?? "")).status).toBe(201);
  });

  it("says SyncFailed for a bare pod under maxUnavailable", async () => {
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "bare", namespace: "shop", labels: { app: "web" } },
      spec: { containers: [{ name: "main", image: OLD }] },
    };
    const [, budget] = workloadObjects({ ...row, budget: { maxUnavailable: 1 } });
    const driver = await createDriver({ objects: [pod, ...(budget === undefined ? [] : [budget])] });

    await driver.settle();

    const seen = driver.list("poddisruptionbudgets")[0];
    expect(seen?.status?.disruptionsAllowed).toBe(0);
    expect(condition(seen, "DisruptionAllowed")).toMatchObject({ status: "False", reason: "SyncFailed" });
  });
});
