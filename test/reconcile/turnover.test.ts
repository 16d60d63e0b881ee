// Who joined and who left a ring stands in its status by name, once, and in its next proposal.
import { describe, expect, it } from "vitest";
import { NODES } from "../../controller/kube/resources.ts";
import { createRig, isConverged, machine, type Rig, ringFile, type RigOptions, type Status } from "./rig.ts";

const WITH = (name: string): string => ringFile(name).replace("    - baseline: shared-images\n", "");
const WORLD: RigOptions = {
  workloads: [],
  machines: [machine("n1"), machine("n2"), machine("n3"), machine("m1", "prod")],
  files: { "baselines/shared-images.yaml": null, "rings/canary.yaml": WITH("canary"), "rings/prod.yaml": WITH("prod") },
};

const namesOf = async (rig: Rig, ring: string, what: "joined" | "left"): Promise<readonly string[]> =>
  (((await rig.ring(ring))[what] ?? []) as readonly Status[]).map(({ name }) => String(name)).sort();

describe("a node that goes over to another ring, and one that goes for good", () => {
  it("are written down in the rings before what is stored of them changes, and then nothing is written", async () => {
    const rig = await createRig(WORLD);
    await rig.until("all are done", () => isConverged(rig), 200);
    expect(await namesOf(rig, "canary", "joined")).toEqual([]);

    await rig.admin.patch(NODES, { name: "n2" }, { type: "merge", body: { metadata: { labels: { ring: "prod" } } } });
    const { metadata } = await rig.node("n3");
    await rig.admin.delete(NODES, { name: "n3" }, { uid: metadata.uid! });
    await rig.until("they are told", async () => (await namesOf(rig, "canary", "left")).length === 2, 30);
    await rig.run(5);

    expect(await namesOf(rig, "canary", "left")).toEqual(["n2", "n3"]);
    expect(await namesOf(rig, "prod", "joined")).toEqual(["n2"]);
    const writes = rig.writes.length;
    await rig.run(5);
    expect(rig.writes.slice(writes).filter(({ path }) => path.includes("rolloutrings"))).toEqual([]);
    expect(rig.errors).toEqual([]);
  });

  it("that is in no ring afterwards is written down so once, and not again in every pass (K7)", async () => {
    const rig = await createRig(WORLD);
    await rig.until("all are done", () => isConverged(rig), 200);

    await rig.admin.patch(NODES, { name: "n2" }, { type: "merge", body: { metadata: { labels: { ring: null } } } });
    await rig.until("it is told", async () => (await namesOf(rig, "canary", "left")).length === 1, 30);
    await rig.run(5);

    expect((await rig.state("n2"))["ring"]).toBeUndefined();
    const writes = rig.writes.length;
    await rig.run(5);
    expect(rig.writes.slice(writes).filter(({ path }) => path.includes("patchstates"))).toEqual([]);
  });
});
