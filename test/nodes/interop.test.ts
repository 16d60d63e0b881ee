// Other tools on the same nodes, with the real controller on a live cluster: named, waited for, never fought; and autoscalers kept away.
import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../controller/kube/port.ts";
import { DAEMON_SETS, LEASES, NODES } from "../../controller/kube/resources.ts";
import { namespaceObject } from "../../controller/sandbox/fleet/workloads.ts";
import { createRig, isConverged, machine, NEW_KERNEL, reasonsOf, type Rig, START, stepOf } from "../reconcile/rig.ts";

const ONE = { machines: [machine("n1")], workloads: [] };
const SCALE_DOWN = "cluster-autoscaler.kubernetes.io/scale-down-disabled";
const DO_NOT_DISRUPT = "karpenter.sh/do-not-disrupt";

async function patchNode(rig: Rig, body: object): Promise<void> {
  await rig.admin.patch(NODES, { name: "n1" }, { type: "merge", body });
}

async function annotate(rig: Rig, annotations: Readonly<Record<string, string | null>>): Promise<void> {
  await patchNode(rig, { metadata: { annotations } });
}

async function annotations(rig: Rig): Promise<Readonly<Record<string, string>>> {
  return (await rig.node("n1")).metadata.annotations ?? {};
}

async function kept(rig: Rig): Promise<readonly (string | undefined)[]> {
  const found = await annotations(rig);
  expect(Object.keys(found).filter((key) => key.startsWith("ringward.dev/"))).toEqual([]);
  return [found[SCALE_DOWN], found[DO_NOT_DISRUPT]];
}

const claims = async (rig: Rig): Promise<number> => ((await rig.ledger())["claims"] ?? []).length as number;

const TAINT = { key: "ToBeDeletedByClusterAutoscaler", value: "1", effect: "NoSchedule" };

describe("a node that another tool works on", () => {
  it.each([
    ["BeingRemoved", { spec: { taints: [TAINT] } }, { spec: { taints: null } }],
    [
      "UnderMaintenance",
      { metadata: { labels: { "tuppr.home-operations.com/upgrading": "true" } } },
      { metadata: { labels: { "tuppr.home-operations.com/upgrading": null } } },
    ],
  ])(
    "is not claimed, is named %s with its time, and is updated when the mark is gone",
    async (reason, mark, unmark) => {
      const rig = await createRig(ONE);
      await patchNode(rig, mark);
      await rig.run(20);
      expect(await claims(rig)).toBe(0);
      expect(rig.writes.filter(({ path }) => path === "/api/v1/nodes/n1")).toEqual([]);
      expect((await rig.state("n1"))["blockedBy"]).toMatchObject([{ reason, since: expect.any(String) as string }]);

      await patchNode(rig, unmark);
      await rig.until("it is patched", () => isConverged(rig));
      expect(rig.kernel("n1")).toBe(NEW_KERNEL);
    },
  );

  it("that kured or medik8s holds is LockedByOther until the lock ends by itself", async () => {
    const lock = { nodeID: "n1", created: new Date(START).toISOString(), TTL: 10 * 60 * 1e9 };
    const kured = {
      apiVersion: "apps/v1",
      kind: "DaemonSet",
      metadata: {
        name: "kured",
        namespace: "shop",
        annotations: { "weave.works/kured-node-lock": JSON.stringify(lock) },
      },
      spec: {
        selector: { matchLabels: { app: "kured" } },
        template: { metadata: { labels: { app: "kured" } }, spec: { nodeSelector: { none: "none" }, containers: [] } },
      },
    };
    const rig = await createRig({
      machines: [machine("n1"), machine("n2")],
      workloads: [],
      objects: [namespaceObject("medik8s-leases")],
    });
    await rig.admin.create(DAEMON_SETS, {
      ...kured,
      spec: {
        ...kured.spec,
        template: {
          ...kured.spec.template,
          spec: { ...kured.spec.template.spec, containers: [{ name: "k", image: "k" }] },
        },
      },
    } as KubeObject);
    await rig.admin.create(LEASES, {
      metadata: { name: "node-n2", namespace: "medik8s-leases" },
      spec: { holderIdentity: "node-maintenance", renewTime: "2024-12-16T07:00:00.000000Z", leaseDurationSeconds: 600 },
    } as KubeObject);
    await rig.run(10);
    expect(await claims(rig)).toBe(0);
    const [first] = (await rig.state("n1"))["blockedBy"];
    expect(first).toMatchObject({
      reason: "LockedByOther",
      message: expect.stringContaining("DaemonSet shop/kured") as string,
    });
    const [second] = (await rig.state("n2"))["blockedBy"];
    expect(second.message).toContain("node-maintenance holds the node");

    rig.clock.advance(10 * 60_000);
    await rig.until("both are patched", () => isConverged(rig));
  });

  it("is given back when the mark comes before the cordon, and left alone, cordoned, when it comes after", async () => {
    const rig = await createRig({ ...ONE, machines: [machine("n1"), machine("n2", "other")] });
    await rig.until("it drains", async () => (await stepOf(rig, "n1")) === "Cordoned");
    await patchNode(rig, { spec: { taints: [TAINT] } });
    await rig.run(10);
    expect(reasonsOf(await rig.state("n1"))).toEqual(["BeingRemoved"]);
    expect((await rig.node("n1")).spec?.unschedulable).toBe(true);
    expect(await rig.jobs("update")).toEqual([]);

    // The end of a window, or a withdrawal, waits too; a person's word does not.
    await rig.setMode("Stop");
    await rig.until("it is given back", async () => (await claims(rig)) === 0);
    expect((await rig.node("n1")).spec?.unschedulable ?? false).toBe(false);

    await rig.setMode("Enforce");
    await rig.run(5);
    expect(await claims(rig)).toBe(0);
    await patchNode(rig, { spec: { taints: null } });
    await rig.until("it is patched", () => isConverged(rig), 400);
  });

  it("backs out before its cordon", async () => {
    const rig = await createRig(ONE);
    await rig.until("it is claimed", async () => (await stepOf(rig, "n1")) === "Claimed");
    await patchNode(rig, { spec: { taints: [TAINT] } });
    await rig.until("it is given back", async () => (await claims(rig)) === 0);
    expect((await rig.state("n1"))["history"].at(-1)).toMatchObject({
      result: "BackedOut",
      message: expect.stringContaining("ToBeDeletedByClusterAutoscaler") as string,
    });
    expect(await kept(rig)).toEqual([undefined, undefined]);
  });
});

describe("the autoscalers' do-not-remove marks", () => {
  it("stand with the cordon, in the same write, and are gone after it", async () => {
    const rig = await createRig(ONE);
    await rig.until("it drains", async () => (await stepOf(rig, "n1")) === "Cordoned");
    expect(await annotations(rig)).toMatchObject({ [SCALE_DOWN]: "true", [DO_NOT_DISRUPT]: "true" });
    await rig.until("it is patched", () => isConverged(rig));
    expect(await kept(rig)).toEqual([undefined, undefined]);
    expect(await rig.violations()).toEqual([]);
  });

  it("that were there before are there after, whatever they said", async () => {
    const rig = await createRig(ONE);
    await annotate(rig, { [SCALE_DOWN]: "true", [DO_NOT_DISRUPT]: "30m" });
    await rig.until("it drains", async () => (await stepOf(rig, "n1")) === "Cordoned");
    expect(await annotations(rig)).toMatchObject({ [SCALE_DOWN]: "true", [DO_NOT_DISRUPT]: "true" });
    await rig.until("it is patched", () => isConverged(rig));
    expect(await kept(rig)).toEqual(["true", "30m"]);
    expect(await rig.violations()).toEqual([]);
  });

  it("are taken away on the way back too, by a controller that remembers nothing", async () => {
    const rig = await createRig(ONE);
    await rig.until("it drains", async () => (await stepOf(rig, "n1")) === "Cordoned");
    await rig.setMode("Stop");
    const second = rig.born("second");
    for (let pass = 0; pass < 10; pass += 1) {
      await second.pass();
      await rig.turn();
    }
    expect(await claims(rig)).toBe(0);
    expect(await kept(rig)).toEqual([undefined, undefined]);
    expect(await rig.violations()).toEqual([]);
  });

  it("that a person changed or removed meanwhile stay as the person left them", async () => {
    const rig = await createRig(ONE);
    await rig.until("it drains", async () => (await stepOf(rig, "n1")) === "Cordoned");
    await annotate(rig, { [SCALE_DOWN]: null, [DO_NOT_DISRUPT]: "false" });
    await rig.until("it is patched", () => isConverged(rig));
    expect(await kept(rig)).toEqual([undefined, "false"]);
    expect(await rig.violations()).toEqual([]);
  });

  it("are not taken for somebody else's when a person wipes the rest of the mark", async () => {
    const rig = await createRig({ ...ONE, machines: [machine("n1"), machine("n2", "other")] });
    await annotate(rig, { [DO_NOT_DISRUPT]: "false" });
    await rig.until("it drains", async () => (await stepOf(rig, "n1")) === "Cordoned");
    await annotate(rig, {
      "ringward.dev/claim": null,
      "ringward.dev/prior-unschedulable": null,
      "ringward.dev/prior-marks": null,
    });
    await rig.until("it is patched", () => isConverged(rig));
    expect(await kept(rig)).toEqual([undefined, "false"]);
  });

  it.each(['{"karpenter.sh/do-not-disrupt":7,"__proto__":"x","spec":null}', "[", "x".repeat(600), "null"])(
    "are read with care from the node, which writes its own annotations (%.24s)",
    async (text) => {
      const rig = await createRig(ONE);
      await rig.until("it drains", async () => (await stepOf(rig, "n1")) === "Cordoned");
      await annotate(rig, { "ringward.dev/prior-marks": text });
      await rig.until("it is patched", () => isConverged(rig));
      expect((await annotations(rig))["ringward.dev/prior-marks"]).toBeUndefined();
    },
  );
});
