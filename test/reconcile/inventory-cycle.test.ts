// The inventory cycle and nodes that failed: one that a person mended by hand is seen to be well and recovers, with no other word; what
// a look saw before the operation went on says nothing.
import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../controller/kube/port.ts";
import { JOBS, NODE_PATCH_STATES } from "../../controller/kube/resources.ts";
import { createRig, isConverged, machine, NEW_KERNEL, type Rig, type Status } from "./rig.ts";

const MINUTE = 60_000;
const claims = async (rig: Rig): Promise<readonly Status[]> => (await rig.ledger())["claims"] ?? [];
const operationOf = async (rig: Rig): Promise<Status | undefined> => (await rig.state("n1"))["operation"];

/** Inventory jobs of the cycle, not of an operation. */
const looks = async (rig: Rig): Promise<readonly KubeObject[]> =>
  (await rig.jobs("inventory")).filter(({ metadata }) => metadata.labels?.["ringward.dev/claim"] === undefined);

/** A node whose update failed, which rests. */
async function failedNode(): Promise<Rig> {
  const rig = await createRig({ machines: [machine("n1")], workloads: [] });
  rig.cluster.machines.failUpdate("n1");
  await rig.until("it fails", async () => (await operationOf(rig))?.["failure"]?.reason === "StepFailed");
  await rig.run(3);
  return rig;
}

async function pass(rig: Rig, minutes: number): Promise<void> {
  for (let minute = 0; minute < minutes; minute += 1) {
    await rig.first.pass();
    await rig.turn(MINUTE);
  }
}

/** What the level wants, installed and booted by hand. */
function mend(rig: Rig): void {
  const { machines } = rig.cluster;
  machines.repair("n1");
  const found = machines.get("n1");
  if (found === undefined) throw new Error("there is no machine n1");
  machines.put({
    ...found,
    kernel: { running: NEW_KERNEL, installed: [...found.kernel.installed, NEW_KERNEL], next: NEW_KERNEL },
    kubelet: "1.31.4",
    containerRuntime: "containerd://1.7.24",
    packages: { ...found.packages, openssl: "3.0.2-0ubuntu1.18", libssl3: "3.0.2-0ubuntu1.18" },
  });
  machines.boot("n1");
}

describe("a failed node that keeps its claim", () => {
  it("recovers when a person mended it by hand, and nobody says anything else (B14)", async () => {
    const rig = await failedNode();
    await pass(rig, 10);
    mend(rig);

    await pass(rig, 60);

    expect(await claims(rig)).toEqual([]);
    expect((await rig.state("n1"))["history"]).toMatchObject([{ result: "Succeeded" }]);
    expect((await rig.node("n1")).spec?.unschedulable ?? false).toBe(false);
    expect((await rig.jobs("update")).length).toBeLessThanOrEqual(1);
    await rig.until("it comes to rest", () => isConverged(rig));
    expect(await rig.violations()).toEqual([]);
  });

  it("keeps its claim while it is as broken as before, and is not looked at all the time (K7)", async () => {
    const rig = await failedNode();
    const since = rig.writes.length;

    await pass(rig, 120);

    expect((await claims(rig)).length).toBe(1);
    expect((await operationOf(rig))?.["failure"]?.reason).toBe("StepFailed");
    const started = rig.writes
      .slice(since)
      .filter(({ method, path, body }) => method === "POST" && path.endsWith("/jobs") && body !== undefined);
    expect(started.length).toBeGreaterThanOrEqual(2);
    expect(started.length).toBeLessThanOrEqual(4);
  });

  it("is not judged by a look that is older than what its operation did since", async () => {
    const rig = await failedNode();
    mend(rig);
    // The look is under way, and what it saw is well ...
    await rig.until("it is looked at", async () => (await looks(rig)).some(({ status }) => !isOver(status)), 1_000);
    const [job] = await looks(rig);
    await rig.turn(1_000);
    // ... when the operation goes on, and fails anew.
    const object = (await rig.admin.get(NODE_PATCH_STATES, { name: "n1" })) as KubeObject;
    const status = object.status as Status;
    const before = status["inventory"];
    const failure = { ...status["operation"].failure, time: new Date(rig.clock.now()).toISOString() };
    await rig.admin.updateStatus(NODE_PATCH_STATES, {
      ...object,
      status: { ...status, operation: { ...status["operation"], attempt: 2, failure } },
    });

    await rig.run(5);

    expect((await rig.state("n1"))["inventory"]).toEqual(before);
    expect((await operationOf(rig))?.["failure"]).toEqual(failure);
    expect(await rig.admin.get(JOBS, { namespace: "ringward-jobs", name: job?.metadata.name ?? "" })).toBeDefined();
  });
});

function isOver(status: unknown): boolean {
  const { succeeded = 0, failed = 0 } = (status ?? {}) as { readonly succeeded?: number; readonly failed?: number };
  return succeeded + failed > 0;
}

describe("an inventory whose job the cluster does not take", () => {
  it("stands in the node's state with what the cluster says, and is asked for again only when the next look is due", async () => {
    const rig = await createRig({ machines: [machine("n1")], workloads: [] });
    const body = { kind: "Status", code: 403, reason: "Forbidden", message: "denied: image x is not allowed on nodes" };
    let asked = 0;
    const controller = rig.born("ringward/confined", {
      port: (port) => ({
        ...port,
        request(request) {
          if (request.method !== "POST" || !JSON.stringify(request.body ?? "").includes("rw-inventory-"))
            return port.request(request);
          if (request.query?.["dryRun"] === undefined) asked += 1;
          return Promise.resolve({ status: 403, headers: {}, body });
        },
      }),
    });
    for (let pass = 0; pass < 12; pass += 1) {
      await controller.pass();
      await rig.turn();
    }

    expect((await rig.state("n1"))["inventoryProblem"]).toMatchObject({
      reason: "JobRefused",
      message: "the cluster refuses the job of step inventory: denied: image x is not allowed on nodes",
    });
    // The first look may come before there is a state to say it in.
    expect(asked).toBeLessThanOrEqual(2);
  });
});
