// Drains that cannot go as one would like, with the real controller on a live cluster: foreseen before the cordon, named while they wait,
// in their order, and never a storm of requests.
import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../controller/kube/port.ts";
import {
  NODES,
  PERSISTENT_VOLUMES,
  POD_DISRUPTION_BUDGETS,
  PODS,
  VOLUME_ATTACHMENTS,
} from "../../controller/kube/resources.ts";
import { countRefusals, REFUSALS } from "../../controller/nodes/metrics.ts";
import { createPrometheus } from "../../controller/serve/prometheus.ts";
import {
  createRig,
  isConverged,
  machine,
  NEW_KERNEL,
  OLD_IMAGE,
  type Rig,
  type RigOptions,
  ringFile,
  type Status,
  stepOf,
  WEB,
} from "../reconcile/rig.ts";

const RING = (drain: string): Readonly<Record<string, string>> => ({
  "rings/canary.yaml": ringFile("canary", `drain: ${drain}`).replace("    - baseline: shared-images\n", ""),
});
const TWO: RigOptions = {
  machines: [machine("n1"), machine("n2", "other")],
  workloads: [],
  files: RING("{ timeout: 10m }"),
};
const budget = (name: string, spec: object, app = "web"): KubeObject => ({
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { name, namespace: "shop" },
  spec: { ...spec, selector: { matchLabels: { app } } },
});
const QUIET_WEB = { ...WEB, labels: {} };

async function cordoned(rig: Rig): Promise<boolean> {
  return (await rig.node("n1")).spec?.unschedulable === true;
}

async function blockOf(rig: Rig): Promise<Status | undefined> {
  return ((await rig.state("n1"))["blockedBy"] as Status[] | undefined)?.[0];
}

const claims = async (rig: Rig): Promise<number> => ((await rig.ledger())["claims"] ?? []).length as number;
const at = (rig: Rig, step: string) => async () => (await stepOf(rig, "n1")) === step;

/** A pod of a controller that is not there, on n1. */
function podOn(name: string, rest: { readonly metadata?: object; readonly spec?: object } = {}): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: "shop",
      ownerReferences: [{ apiVersion: "batch/v1", kind: "Other", name: "gone", uid: "u", controller: true }],
      ...rest.metadata,
    },
    spec: { nodeName: "n1", containers: [{ name: "main", image: OLD_IMAGE }], ...rest.spec },
  } as KubeObject;
}

async function evictedBy(rig: Rig): Promise<readonly string[]> {
  return rig.writes.filter(({ path }) => path.endsWith("/eviction")).map(({ path }) => path.split("/").at(-2) ?? "");
}

describe("a drain that cannot succeed", () => {
  it.each([
    [
      "PDBNeverAllows",
      { workloads: [QUIET_WEB], objects: [budget("web", { maxUnavailable: 0 })] },
      /shop\/web-.*web wants/,
    ],
    [
      "PDBNeverAllows",
      { workloads: [{ ...QUIET_WEB, replicas: 1 }], objects: [budget("web", { minAvailable: 1 })] },
      /only replica/,
    ],
    [
      "PDBConflict",
      {
        workloads: [QUIET_WEB],
        objects: [budget("one", { maxUnavailable: 1 }), budget("two", { maxUnavailable: 1 })],
      },
      /PodDisruptionBudgets one and two/,
    ],
    [
      "PodBlocksDrain",
      { objects: [podOn("kept", { metadata: { annotations: { "karpenter.sh/do-not-disrupt": "true" } } })] },
      /shop\/kept: it says karpenter.sh\/do-not-disrupt: "true"/,
    ],
    [
      "PodBlocksDrain",
      {
        objects: [
          podOn("kept", { metadata: { annotations: { "cluster-autoscaler.kubernetes.io/safe-to-evict": "false" } } }),
        ],
      },
      /safe-to-evict: "false"/,
    ],
  ])(
    "is foreseen: %s, with pod and since, and the node is neither claimed nor cordoned",
    async (reason, given, message) => {
      const rig = await createRig({ ...TWO, machines: [machine("n1")], ...given });
      await rig.run(12);

      expect(await blockOf(rig)).toMatchObject({ reason, message: expect.stringMatching(message) as string });
      expect(Number.isNaN(Date.parse((await blockOf(rig))?.["since"] as string))).toBe(false);
      expect(rig.writes.filter(({ path }) => path === "/api/v1/nodes/n1" || path.endsWith("/eviction"))).toEqual([]);
      expect(await claims(rig)).toBe(0);
      expect(rig.errors).toEqual([]);
    },
  );

  it("is waited for while a budget is used up, and goes on when a pod may be spared", async () => {
    const rig = await createRig({
      ...TWO,
      workloads: [{ ...QUIET_WEB, replicas: 4 }],
      objects: [
        budget("web", { minAvailable: 4 }),
        // A fifth pod that runs nowhere: the budget counts it, and has nothing to spare while it is not healthy.
        podOn("fifth", {
          metadata: { labels: { app: "web" } },
          spec: { nodeName: undefined, nodeSelector: { no: "where" } },
        }),
      ],
    });
    await rig.run(12);
    expect(await blockOf(rig)).toMatchObject({
      reason: "PDBBlocked",
      message: expect.stringContaining("PodDisruptionBudget web allows no disruption (4 healthy, 4 wanted)") as string,
    });
    expect(await claims(rig)).toBe(0);
    expect(await cordoned(rig)).toBe(false);

    await rig.admin.patch(
      POD_DISRUPTION_BUDGETS,
      { namespace: "shop", name: "web" },
      { type: "merge", body: { spec: { minAvailable: 3 } } },
    );
    await rig.until("it is patched", () => isConverged(rig));
    expect(rig.errors).toEqual([]);
  });

  it("that only the dry run finds gives no cordon: the claim waits, and is given back at the timeout", async () => {
    const rig = await createRig({ ...TWO, workloads: [QUIET_WEB], objects: [budget("web", { maxUnavailable: 1 })] });
    rig.cluster.server.setFault(({ path, query }) =>
      path.endsWith("/eviction") && query["dryRun"] === "All" ? { status: 429, retryAfterSeconds: 60 } : "none",
    );
    await rig.until("it is refused", async () => (await blockOf(rig))?.["reason"] === "ServerBusy");
    expect(await claims(rig)).toBe(1);
    for (let minute = 0; minute < 12; minute += 1) {
      await rig.first.pass();
      await rig.turn(60_000);
    }
    expect((await rig.state("n1"))["attempted"]).toMatchObject([
      { reason: "DrainTimedOut", message: expect.stringContaining("it was not cordoned") as string },
    ]);
    expect(rig.writes.filter(({ path }) => path === "/api/v1/nodes/n1")).toEqual([]);
  });
});

describe("an eviction that is refused after the cordon", () => {
  it("with a 500 for two budgets is named and asked again rarely, while the other pods go (V4)", async () => {
    const rig = await createRig({
      ...TWO,
      workloads: [
        { ...QUIET_WEB, name: "aa", replicas: 1 },
        { ...QUIET_WEB, name: "zz", replicas: 1 },
      ],
      machines: [machine("n1")],
      objects: [budget("one", { maxUnavailable: 1 }, "aa")],
    });
    await rig.until("it drains", at(rig, "Cordoned"));
    await rig.admin.create(POD_DISRUPTION_BUDGETS, budget("two", { maxUnavailable: 1 }, "aa"));
    await rig.until("it is named", async () => (await blockOf(rig))?.["reason"] === "PDBConflict");
    const before = (await evictedBy(rig)).length;
    await rig.run(10);
    expect((await evictedBy(rig)).length - before).toBeLessThanOrEqual(1);
    const { items } = await rig.admin.list(PODS, { namespace: "shop" });
    const left = items.filter(({ spec }) => (spec as Status)["nodeName"] === "n1").map(({ metadata }) => metadata.name);
    expect(left.map((name) => name.slice(0, 2))).toEqual(["aa"]);
    expect(rig.errors).toEqual([]);
  });

  it("with a 429 of an overloaded server is no budget's, and is asked again when the server said (K6)", async () => {
    const rig = await createRig({ ...TWO, workloads: [QUIET_WEB] });
    rig.cluster.server.setFault(({ path, query }) =>
      path.endsWith("/eviction") && query["dryRun"] !== "All" ? { status: 429, retryAfterSeconds: 60 } : "none",
    );
    await rig.until("it is refused", async () => (await blockOf(rig))?.["reason"] === "ServerBusy");
    const before = (await evictedBy(rig)).length;
    await rig.run(6);
    expect((await evictedBy(rig)).length).toBe(before);
    await rig.run(10);
    expect((await evictedBy(rig)).length).toBeGreaterThan(before);
  });
});

describe("refused evictions", () => {
  /** A controller whose refusals are counted as the product counts them, and what `/metrics` says of them, without zeros. */
  function counting(rig: Rig) {
    const prometheus = createPrometheus({ process: false });
    const born = rig.born("ringward", { onRefusal: countRefusals(prometheus.meter) });
    const all = async (): Promise<readonly string[]> =>
      (await prometheus.scrape()).match(/(?<=^ringward_evictions_refused_total\{reason=).*$/gm) ?? [];
    const refused = async (): Promise<readonly string[]> => (await all()).filter((line) => !line.endsWith(" 0"));
    return { born, all, refused };
  }

  const goOn = async (rig: Rig, born: ReturnType<Rig["born"]>, until: () => Promise<boolean>): Promise<void> => {
    for (let turn = 0; turn < 60; turn += 1) {
      await born.pass();
      if (await until()) return;
      await rig.turn();
    }
    throw new Error("it never was so");
  };

  it("are counted by what the server answered, once for each request, and each class is there from the beginning", async () => {
    const rig = await createRig({ ...TWO, workloads: [QUIET_WEB] });
    const { born, all, refused } = counting(rig);
    expect(await all()).toEqual(REFUSALS.map((reason) => `"${reason}"} 0`));

    const fault = (status: number): void =>
      rig.cluster.server.setFault(({ path, query }) =>
        path.endsWith("/eviction") && query["dryRun"] !== "All" ? { status, retryAfterSeconds: 60 } : "none",
      );
    fault(429);
    await goOn(rig, born, async () => (await blockOf(rig))?.["reason"] === "ServerBusy");
    expect(await refused()).toEqual(['"ServerBusy"} 1']);
    // Left alone until the server said: nobody asks, and nothing is counted.
    await born.pass();
    await born.pass();
    expect(await refused()).toEqual(['"ServerBusy"} 1']);

    // What was not answered was not refused, as far as anybody knows.
    rig.cluster.server.setFault(({ path, query }) =>
      path.endsWith("/eviction") && query["dryRun"] !== "All" ? "failBefore" : "none",
    );
    await rig.turn(61_000);
    await born.pass();
    expect(await refused()).toEqual(['"ServerBusy"} 1']);

    fault(404);
    await rig.turn(61_000);
    await born.pass();
    expect(await refused()).toEqual(['"ServerBusy"} 1', expect.stringMatching(/^"Gone"} [1-9]$/)]);
    fault(403);
    await goOn(rig, born, async () => (await refused()).length === 3);
    expect((await refused())[2]).toMatch(/^"Other"} [1-9]$/);
  });

  it("of a budget that lets one pod go and not the next are the budget's, and of two budgets the conflict's", async () => {
    const rig = await createRig({
      ...TWO,
      workloads: [{ ...QUIET_WEB, name: "aa", replicas: 4 }],
      objects: [budget("one", { maxUnavailable: 1 }, "aa")],
    });
    const { born, refused } = counting(rig);
    await goOn(rig, born, async () => (await refused()).length > 0);
    expect(await refused()).toEqual([expect.stringMatching(/^"PDBBlocked"} [1-9]$/)]);

    await rig.admin.create(POD_DISRUPTION_BUDGETS, budget("two", { maxUnavailable: 1 }, "aa"));
    await goOn(rig, born, async () => (await refused()).length > 1);
    expect((await refused())[1]).toMatch(/^"PDBConflict"} [1-9]$/);
    expect(rig.errors).toEqual([]);
  });
});

describe("a person who uncordons a node while it is drained", () => {
  it("keeps the pods that were not asked to go yet (B4)", async () => {
    const rig = await createRig({ ...TWO, workloads: [{ ...QUIET_WEB, replicas: 6 }] });
    const evicted: string[] = [];
    const born = rig.born("ringward", {
      port: (port) => ({
        ...port,
        async request(request) {
          const answer = await port.request(request);
          if (request.path.endsWith("/eviction") && request.query?.["dryRun"] === undefined) {
            evicted.push(request.path);
            if (evicted.length === 1)
              await rig.admin.patch(NODES, { name: "n1" }, { type: "merge", body: { spec: { unschedulable: null } } });
          }
          return answer;
        },
      }),
    });
    for (let pass = 0; pass < 40 && evicted.length === 0; pass += 1) {
      await born.pass();
      await rig.turn();
    }
    expect(evicted).toHaveLength(1);
    expect(rig.errors).toEqual([]);

    // It is backed out of, and tried again later.
    for (let pass = 0; pass < 10; pass += 1) {
      await born.pass();
      await rig.turn();
    }
    expect(evicted).toHaveLength(1);
    expect(await cordoned(rig)).toBe(false);
    expect((await rig.state("n1"))["attempted"]).toMatchObject([{ result: "BackedOut", reason: "UncordonedByPerson" }]);
    expect(await rig.violations()).toEqual([]);
  });
});

describe("pods of a node", () => {
  it("that refuse to go are named after their grace, with what holds them", async () => {
    const rig = await createRig(TWO);
    const spec = { terminationGracePeriodSeconds: 60 };
    await rig.admin.create(PODS, podOn("held", { metadata: { finalizers: ["example.com/hold"] }, spec }));
    await rig.run(1);
    // Its containers do not end: nothing comes of what the kubelet tries.
    rig.cluster.server.setFault(({ user, path, write }) =>
      user === "system:nodes" && write && path.includes("/pods/held") ? { status: 503 } : "none",
    );
    // Its kubelet fails at it, and the other actors go on.
    const runWithoutIt = async (times: number): Promise<void> => {
      for (let time = 0; time < times; time += 1) {
        await rig.first.pass();
        for (let round = 0; round < 3; round += 1) await rig.cluster.runRound();
        rig.clock.advance(5_000);
      }
    };
    for (let time = 0; time < 30 && !(await evictedBy(rig)).includes("held"); time += 1) await runWithoutIt(1);
    await runWithoutIt(6);
    expect(((await rig.state("n1"))["blockedBy"] ?? []) as unknown[]).toEqual([]);
    await runWithoutIt(16);
    expect(await blockOf(rig)).toMatchObject({ reason: "PodStuckTerminating" });
    expect((await blockOf(rig))?.["message"]).toMatch(
      /^pod shop\/held: its grace ended at .*Z, and finalizers example.com\/hold hold it$/,
    );
    // One whose containers have ended is no danger to anybody, whatever still holds the object.
    rig.cluster.server.setFault(undefined);
    await rig.until("it is patched", () => isConverged(rig));
  });

  it("go in their order, stay where a rule or their label says so, and are waited for where they shall end", async () => {
    const files = RING(
      '{ timeout: 10m, pods: [{ selector: { matchLabels: { job: "yes" } }, behavior: WaitCompleted }, { selector: { matchLabels: { pet: "yes" } }, namespaces: [shop], behavior: Evict }] }',
    );
    const rig = await createRig({ ...TWO, files });
    for (const pod of [
      podOn("critical", { spec: { priority: 2_000_001_000 } }),
      podOn("high", { spec: { priority: 1_000 } }),
      podOn("low"),
      podOn("stays", { metadata: { labels: { "cluster.x-k8s.io/drain": "skip" } } }),
      podOn("job", { metadata: { labels: { job: "yes" } } }),
      podOn("pet", {
        metadata: { labels: { pet: "yes" }, annotations: { "karpenter.sh/do-not-disrupt": "true" } },
      }),
    ])
      await rig.admin.create(PODS, pod);
    await rig.until("it waits for the job", async () => (await blockOf(rig))?.["reason"] === "WaitingForCompletion");
    expect(await evictedBy(rig)).toEqual(["low", "pet", "high"]);
    const job = await rig.admin.get(PODS, { namespace: "shop", name: "job" });
    await rig.admin.delete(PODS, { namespace: "shop", name: "job" }, { uid: job?.metadata.uid ?? "" });
    await rig.until("it is patched", () => isConverged(rig));
    expect(await evictedBy(rig)).toEqual(["low", "pet", "high", "critical"]);
    expect(await rig.admin.get(PODS, { namespace: "shop", name: "stays" })).toBeDefined();
  });
});

describe("volumes", () => {
  const volume = (name: string, rest: object): KubeObject =>
    ({
      metadata: { name },
      spec: {
        capacity: { storage: "1Gi" },
        accessModes: ["ReadWriteOnce"],
        claimRef: { kind: "PersistentVolumeClaim", namespace: "shop", name: `claim-${name}` },
        ...rest,
      },
    }) as KubeObject;
  const attachment = (name: string): KubeObject =>
    ({
      metadata: { name: `attachment-${name}` },
      spec: { attacher: "csi.example.com", nodeName: "n1", source: { persistentVolumeName: name } },
    }) as KubeObject;
  const uses = (name: string): object => ({
    volumes: [{ name: "v", persistentVolumeClaim: { claimName: `claim-${name}` } }],
  });
  const CSI = { csi: { driver: "csi.example.com", volumeHandle: "h" } };

  it("of pods that left are waited for until they are detached; those of pods that stay do not count", async () => {
    const rig = await createRig(TWO);
    await rig.admin.create(PERSISTENT_VOLUMES, volume("moves", CSI));
    await rig.admin.create(PERSISTENT_VOLUMES, volume("stays", CSI));
    await rig.admin.create(
      PODS,
      podOn("stays", { metadata: { labels: { "cluster.x-k8s.io/drain": "skip" } }, spec: uses("stays") }),
    );
    for (const name of ["moves", "stays"]) await rig.admin.create(VOLUME_ATTACHMENTS, attachment(name));
    await rig.admin.patch(
      NODES,
      { name: "n1" },
      {
        type: "merge",
        body: { status: { volumesAttached: [{ name: "csi.example.com^h", devicePath: "" }] } },
      },
      { subresource: "status" },
    );
    await rig.until("it waits", async () => (await blockOf(rig))?.["reason"] === "VolumesAttached");
    expect((await blockOf(rig))?.["message"]).toContain("volume moves of pods that left is not detached yet");
    expect(await rig.jobs("update")).toEqual([]);
    const found = await rig.admin.get(VOLUME_ATTACHMENTS, { name: "attachment-moves" });
    await rig.admin.delete(VOLUME_ATTACHMENTS, { name: "attachment-moves" }, { uid: found?.metadata.uid ?? "" });
    await rig.until("it is patched", () => isConverged(rig));
    expect(rig.kernel("n1")).toBe(NEW_KERNEL);
  });

  it("on a disk of the node pin their pods, where the ring says that this matters", async () => {
    const rig = await createRig({ ...TWO, files: RING("{ timeout: 10m, localVolumes: Block }") });
    const affinity = {
      required: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: ["n1"] }] }],
      },
    };
    await rig.admin.create(
      PERSISTENT_VOLUMES,
      volume("disk", { local: { path: "/mnt/disk" }, nodeAffinity: affinity }),
    );
    await rig.admin.create(PODS, podOn("db", { spec: uses("disk") }));
    await rig.run(12);
    expect(await blockOf(rig)).toMatchObject({
      reason: "PodBlocksDrain",
      message: expect.stringContaining("local PersistentVolume disk pins it") as string,
    });
    expect(await cordoned(rig)).toBe(false);
  });
});
