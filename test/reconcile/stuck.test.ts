// Operations that cannot go on by themselves: each says why in an object that its owner can read, comes to an end or keeps its claim for a
// person to decide, and holds up nobody that it does not have to.
import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../controller/kube/port.ts";
import { POD_DISRUPTION_BUDGETS } from "../../controller/kube/resources.ts";
import {
  closeAfterCordon,
  conditionOf,
  createRig,
  FAST,
  isConverged,
  machine,
  NEW_KERNEL,
  reasonsOf,
  type Rig,
  ringFile,
  type RigOptions,
  type Status,
  stepOf,
  WEB,
} from "./rig.ts";

const MINUTE = 60_000;
const NEVER = 30 * 24 * 60 * MINUTE;

/** One may go, until somebody closes it. */
const OPEN: KubeObject = {
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { name: "web", namespace: "shop" },
  spec: { maxUnavailable: 1, selector: { matchLabels: { app: "web" } } },
};

function textOf(rig: Rig): string {
  return rig.remote.people.text("main", "rings/canary.yaml") ?? "";
}

async function claims(rig: Rig): Promise<readonly Status[]> {
  return (await rig.ledger())["claims"] ?? [];
}

/** Passes a minute apart. */
async function wait(rig: Rig, minutes: number): Promise<void> {
  for (let minute = 0; minute < minutes; minute += 1) {
    await rig.first.pass();
    await rig.turn(MINUTE);
  }
}

/** Every claim of a node says, in the node's own state, why it does not move and since when. */
async function unexplained(rig: Rig): Promise<readonly string[]> {
  const silent: string[] = [];
  for (const { name } of await claims(rig)) {
    const { blockedBy = [], operation } = await rig.state(name as string);
    const [block] = blockedBy as Status[];
    const why = operation?.failure ?? operation?.backOut ?? block;
    if (typeof why?.reason !== "string" || typeof why.message !== "string") silent.push(name as string);
    else if (Number.isNaN(Date.parse((why.time ?? why.since) as string))) silent.push(`${name} since when?`);
  }
  return silent;
}

function shut(drain: string): RigOptions {
  const ring = ringFile("canary", `drain: ${drain}`).replace(
    "selector: { matchLabels: { ring: canary } }\n      mode",
    "selector: { matchLabels: { ring: none } }\n      mode",
  );
  return { machines: [machine("n1")], workloads: [WEB], objects: [OPEN], files: { "rings/canary.yaml": ring } };
}

describe("a PodDisruptionBudget that never lets go", () => {
  it("ends the drain when its time is over: named, the node given back, and tried again later (V2)", async () => {
    const rig = await createRig(shut("{ timeout: 10m }"));
    await closeAfterCordon(rig);
    await rig.until("the budget refuses", async () => reasonsOf(await rig.state("n1")).includes("PDBNeverAllows"));
    const { blockedBy, conditions } = await rig.state("n1");
    await wait(rig, 14);

    expect(blockedBy).toMatchObject([
      { reason: "PDBNeverAllows", message: expect.stringContaining("shop/web") as string },
    ]);
    expect(conditions).toMatchObject([{ type: "Ready" }, { type: "Reconciling", reason: "PDBNeverAllows" }]);
    expect((await rig.node("n1")).spec?.unschedulable ?? false).toBe(false);
    const { attempted, operation } = await rig.state("n1");
    expect(operation).toBeUndefined();
    expect(attempted).toMatchObject([
      { reason: "DrainTimedOut", result: "BackedOut", notBefore: expect.any(String) as string },
    ]);

    await rig.admin.delete(
      POD_DISRUPTION_BUDGETS,
      { namespace: "shop", name: "web" },
      { uid: (await rig.admin.get(POD_DISRUPTION_BUDGETS, { namespace: "shop", name: "web" }))?.metadata.uid ?? "" },
    );
    await wait(rig, 80);
    expect(rig.kernel("n1")).toBe(NEW_KERNEL);
  });

  it("keeps the claim for as long as the ring says Hold, and says why (V2)", async () => {
    const rig = await createRig(shut("{ timeout: 10m, onTimeout: Hold }"));
    await closeAfterCordon(rig);
    await rig.until("the budget refuses", async () => reasonsOf(await rig.state("n1")).includes("PDBNeverAllows"));
    const [first] = (await rig.state("n1"))["blockedBy"] as Status[];
    await wait(rig, 90);

    expect(await claims(rig)).toMatchObject([{ name: "n1" }]);
    expect(await unexplained(rig)).toEqual([]);
    expect((await rig.state("n1"))["blockedBy"]).toMatchObject([{ reason: "PDBNeverAllows", since: first?.["since"] }]);
  });
});

const NODES: RigOptions = { workloads: [], machines: [machine("n1"), machine("n2"), machine("o1", "other")] };
/** A second ring, which must not suffer. */
const FILES = { "rings/other.yaml": ringFile("other") };

/** Failed for good: the claim is kept, the ring claims nothing more, and another ring goes on. */
async function expectHeld(rig: Rig, reason: string): Promise<void> {
  expect((await rig.state("n1"))["operation"]).toMatchObject({ failure: { reason } });
  expect(await unexplained(rig)).toEqual([]);
  expect((await claims(rig)).map(({ name }) => name as string)).toEqual(["n1"]);
  expect(conditionOf(await rig.state("n1"), "Stalled")).toMatchObject({ status: "True", reason });
  expect(conditionOf(await rig.ring(), "Stalled")).toMatchObject({ status: "True", reason: "RingHalted" });
  expect(rig.kernel("n2")).not.toBe(NEW_KERNEL);
  expect(rig.kernel("o1")).toBe(NEW_KERNEL);
}

describe("what never ends", () => {
  it("a job: it has failed when its time is over, and its claim is kept (V2)", async () => {
    const program = { ...FAST.program };
    const rig = await createRig({
      ...NODES,
      timing: { ...FAST, program },
      files: { ...FILES, "rings/canary.yaml": ringFile("canary", "suspend: true") },
    });
    await rig.until("the other ring is done", () => rig.kernel("o1") === NEW_KERNEL);
    program.update = NEVER;
    rig.commit({ "rings/canary.yaml": textOf(rig).replace("suspend: true", "suspend: false") });
    await rig.until("n1 updates", async () => (await stepOf(rig, "n1")) === "Updating");
    await wait(rig, 45);

    await expectHeld(rig, "StepTimedOut");
  });

  it("a job on a node that died: it has failed when its time is over, although nobody says how it ended (V2)", async () => {
    const program = { ...FAST.program, update: NEVER };
    const timing = { ...FAST, program, nodeMonitorGrace: 60_000, leaseRenew: 10_000 };
    const rig = await createRig({ workloads: [], machines: [machine("n1")], timing });
    await rig.until("n1 updates", async () => (await rig.jobs("update")).length > 0);
    rig.cluster.server.setFault(({ user, write }) => (user === "system:nodes" && write ? { status: 503 } : "none"));
    const waitDead = async (minutes: number): Promise<void> => {
      for (let minute = 0; minute < minutes; minute += 1) {
        await rig.first.pass();
        // Its kubelet cannot write; the other actors can.
        for (let round = 0; round < 3; round += 1) await rig.cluster.runRound();
        rig.clock.advance(MINUTE);
      }
    };
    await waitDead(10);
    expect(reasonsOf(await rig.state("n1"))).toContain("NodeNotReady");
    await waitDead(35);

    expect((await rig.state("n1"))["operation"]).toMatchObject({ failure: { reason: "StepTimedOut" } });
    expect(await claims(rig)).toHaveLength(1);
    expect(await unexplained(rig)).toEqual([]);
  });

  it("a reboot: the node has not come back when its time is over, and its claim is kept (V2)", async () => {
    const rig = await createRig({ ...NODES, files: FILES });
    rig.cluster.machines.neverReadyAfterReboot("n1");
    await rig.until("n1 has failed", async () => (await rig.state("n1"))["operation"]?.failure !== undefined, 800);
    await wait(rig, 10);
    await expectHeld(rig, "NodeNotBack");

    rig.cluster.machines.repair("n1");
    await rig.until("it recovers by itself, and the ring goes on", () => isConverged(rig), 200);
  });
});
