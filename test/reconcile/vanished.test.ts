// Targets that disappear under a claim. A workload takes its state with it, so what is known of its operation is gone as soon as it is; a
// failure that cannot be ruled out counts (DESIGN: "unknown is never success").
import { describe, expect, it } from "vitest";
import { DEPLOYMENTS, WORKLOAD_PATCH_STATES } from "../../controller/kube/resources.ts";
import { createRig, FAST, NEW_IMAGE, type Rig, type Status, WEB } from "./rig.ts";

/** A container of the new image takes for ever to start. */
const SLOW = { ...FAST, containerStart: 24 * 3_600_000 };
const TWO = {
  machines: [],
  workloads: [WEB, { ...WEB, name: "zzz" }],
};

async function deleteWorkload(rig: Rig, name: string): Promise<string> {
  const object = await rig.admin.get(DEPLOYMENTS, { namespace: "shop", name });
  const uid = object?.metadata.uid ?? "";
  await rig.admin.delete(DEPLOYMENTS, { namespace: "shop", name }, { uid });
  return uid;
}

async function claimed(rig: Rig): Promise<readonly unknown[]> {
  const { claims = [] } = await rig.ledger();
  return (claims as Status[]).map((claim) => claim["uid"]);
}

async function record(rig: Rig): Promise<Status | undefined> {
  return ((await rig.ring())["levels"] as Status[]).find((level) => level["baseline"] === "shared-images");
}

async function stepOfWeb(rig: Rig): Promise<string | undefined> {
  return (await rig.workloadState("web"))["operation"]?.step as string | undefined;
}

describe("a workload that is deleted under a claim", () => {
  it("counts as failed once it was patched, although its state went with it, and stops the ring (V2)", async () => {
    const rig = await createRig({ ...TWO, timing: SLOW });
    await rig.until("web is patched", async () => (await stepOfWeb(rig)) === "Patched");
    const uid = await deleteWorkload(rig, "web");
    await rig.run(6);

    expect(await rig.admin.get(WORKLOAD_PATCH_STATES, { namespace: "shop", name: "deployment-web" })).toBeUndefined();
    expect(await record(rig)).toMatchObject({ lost: [uid], failed: 1 });
    expect(rig.events.map((event) => event.reason)).toContain("TargetVanished");
    expect(await claimed(rig)).toEqual([]);
    await rig.run(6);
    expect(await rig.image("zzz")).not.toBe(NEW_IMAGE);
    expect((await rig.ring())["blockedBy"]).toMatchObject([{ reason: "RingHalted" }]);
  });

  it("counts too when another one has its name before anybody looked (B9, V2)", async () => {
    const rig = await createRig({ ...TWO, timing: SLOW });
    await rig.until("web is patched", async () => (await stepOfWeb(rig)) === "Patched");
    const before = await rig.admin.get(DEPLOYMENTS, { namespace: "shop", name: "web" });
    const uid = await deleteWorkload(rig, "web");
    await rig.admin.create(DEPLOYMENTS, {
      metadata: { namespace: "shop", name: "web", labels: { ring: "canary" } },
      spec: before?.spec,
    });
    await rig.run(6);

    expect((await record(rig))?.["lost"]).toEqual([uid]);
    expect(await claimed(rig)).not.toContain(uid);
  });

  it("does not count before anything was done to it", async () => {
    const rig = await createRig({ ...TWO, timing: SLOW });
    await rig.until("web is claimed", async () => (await claimed(rig)).length > 0);
    await rig.until("its operation is written down", async () => (await stepOfWeb(rig)) !== undefined);
    expect(await stepOfWeb(rig)).toBe("Claimed");
    const state = await rig.admin.get(WORKLOAD_PATCH_STATES, { namespace: "shop", name: "deployment-web" });
    // Its state is still there when it is looked for: the garbage collector is slow.
    await deleteWorkload(rig, "web");
    if (state !== undefined) {
      const { metadata, spec, status } = state;
      const made = await rig.admin.create(WORKLOAD_PATCH_STATES, {
        metadata: { namespace: "shop", name: metadata.name },
        spec,
      });
      await rig.admin.updateStatus(WORKLOAD_PATCH_STATES, { ...made, status });
    }
    await rig.run(3);

    expect((await record(rig))?.["lost"] ?? []).toEqual([]);
    await rig.until("the other one is patched", async () => (await rig.image("zzz")) === NEW_IMAGE);
  });
});
