// Facts about operations on nodes, with the real controller on a live cluster: people's cordons, drains, jobs and what jobs say.
import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../controller/kube/port.ts";
import {
  DISRUPTION_LEDGERS,
  JOBS,
  NODE_PATCH_STATES,
  NODES,
  POD_DISRUPTION_BUDGETS,
  PODS,
} from "../../controller/kube/resources.ts";
import { oldImage } from "../../controller/sandbox/fleet/images.ts";
import {
  basePolicy,
  closeAfterCordon,
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

const QUICKSTART = new URL("../../examples/quickstart/", import.meta.url);
const ONE: RigOptions = { machines: [machine("n1")], workloads: [] };
const ring = (spec: string, entries = "shared-images\n"): Readonly<Record<string, string>> => ({
  "rings/canary.yaml": ringFile("canary", spec).replace(
    "    - baseline: shared-images\n",
    entries === "" ? "" : `    - baseline: ${entries}`,
  ),
});

const cordoned = async (rig: Rig, name = "n1"): Promise<boolean> => (await rig.node(name)).spec?.unschedulable === true;
const claims = async (rig: Rig): Promise<readonly Status[]> => (await rig.ledger())["claims"] ?? [];
const failureOf = async (rig: Rig, name = "n1"): Promise<string | undefined> =>
  (await rig.state(name))["operation"]?.failure?.reason as string | undefined;
const historyOf = async (rig: Rig, name = "n1"): Promise<readonly Status[]> => (await rig.state(name))["history"] ?? [];

async function cordon(rig: Rig, name: string, unschedulable: boolean): Promise<void> {
  await rig.admin.patch(
    NODES,
    { name },
    { type: "merge", body: { spec: { unschedulable: unschedulable ? true : null } } },
  );
}

async function person(rig: Rig, change: Status, name = "n1"): Promise<void> {
  const object = await rig.admin.get(NODE_PATCH_STATES, { name });
  const status = object?.status as Status;
  await rig.admin.updateStatus(NODE_PATCH_STATES, {
    ...(object as KubeObject),
    status: { ...status, operation: { ...status["operation"], ...change } },
  });
}

/** One node whose image shows only when it was booted. */
async function flatcarRig(): Promise<Rig> {
  const file = (path: string): Promise<string> => readFile(new URL(path, QUICKSTART), "utf8");
  return createRig({
    machines: [{ ...machine("n1"), image: oldImage("flatcar") }],
    workloads: [],
    files: {
      "baselines/flatcar.yaml": await file("baselines/flatcar.yaml"),
      "recipes/flatcar.yaml": await file("recipes/flatcar.yaml"),
      ...ring("", "flatcar\n"),
    },
  });
}

const at = (step: string) => async (rig: Rig) => (await stepOf(rig, "n1")) === step;

describe("a person's cordon", () => {
  it("is skipped, unless the ring says Update", async () => {
    const rig = await createRig(ONE);
    await cordon(rig, "n1", true);
    await rig.run(15);
    expect(rig.kernel("n1")).not.toBe(NEW_KERNEL);
    expect(await claims(rig)).toEqual([]);
    expect((await rig.state("n1"))["blockedBy"]).toMatchObject([{ reason: "CordonedByOther" }]);
  });

  it("is kept after success (B6)", async () => {
    const rig = await createRig({ ...ONE, files: ring("cordonedNodes: Update") });
    await cordon(rig, "n1", true);
    await rig.until("it is patched", async () => rig.kernel("n1") === NEW_KERNEL && (await claims(rig)).length === 0);
    expect(await cordoned(rig)).toBe(true);
    expect((await rig.node("n1")).metadata.annotations?.["ringward.dev/claim"]).toBeUndefined();
  });

  it("is kept when the operation backs out (B6)", async () => {
    const rig = await createRig({ ...ONE, files: ring("cordonedNodes: Update") });
    await cordon(rig, "n1", true);
    await rig.until("it drains", () => at("Cordoned")(rig));
    await rig.setMode("Stop");
    await rig.until("it is given back", async () => (await claims(rig)).length === 0);
    expect(await cordoned(rig)).toBe(true);
    expect((await historyOf(rig)).at(-1)).toMatchObject({ result: "BackedOut" });

    expect(await rig.judge("D9")).toEqual([]);
  });

  it("is kept after a failure that a person releases (B6, B14)", async () => {
    const rig = await createRig({ ...ONE, files: ring("cordonedNodes: Update") });
    rig.cluster.machines.failUpdate("n1");
    await cordon(rig, "n1", true);
    await rig.until("it fails", async () => (await failureOf(rig)) !== undefined);
    await rig.setMode("Stop");
    await person(rig, { release: { reason: "we reinstall it", time: new Date(rig.clock.now()).toISOString() } });
    await rig.until("it is given back", async () => (await claims(rig)).length === 0);
    expect(await cordoned(rig)).toBe(true);
    expect((await historyOf(rig)).at(-1)).toMatchObject({ result: "Released" });
  });
});

describe("a person's uncordon", () => {
  it("before the update makes Ringward back out (B7)", async () => {
    const rig = await createRig(ONE);
    await rig.until("it drains", () => at("Cordoned")(rig));
    await cordon(rig, "n1", false);
    await rig.until("it is given back", async () => (await claims(rig)).length === 0, 10);
    expect(await cordoned(rig)).toBe(false);
    expect(await rig.jobs("update")).toEqual([]);
    expect((await historyOf(rig)).at(-1)).toMatchObject({ result: "BackedOut" });
    // Not answered with another cordon at once.
    await rig.run(10);
    expect(await claims(rig)).toEqual([]);
  });

  it("after the update ends as pending reboot, without one (B7)", async () => {
    const rig = await createRig(ONE);
    await rig.until("it is updated", () => at("Updated")(rig));
    await cordon(rig, "n1", false);
    await rig.until("it is given back", async () => (await claims(rig)).length === 0);
    expect(rig.cluster.machines.get("n1")?.bootCount).toBe(1);
    expect(await rig.jobs("reboot")).toEqual([]);
    await rig.run(3);
    expect((await rig.state("n1"))["state"]).toBe("InstalledPendingReboot");
  });

  it("after the update ends as pending reboot where the image shows only after one (B7, B12)", async () => {
    const rig = await flatcarRig();
    await rig.until("it is updated", () => at("Updated")(rig));
    await cordon(rig, "n1", false);
    await rig.until("it is given back", async () => (await claims(rig)).length === 0);
    await rig.run(3);

    const state = await rig.state("n1");
    expect(state).toMatchObject({ state: "InstalledPendingReboot", pendingReboot: [{ baseline: "flatcar" }] });
    expect(state["history"]).toMatchObject([{ result: "BackedOut" }]);
    expect(state["blockedBy"]).toEqual(expect.arrayContaining([expect.objectContaining({ reason: "BackedOff" })]));
    expect(await rig.jobs("reboot")).toEqual([]);
    // Not before its time again; then it goes the whole way.
    await rig.until("it is done", async () => (await rig.state("n1"))["state"] === "Installed", 400);
    const [first, second, ...more] = await historyOf(rig);
    expect([second?.["result"], more]).toEqual(["Succeeded", []]);
    expect(Date.parse(second?.["startedTime"]) - Date.parse(first?.["finishedTime"])).toBeGreaterThanOrEqual(
      15 * 60_000,
    );
    expect((await rig.state("n1"))["pendingReboot"]).toEqual([]);
    expect(await rig.judge("B7", "B12")).toEqual([]);
  });

  it("after the update leaves a person the reboot, and what it brings counts (B7)", async () => {
    const rig = await flatcarRig();
    await rig.until("it is updated", () => at("Updated")(rig));
    await cordon(rig, "n1", false);
    await rig.until("it is given back", async () => (await claims(rig)).length === 0);
    rig.cluster.machines.boot("n1");
    await rig.until("it is done", async () => (await rig.state("n1"))["state"] === "Installed");

    expect(await historyOf(rig)).toMatchObject([{ result: "BackedOut" }]);
    expect(await rig.jobs("reboot")).toEqual([]);
  });
});

const TWO = { machines: [machine("n1"), machine("n2", "other")] };

describe("a drain", () => {
  it("evicts a pod that was bound late, before the update starts (B5)", async () => {
    const rig = await createRig({ ...TWO, workloads: [] });
    await rig.until("it drains", () => at("Drained")(rig));
    await rig.admin.create(PODS, {
      metadata: {
        name: "late",
        namespace: "shop",
        ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: "gone", uid: "u", controller: true }],
      },
      spec: { nodeName: "n1", containers: [{ name: "main", image: OLD_IMAGE }] },
    } as KubeObject);
    const seen = rig.writes.length;
    await rig.until("it updates", async () => (await rig.jobs("update")).length > 0);
    const sent = rig.writes
      .slice(seen)
      .map(({ path, body }) => `${path} ${(body as KubeObject | undefined)?.metadata?.name ?? ""}`);
    const evicted = sent.findIndex((line) => line.includes("/pods/late/eviction"));
    const started = sent.findIndex((line) => line.includes("/jobs rw-update"));
    expect(evicted).toBeGreaterThanOrEqual(0);
    expect(evicted).toBeLessThan(started);
  });

  it("backs out when its time is over, and leaves the node as it was", async () => {
    const rig = await createRig({
      ...TWO,
      workloads: [{ ...WEB, labels: {}, budget: { maxUnavailable: 1 } }],
      files: ring("drain: { timeout: 1m }"),
    });
    await closeAfterCordon(rig);
    await rig.until("it backs out", async () => (await historyOf(rig)).length > 0);
    expect((await historyOf(rig))[0]).toMatchObject({ result: "BackedOut" });
    expect(await cordoned(rig)).toBe(false);
    expect(await rig.violations()).toEqual([]);
  });
});

describe("a recipe's job", () => {
  it("is made once although the answer to its creation is lost (B11)", async () => {
    const rig = await createRig(ONE);
    const lost = new Set<string>();
    rig.cluster.server.setFault(({ method, path, body }) => {
      const name = (body as KubeObject | undefined)?.metadata?.name ?? "";
      if (method !== "POST" || !path.endsWith("/jobs") || lost.has(name)) return "none";
      lost.add(name);
      return "loseReply";
    });
    await rig.until("it is patched", () => isConverged(rig));
    for (const step of ["stage", "update", "reboot"]) expect((await rig.jobs(step)).length).toBe(1);
    expect(rig.cluster.machines.get("n1")?.bootCount).toBe(2);
  });

  it("that a person deletes is made again (B12)", async () => {
    const rig = await createRig(ONE);
    await rig.until("it updates", async () => (await rig.jobs("update")).length > 0);
    const [job] = await rig.jobs("update");
    await rig.admin.delete(
      JOBS,
      { namespace: "ringward-jobs", name: job?.metadata.name ?? "" },
      { uid: job?.metadata.uid ?? "", propagationPolicy: "Background" },
    );
    await rig.until("it is patched", () => isConverged(rig));
    expect(rig.kernel("n1")).toBe(NEW_KERNEL);
    expect(rig.cluster.machines.get("n1")?.bootCount).toBe(2);
    // The checker cannot tell that a person took the first one away.
    expect((await rig.violations()).filter(({ invariant }) => !["B11", "K2"].includes(invariant))).toEqual([]);
  });

  it("that ends with 69 gives the node back, and the level is not tried again before its time", async () => {
    const rig = await createRig(ONE);
    const run = rig.cluster.machines.run.bind(rig.cluster.machines);
    let asked = 0;
    Object.assign(rig.cluster.machines, {
      run: (name: string, invocation: { command: readonly string[]; args: readonly string[] }, now: number) => {
        const step = [...invocation.command, ...invocation.args].join(" ");
        if (!/ (stage|update)$/.test(step)) return run(name, invocation as never, now);
        asked += 1;
        return { exitCode: 69, log: "E: Version 1.2 was not found\n", machine: rig.cluster.machines.get(name) };
      },
    });
    await rig.until("it is given back", async () => (await historyOf(rig)).length > 0);
    expect((await rig.state("n1"))["attempted"]).toMatchObject([
      { result: "NotAvailable", reason: "VersionNotAvailable" },
    ]);
    await rig.run(1);
    expect(await claims(rig)).toEqual([]);
    expect(await cordoned(rig)).toBe(false);
    const before = asked;
    await rig.run(30);
    expect(asked).toBe(before);
    expect((await rig.state("n1"))["blockedBy"]).toMatchObject([{ reason: "VersionNotAvailable" }]);
    rig.clock.advance(61 * 60_000);
    await rig.run(6);
    expect(asked).toBeGreaterThan(before);
  });

  it("that only looks mounts the host read-only, with everything below it", async () => {
    const rig = await createRig(ONE);
    await rig.until("an inventory is made", async () => (await rig.jobs("inventory")).length > 0);

    expect((await rig.jobs("inventory"))[0]).toMatchObject({
      spec: {
        template: {
          spec: { containers: [{ volumeMounts: [{ readOnly: true, recursiveReadOnly: "IfPossible" }] }] },
        },
      },
    });
  });

  it.each([
    ["update", 403, "Forbidden"],
    ["stage", 422, "Invalid"],
  ])("of %s that the cluster refuses with %i leaves the node as it was, and says why", async (step, code, reason) => {
    const rig = await createRig(ONE);
    let closed = true;
    const refusal = {
      kind: "Status",
      status: "Failure",
      code,
      reason,
      message: "denied: image x is not allowed on nodes",
    };
    const controller = rig.born("ringward/confined", {
      port: (port) => ({
        ...port,
        request: (request) =>
          closed && request.method === "POST" && JSON.stringify(request.body ?? "").includes(`rw-${step}-`)
            ? Promise.resolve({ status: code, headers: {}, body: refusal })
            : port.request(request),
      }),
    });
    const seen = new Set<boolean>();
    const run = async (passes: number): Promise<void> => {
      for (let pass = 0; pass < passes; pass += 1) {
        await controller.pass();
        await rig.turn();
        seen.add(await cordoned(rig));
      }
    };
    await run(40);

    expect((await rig.state("n1"))["attempted"]).toMatchObject([{ result: "BackedOut", reason: "JobRefused" }]);
    expect((await rig.state("n1"))["blockedBy"]).toMatchObject([
      {
        reason: "BackedOff",
        message: expect.stringContaining(`the job of step ${step}: denied: image x is not allowed`),
      },
    ]);
    expect([...seen]).toEqual([false]);
    expect(await rig.preparedJobs()).toEqual([]);
    expect(rig.kernel("n1")).not.toBe(NEW_KERNEL);

    closed = false;
    rig.clock.advance(16 * 60_000);
    await run(40);
    expect(rig.kernel("n1")).toBe(NEW_KERNEL);
    expect(await rig.violations()).toEqual([]);
  });

  it("of prepare that says not yet leaves the node as it was, and the rollout goes on when it says yes", async () => {
    const apt = (await basePolicy())["recipes/apt.yaml"] ?? "";
    const prepare = apt.slice(apt.indexOf("    stage:"), apt.indexOf("    update:")).replaceAll("stage", "prepare");
    const files = { "recipes/apt.yaml": apt.replace("    stage:", `${prepare}    stage:`) };
    const rig = await createRig({ ...ONE, files });
    rig.cluster.machines.unprepared("n1");
    await rig.until("it is given back", async () => (await historyOf(rig)).length > 0);
    expect((await rig.state("n1"))["attempted"]).toMatchObject([{ result: "BackedOut", reason: "NotPrepared" }]);
    expect(await cordoned(rig)).toBe(false);
    await rig.run(10);
    expect((await rig.state("n1"))["blockedBy"]).toMatchObject([
      { reason: "BackedOff", message: /Servers of the cluster are still older/ },
    ]);
    expect((await rig.jobs("prepare")).length).toBe(1);
    expect(await rig.jobs("stage")).toEqual([]);

    rig.cluster.machines.unprepared("n1", false);
    rig.clock.advance(16 * 60_000);
    await rig.until("it is patched", () => isConverged(rig));
    expect((await rig.jobs("prepare")).length).toBe(2);
    expect(await rig.violations()).toEqual([]);
  });

  it("of another claim says nothing about this one", async () => {
    const rig = await createRig(ONE);
    await rig.run(2);
    await rig.admin.create(JOBS, {
      metadata: {
        name: "rw-update-0123456789abcdef",
        namespace: "ringward-jobs",
        labels: { "ringward.dev/claim": "other", "ringward.dev/step": "update" },
      },
      spec: {
        template: {
          metadata: {},
          spec: { restartPolicy: "Never", containers: [{ name: "step", image: OLD_IMAGE, command: ["true"] }] },
        },
      },
    } as KubeObject);
    await rig.until("it is patched", () => isConverged(rig));
    expect(
      (await rig.jobs("update")).filter(({ metadata }) => metadata.labels?.["ringward.dev/claim"] !== "other").length,
    ).toBe(1);
  });

  it("that lies is found out: exit 0 and nothing installed is VerificationFailed, and the claim is kept (B12)", async () => {
    const rig = await createRig(ONE);
    rig.cluster.machines.dropUpdate("n1");
    await rig.until("it is found out", async () => (await failureOf(rig)) !== undefined);
    expect(await failureOf(rig)).toBe("VerificationFailed");
    await rig.run(10);
    expect((await claims(rig)).length).toBe(1);
    expect(await cordoned(rig)).toBe(true);
    expect((await rig.state("n1"))["state"]).not.toBe("Installed");

    rig.cluster.machines.repair("n1");
    await person(rig, { retryTime: new Date(rig.clock.now()).toISOString() });
    await rig.until("a retry patches it", () => isConverged(rig));
    expect(rig.kernel("n1")).toBe(NEW_KERNEL);
    expect(await cordoned(rig)).toBe(false);
  });

  it("that fails keeps the claim until a person releases the node (B14)", async () => {
    const rig = await createRig(ONE);
    rig.cluster.machines.failUpdate("n1");
    await rig.until("it fails", async () => (await failureOf(rig)) === "StepFailed");
    await rig.run(20);
    expect((await claims(rig)).length).toBe(1);
    await rig.setMode("Stop");
    await person(rig, { release: { reason: "given up", time: new Date(rig.clock.now()).toISOString() } });
    await rig.until("it is given back", async () => (await claims(rig)).length === 0);
    expect(await cordoned(rig)).toBe(false);
  });
});

describe("a node", () => {
  it("that does not come back keeps its claim and recovers when it is repaired (B10)", async () => {
    const rig = await createRig(ONE);
    rig.cluster.machines.neverReadyAfterReboot("n1");
    await rig.until("it is missed", async () => (await failureOf(rig)) === "NodeNotBack", 200);
    expect((await claims(rig)).length).toBe(1);
    rig.cluster.machines.repair("n1");
    await rig.until("it recovers", () => isConverged(rig));
    expect(await cordoned(rig)).toBe(false);
    expect(rig.cluster.machines.get("n1")?.bootCount).toBe(2);
  });

  for (const step of [
    "Claimed",
    "Staging",
    "Cordoned",
    "Drained",
    "Updating",
    "Updated",
    "Rebooting",
    "Rebooted",
    "Verified",
  ])
    it(`that is replaced by another of its name at ${step} gets nothing of the old one's claim (B9)`, async () => {
      const rig = await createRig({ ...ONE, machines: [machine("n1"), machine("n2", "other")] });
      await rig.until(`it is ${step}`, () => at(step)(rig));
      const { uid } = (await rig.node("n1")).metadata;
      rig.cluster.machines.vanish("n1");
      await rig.turn(0);
      await rig.turn(0);
      expect(await rig.admin.get(NODES, { name: "n1" })).toBeUndefined();
      rig.cluster.machines.join(machine("n1"));
      await rig.turn(0);
      expect((await rig.node("n1")).metadata.uid).not.toBe(uid);
      await rig.first.pass();
      expect((await claims(rig)).some((claim) => claim["uid"] === uid)).toBe(false);
      const { levels = [] } = await rig.ring();
      const lost = (levels as Status[]).find((level) => level["baseline"] === "ubuntu-2204")?.["lost"] ?? [];
      expect(lost).toEqual(["Claimed", "Staging"].includes(step) ? [] : [uid]);
      expect(await rig.violations()).toEqual([]);
      expect(await cordoned(rig)).toBe(false);
    });

  it("that is cordoned while its mark is wiped gets its mark back before anything is evicted (B4)", async () => {
    const rig = await createRig({ ...TWO, workloads: [] });
    await rig.until("it drains", () => at("Cordoned")(rig));
    await rig.admin.patch(
      NODES,
      { name: "n1" },
      {
        type: "merge",
        body: { metadata: { annotations: { "ringward.dev/claim": null, "ringward.dev/prior-unschedulable": null } } },
      },
    );
    await rig.until("it is patched", async () => rig.kernel("n1") === NEW_KERNEL && (await claims(rig)).length === 0);
    expect(await cordoned(rig)).toBe(false);
  });
});

describe("an inventory", () => {
  for (const [what, log] of [
    ["truncated", "ringward-inventory/v1\nH4sIAAAA\n"],
    ["garbage", "\u0000\u0001 <html>not found</html>\n"],
    ["empty", ""],
  ] as const)
    it(`that is ${what} is Unknown, never success`, async () => {
      const rig = await createRig({ ...ONE, mode: "Observe" });
      const run = rig.cluster.machines.run.bind(rig.cluster.machines);
      Object.assign(rig.cluster.machines, {
        run: (name: string, invocation: { command: readonly string[]; args: readonly string[] }, now: number) => {
          const result = run(name, invocation as never, now);
          return [...invocation.command, ...invocation.args].includes("inventory") ? { ...result, log } : result;
        },
      });
      await rig.run(6);
      const state = await rig.state("n1");
      expect(["Unknown", "Missing"]).toContain(state["state"]);
      expect(state["inventory"]).toBeUndefined();
      expect(state["inventoryProblem"]?.reason).toMatch(/^Inventory/);
      expect((await historyOf(rig)).filter((entry) => entry["result"] === "Succeeded")).toEqual([]);

      await rig.setMode("Enforce");
      await rig.until("it is updated, and cannot be verified", async () => (await failureOf(rig)) !== undefined);
      expect(await failureOf(rig)).toBe("VerificationFailed");
      await rig.run(5);
      expect((await historyOf(rig)).filter((entry) => entry["result"] === "Succeeded")).toEqual([]);
      expect((await claims(rig)).length).toBe(1);
      expect((await rig.ring())["phase"]).not.toBe("Done");
    });

  it("of a node under a claim is not overwritten by the cycle", async () => {
    const rig = await createRig({
      ...ONE,
      files: {},
      repository: {},
    });
    await rig.until("it updates", async () => (await rig.jobs("update")).length > 0);
    rig.writes.length = 0;
    rig.clock.advance(8 * 3_600_000);
    await rig.run(2);
    const cycle = rig.writes.filter(
      ({ path, body }) =>
        path.endsWith("/jobs") && (body as KubeObject).metadata.labels?.["ringward.dev/claim"] === undefined,
    );
    expect(cycle).toEqual([]);
  });
});

describe("the ledger's limits", () => {
  it("are read at every claim: one node at a time means one", async () => {
    const rig = await createRig();
    await rig.admin.patch(
      DISRUPTION_LEDGERS,
      { name: "cluster" },
      { type: "merge", body: { spec: { limits: { nodes: 1 } } } },
    );
    let most = 0;
    await rig.until("everything is patched", async () => {
      most = Math.max(most, (await claims(rig)).filter((claim) => claim["kind"] === "Node").length);
      return isConverged(rig);
    });
    expect(most).toBe(1);
    expect((await rig.admin.list(POD_DISRUPTION_BUDGETS)).items).toEqual([]);
  });
});
