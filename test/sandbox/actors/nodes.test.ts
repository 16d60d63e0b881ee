// Nodes of the sandbox's cluster: updates by recipe jobs, reboots, drains, troubles, and equal runs from equal seeds.
import { describe, expect, it } from "vitest";
import { parseReport } from "../../../controller/inventory/report.ts";
import type { Job, Node } from "../../../controller/sandbox/actors/objects.ts";
import { isReady } from "../../../controller/sandbox/actors/selection.ts";
import { oldImage } from "../../../controller/sandbox/fleet/images.ts";
import { quickstartFleet } from "../../../controller/sandbox/fleet/quickstart.ts";
import { workloadObjects } from "../../../controller/sandbox/fleet/workloads.ts";
import { createDriver, recipeJob } from "./cluster-driver.ts";
import type { Driver } from "./cluster-driver.ts";

const WEB = {
  kind: "Deployment",
  namespace: "shop",
  name: "web",
  image: "registry.example.com/shop/nginx:1.27.1",
  replicas: 4,
} as const;

function node(driver: Driver, name: string): Node | undefined {
  return driver.list("nodes").find(({ metadata }) => metadata.name === name);
}

function readyStatus(driver: Driver, name: string): string | undefined {
  return node(driver, name)?.status?.conditions?.find(({ type }) => type === "Ready")?.status;
}

function job(driver: Driver, name: string): Job | undefined {
  return driver.list("jobs").find(({ metadata }) => metadata.name === name);
}

function ended(driver: Driver, name: string): boolean {
  return (job(driver, name)?.status?.conditions ?? []).some(
    ({ type, status }) => (type === "Complete" || type === "Failed") && status === "True",
  );
}

async function runJob(
  driver: Driver,
  name: string,
  on: string,
  tool: string,
  step: string,
  env: Record<string, string> = {},
) {
  await driver.create(recipeJob(name, on, tool, step, env));
  await driver.until(() => ended(driver, name));
  await driver.settle();
  const pod = driver.list("pods").find(({ metadata }) => metadata.labels?.["job-name"] === name);
  const terminated = pod?.status?.containerStatuses?.[0]?.state.terminated;
  const complete = (job(driver, name)?.status?.conditions ?? []).some(({ type }) => type === "Complete");
  return { complete, terminated, log: pod === undefined ? "" : await driver.log("ops", pod.metadata.name) };
}

describe("a node's kubelet", () => {
  it("registers the node, keeps its Lease fresh and reports what runs", async () => {
    const driver = await createDriver({ nodes: 3 });

    await driver.settle();
    const first = (await driver.get("coordination.k8s.io/v1", "Lease", "ubuntu-01", "kube-node-lease")) as {
      spec?: { renewTime?: string };
    };
    for (let count = 0; count < 90; count++) await driver.round();
    const later = (await driver.get("coordination.k8s.io/v1", "Lease", "ubuntu-01", "kube-node-lease")) as {
      spec?: { renewTime?: string };
    };

    expect(readyStatus(driver, "ubuntu-01")).toBe("True");
    expect(node(driver, "ubuntu-01")?.status?.nodeInfo).toMatchObject({
      kernelVersion: "5.15.0-119-generic",
      osImage: "Ubuntu 22.04.4 LTS",
      kubeletVersion: "v1.31.0",
      containerRuntimeVersion: "containerd://1.7.20",
    });
    expect(Date.parse(later.spec?.renewTime ?? "")).toBeGreaterThan(Date.parse(first.spec?.renewTime ?? ""));
  });
});

describe("recipe jobs", () => {
  it("hand out the inventory through the pod's log", async () => {
    const driver = await createDriver({ nodes: 3 });
    await driver.settle();

    const { complete, log } = await runJob(driver, "inventory", "ubuntu-01", "apt", "inventory");

    const result = parseReport(log);
    expect(complete).toBe(true);
    expect(result.ok && result.report.kernel.running).toBe("5.15.0-119-generic");
  });

  it("install exact versions, and the kernel only runs after the reboot", async () => {
    const driver = await createDriver({ nodes: 3 });
    await driver.settle();
    const env = {
      RINGWARD_KERNEL: "5.15.0-125-generic",
      RINGWARD_KUBELET: "1.31.4",
      RINGWARD_PACKAGES: "openssl=3.0.2-0ubuntu1.18",
    };

    const update = await runJob(driver, "update", "ubuntu-01", "apt", "update", env);
    expect(update.terminated).toMatchObject({ exitCode: 0, reason: "Completed" });
    expect(node(driver, "ubuntu-01")?.status?.nodeInfo).toMatchObject({
      kernelVersion: "5.15.0-119-generic",
      kubeletVersion: "v1.31.4",
    });

    await runJob(driver, "reboot", "ubuntu-01", "reboot", "reboot");
    expect(node(driver, "ubuntu-01")?.status?.nodeInfo?.kernelVersion).toBe("5.15.0-125-generic");
  });

  it("fail with exit code and reason in the pod's status for a version that nobody has", async () => {
    const driver = await createDriver({ nodes: 3 });
    await driver.settle();

    const { complete, terminated, log } = await runJob(driver, "update", "ubuntu-01", "apt", "update", {
      RINGWARD_PACKAGES: "openssl=9.9",
    });

    expect(complete).toBe(false);
    expect(terminated).toMatchObject({ exitCode: 69, reason: "Error" });
    expect(terminated?.message).toContain("E: Version '9.9' for 'openssl' was not found");
    expect(log).toContain("was not found");
  });

  it("move a Flatcar node to another image and back", async () => {
    const driver = await createDriver({ nodes: 3 });
    await driver.settle();

    await runJob(driver, "update", "flatcar-01", "flatcar", "update", { RINGWARD_OS_IMAGE: "3975.2.2" });
    await runJob(driver, "reboot", "flatcar-01", "flatcar", "reboot");
    const after = node(driver, "flatcar-01")?.status?.nodeInfo;
    await runJob(driver, "rollback", "flatcar-01", "flatcar", "rollback");
    await runJob(driver, "reboot-again", "flatcar-01", "flatcar", "reboot");
    const back = node(driver, "flatcar-01")?.status?.nodeInfo;

    expect(after).toMatchObject({
      osImage: "Flatcar Container Linux by Kinvolk 3975.2.2 (Oklo)",
      kernelVersion: "6.6.54-flatcar",
    });
    expect(back).toMatchObject({
      osImage: "Flatcar Container Linux by Kinvolk 3815.2.5 (Oklo)",
      kernelVersion: "6.1.96-flatcar",
    });
    expect(new Set([after?.bootID, back?.bootID]).size).toBe(2);
  });
});

describe("a reboot", () => {
  it("makes the node NotReady for a while and gives it a new boot ID; pods come back on it", async () => {
    const driver = await createDriver({ nodes: 3, objects: workloadObjects(WEB) });
    await driver.settle();
    const before = node(driver, "ubuntu-01")?.status?.nodeInfo?.bootID;
    const pod = driver.list("pods").find(({ spec }) => spec.nodeName === "ubuntu-01");
    let notReady = 0;
    let podNotReady = 0;

    await driver.create(recipeJob("reboot", "ubuntu-01", "reboot", "reboot"));
    await driver.until(
      () =>
        readyStatus(driver, "ubuntu-01") === "True" && node(driver, "ubuntu-01")?.status?.nodeInfo?.bootID !== before,
      () => {
        if (readyStatus(driver, "ubuntu-01") === "False") notReady += 1;
        const same = driver.list("pods").find(({ metadata }) => metadata.uid === pod?.metadata.uid);
        if (same !== undefined && !isReady(same)) podNotReady += 1;
      },
    );
    await driver.settle();

    expect(notReady).toBeGreaterThan(10);
    expect(podNotReady).toBeGreaterThan(10);
    const after = driver.list("pods").find(({ metadata }) => metadata.uid === pod?.metadata.uid);
    expect(after?.status?.containerStatuses?.[0]).toMatchObject({ restartCount: 1, ready: true });
    expect(node(driver, "ubuntu-01")?.spec?.taints ?? []).toEqual([]);
  });

  it("kills its own job's pod on some nodes and lets it report on others, as in the field", async () => {
    const driver = await createDriver({ nodes: 12 });
    await driver.settle();
    const names = driver.list("nodes").map(({ metadata }) => metadata.name);

    for (const name of names) await driver.create(recipeJob(`reboot-${name}`, name, "reboot", "reboot"));
    await driver.until(() => names.every((name) => ended(driver, `reboot-${name}`)));

    const codes = driver.list("pods").map(({ status }) => status?.containerStatuses?.[0]?.state.terminated?.exitCode);
    expect(new Set(codes)).toEqual(new Set([0, 143]));
  });

  it("can leave a node NotReady until it is repaired", async () => {
    const driver = await createDriver({ nodes: 3 });
    await driver.settle();
    driver.cluster.machines.neverReadyAfterReboot("ubuntu-01");
    const before = node(driver, "ubuntu-01")?.status?.nodeInfo?.bootID;

    await driver.create(recipeJob("reboot", "ubuntu-01", "reboot", "reboot"));
    for (let count = 0; count < 120; count++) await driver.round();
    await driver.cluster.view.refresh();
    expect(readyStatus(driver, "ubuntu-01")).toBe("False");
    expect(node(driver, "ubuntu-01")?.status?.nodeInfo?.bootID).not.toBe(before);

    driver.cluster.machines.repair("ubuntu-01");
    await driver.until(() => readyStatus(driver, "ubuntu-01") === "True");
  });
});

describe("a drain", () => {
  it("moves pods to other nodes inside the budget, and nothing comes back while the node is cordoned", async () => {
    const driver = await createDriver({
      nodes: 4,
      objects: workloadObjects({ ...WEB, budget: { maxUnavailable: 1 } }),
    });
    await driver.settle();
    await driver.patch("v1", "Node", "ubuntu-01", undefined, { spec: { unschedulable: true } });
    const onNode = () =>
      driver
        .list("pods")
        .filter(({ metadata, spec }) => spec.nodeName === "ubuntu-01" && metadata.namespace === "shop");
    let fewest = 4;

    for (let tries = 0; onNode().length > 0 && tries < 100; tries++) {
      for (const { metadata } of onNode())
        if (metadata.deletionTimestamp === undefined) await driver.evict("shop", metadata.name);
      await driver.round();
      await driver.cluster.view.refresh();
      fewest = Math.min(
        fewest,
        driver.list("pods").filter((pod) => isReady(pod) && pod.metadata.deletionTimestamp === undefined).length,
      );
    }
    await driver.settle();

    expect(onNode()).toEqual([]);
    expect(fewest).toBeGreaterThanOrEqual(3);
    expect(driver.list("pods").filter(isReady)).toHaveLength(4);
    expect(node(driver, "ubuntu-01")?.spec?.taints).toContainEqual(
      expect.objectContaining({ key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" }),
    );
  });
});

describe("an autoscaler", () => {
  it("takes a node with its pods away, and a new one joins from an old image under a new uid", async () => {
    const driver = await createDriver({ nodes: 3, objects: workloadObjects(WEB) });
    await driver.settle();
    const uid = node(driver, "ubuntu-01")?.metadata.uid;

    driver.cluster.machines.vanish("ubuntu-01");
    await driver.until(() => driver.list("pods").every(({ spec }) => spec.nodeName !== "ubuntu-01"));
    await driver.settle();
    expect(node(driver, "ubuntu-01")).toBeUndefined();
    expect(driver.list("pods").filter(isReady)).toHaveLength(4);

    driver.cluster.machines.join({ name: "ubuntu-01", labels: { fresh: "yes" }, image: oldImage("ubuntu") });
    await driver.settle();
    expect(readyStatus(driver, "ubuntu-01")).toBe("True");
    expect(node(driver, "ubuntu-01")?.metadata.uid).not.toBe(uid);
  });

  it("hears nothing of a kubelet that hangs, and hears it again when it is repaired", async () => {
    const driver = await createDriver({ nodes: 2, timing: { nodeMonitorGrace: 40_000, leaseRenew: 10_000 } });
    await driver.settle();

    driver.cluster.machines.silence("ubuntu-01");
    await driver.until(() => readyStatus(driver, "ubuntu-01") === "Unknown");
    driver.cluster.machines.repair("ubuntu-01");
    await driver.settle();

    expect(readyStatus(driver, "ubuntu-01")).toBe("True");
  });

  it("leaves a silent node Unknown and moves its pods after their time", async () => {
    const driver = await createDriver({
      nodes: 3,
      objects: workloadObjects(WEB),
      timing: { nodeMonitorGrace: 40_000, leaseRenew: 10_000, podEviction: 60_000, reboot: 10_000_000 },
    });
    await driver.settle();
    await driver.create(recipeJob("reboot", "ubuntu-01", "reboot", "reboot"));

    await driver.until(() => readyStatus(driver, "ubuntu-01") === "Unknown");
    await driver.until(() => driver.list("pods").filter(isReady).length === 4);

    expect(node(driver, "ubuntu-01")?.spec?.taints).toContainEqual(
      expect.objectContaining({ key: "node.kubernetes.io/unreachable", effect: "NoExecute" }),
    );
  });
});

describe("a run", () => {
  const script = async (seed: number): Promise<readonly string[]> => {
    const driver = await createDriver({
      nodes: 6,
      seed,
      objects: workloadObjects({ ...WEB, budget: { maxUnavailable: 1 } }),
    });
    await driver.settle();
    await driver.create(recipeJob("update", "ubuntu-01", "apt", "update", { RINGWARD_KERNEL: "5.15.0-125-generic" }));
    await driver.create(recipeJob("reboot", "flatcar-01", "flatcar", "reboot"));
    for (let count = 0; count < 80; count++) await driver.round();
    return driver.cluster.server.store
      .history()
      .map(({ revision, type, key, object }) => `${revision} ${type} ${key} ${JSON.stringify(object)}`);
  };

  it("has the same history for the same seed, byte for byte, and another one for another", async () => {
    const [first, again, other] = [await script(7), await script(7), await script(8)];

    expect(first.length).toBeGreaterThan(100);
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
  });

  it("goes on from a snapshot as it went on the first time", async () => {
    const driver = await createDriver({ nodes: 6, objects: workloadObjects(WEB) });
    await driver.settle();
    await driver.create(recipeJob("update", "ubuntu-01", "apt", "update", { RINGWARD_KERNEL: "5.15.0-125-generic" }));
    for (let count = 0; count < 4; count++) await driver.round();
    const saved = driver.cluster.snapshot();
    const finish = async (): Promise<string | undefined> => {
      await driver.until(() => ended(driver, "update"));
      return driver.cluster.machines.get("ubuntu-01")?.kernel.next;
    };

    expect(await finish()).toBe("5.15.0-125-generic");
    driver.cluster.restore(saved);
    expect(driver.cluster.machines.get("ubuntu-01")?.kernel.next).toBe("5.15.0-119-generic");
    expect(await finish()).toBe("5.15.0-125-generic");
  });
});

describe("the quickstart's fleet", () => {
  it("comes to life: 60 Ready nodes, 40 workloads at full strength", async () => {
    const driver = await createDriver({ fleet: quickstartFleet() });

    await driver.settle();

    expect(driver.list("nodes").filter(({ metadata }) => readyStatus(driver, metadata.name) === "True")).toHaveLength(
      60,
    );
    const workloads = [...driver.list("deployments"), ...driver.list("statefulsets"), ...driver.list("daemonsets")];
    expect(workloads).toHaveLength(40);
    const pods = driver.list("pods");
    expect(pods.length).toBeGreaterThan(200);
    expect(pods.length).toBeLessThanOrEqual(300);
    expect(pods.every(isReady)).toBe(true);
    const blocking = driver.list("poddisruptionbudgets").filter(({ status }) => status?.disruptionsAllowed === 0);
    expect(blocking.map(({ metadata }) => metadata.name)).toEqual(["ledger"]);
  });
});
