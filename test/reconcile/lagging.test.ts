// Caches that lag behind: whatever a pass was shown, what it does is measured by what stands in the store now, and first of all by its own last
// writes. The cache is held still at each step of an operation, for longer than the step lasts.
import { describe, expect, it } from "vitest";
import { NODE_STEPS, type NodeStep } from "../../controller/api/patch-state.ts";
import type { KubeObject } from "../../controller/kube/port.ts";
import type { ClusterReader } from "../../controller/reconcile/cluster.ts";
import type { ClusterObjects } from "../../controller/reconcile/cluster-kinds.ts";
import { DISRUPTION_LEDGERS, NODE_PATCH_STATES, NODES } from "../../controller/kube/resources.ts";
import { createRig, isConverged, machine, NEW_IMAGE, NEW_KERNEL, type Rig, ringFile, type Status } from "./rig.ts";

/** A reader that can be told to show the same for a while. */
function holding(): {
  readonly reader: (reader: ClusterReader) => ClusterReader;
  readonly hold: (passes: number) => void;
} {
  let shown: ClusterObjects | undefined;
  let left = 0;
  return {
    reader: (reader) => ({
      ...reader,
      async read() {
        if (left > 0 && shown !== undefined) {
          left -= 1;
          return shown;
        }
        shown = await reader.read();
        return shown;
      },
    }),
    hold: (passes) => {
      left = passes;
    },
  };
}

/** Steps that an operation went back: nothing but an act on an old reading does that. */
function stepsBack(rig: Rig): readonly string[] {
  const back: string[] = [];
  for (const { object, previous, key, resource } of rig.cluster.server.store.history()) {
    if (resource !== "nodepatchstates.ringward.dev") continue;
    const [before, after] = [previous, object].map((one) => (one?.status as Status | undefined)?.["operation"]);
    if (before === undefined || after === undefined || before.claimId !== after.claimId) continue;
    if (NODE_STEPS.indexOf(after.step as NodeStep) < NODE_STEPS.indexOf(before.step as NodeStep))
      back.push(`${key}: ${before.step} to ${after.step}`);
  }
  return back;
}

/** What a ring once recorded and lost again. */
function recordsLost(rig: Rig): readonly string[] {
  const lost: string[] = [];
  const levels = (object: Readonly<KubeObject> | undefined): readonly Status[] =>
    ((object?.status as Status | undefined)?.["levels"] ?? []) as Status[];
  for (const { object, previous, key, resource } of rig.cluster.server.store.history()) {
    if (resource !== "rolloutrings.ringward.dev") continue;
    for (const before of levels(previous)) {
      const after = levels(object).find(({ digest }) => digest === before["digest"]);
      for (const field of ["startedTime", "offeredTime", "soakedTime"])
        if (before[field] !== undefined && after?.[field] !== before[field]) lost.push(`${key}: ${field}`);
      if ((after?.["soakedSeconds"] ?? 0) < before["soakedSeconds"]) lost.push(`${key}: soak went back`);
    }
  }
  return lost;
}

/** A job of the inventory cycle, not of an operation. */
function isLook({ metadata }: Readonly<KubeObject>): boolean {
  return metadata.labels?.["ringward.dev/claim"] === undefined;
}

describe("a cache older than our own last write", () => {
  for (const passes of [1, 4, 30])
    it(`of ${passes} passes leads to nothing that is done twice or taken back (K4)`, async () => {
      const rig = await createRig({
        machines: [machine("n1"), machine("n2")],
        files: { "rings/canary.yaml": ringFile("canary").replace("soak: 10s", "soak: 2m") },
      });
      const cache = holding();
      const lagging = rig.born("ringward-lagging", { reader: cache.reader });
      for (let count = 0; count < 400 && !(await isConverged(rig)); count += 1) {
        // One pass in passes + 1 sees the present, so that every moment is held still in one run or another.
        if (count % (passes + 1) === 0) cache.hold(passes);
        await lagging.pass();
        await rig.turn();
      }

      expect(await isConverged(rig)).toBe(true);
      expect(["n1", "n2"].map((name) => rig.kernel(name))).toEqual([NEW_KERNEL, NEW_KERNEL]);
      expect(await rig.image("web")).toBe(NEW_IMAGE);
      expect(["n1", "n2"].map((name) => rig.cluster.machines.get(name)?.bootCount)).toEqual([2, 2]);
      for (const step of ["update", "reboot"]) expect((await rig.jobs(step)).length).toBe(2);
      expect(stepsBack(rig)).toEqual([]);
      expect(recordsLost(rig)).toEqual([]);
    });

  it("does not look at a node again that it has just looked at (K2)", async () => {
    const names = ["n1", "n2", "n3", "n4"];
    const rig = await createRig({ machines: names.map((name) => machine(name)), workloads: [] });
    const cache = holding();
    const lagging = rig.born("ringward-lagging", { reader: cache.reader });

    for (let count = 0; count < 20; count += 1) {
      // When the first looks are about to end.
      if (count === 3) cache.hold(12);
      await lagging.pass();
      await rig.turn();
    }

    const looks = rig.cluster.server.store
      .history()
      .filter(({ type, key, object }) => type === "ADDED" && key.includes("rw-inventory-") && isLook(object));
    expect(looks.length).toBeGreaterThanOrEqual(names.length - 1);
    expect(new Set(looks.map(({ key }) => key)).size).toBe(looks.length);
  });
});

/** Claims that were ever made for a target. */
function claimsOf(rig: Rig, name: string): readonly string[] {
  const ids = new Set<string>();
  for (const { object, resource } of rig.cluster.server.store.history())
    if (resource === `${DISRUPTION_LEDGERS.plural}.ringward.dev`)
      for (const claim of ((object.status as Status | undefined)?.["claims"] ?? []) as Status[])
        if (claim["name"] === name) ids.add(claim["id"] as string);
  return [...ids];
}

describe("a cache that shows everything but the patch states of now", () => {
  it("claims nobody again whom a person has just released, and lets the next one go on when it has caught up (B14)", async () => {
    const rig = await createRig({ machines: [machine("n1"), machine("n2")], workloads: [] });
    let shown: ClusterObjects["nodeStates"] | undefined;
    const lagging = rig.born("ringward-lagging", {
      reader: (reader) => ({
        ...reader,
        async read() {
          const objects = await reader.read();
          return shown === undefined ? objects : { ...objects, nodeStates: shown };
        },
      }),
    });
    const run = async (passes: number): Promise<void> => {
      for (let pass = 0; pass < passes; pass += 1) {
        await lagging.pass();
        await rig.turn();
      }
    };
    let before: ClusterObjects["nodeStates"] = [];
    await rig.until("n1 is under way", async () => {
      if ((await rig.state("n1"))["operation"] !== undefined) return true;
      before = (await rig.admin.list(NODE_PATCH_STATES)).items;
      return false;
    });
    await rig.admin.patch(
      NODE_PATCH_STATES,
      { name: "n1" },
      {
        type: "merge",
        body: { status: { operation: { release: { reason: "mine", time: "2024-12-16T08:00:00Z" } } } },
      },
      { subresource: "status" },
    );
    shown = before;
    await run(12);

    expect((await rig.state("n1"))["attempted"]).toMatchObject([{ result: "Released" }]);
    expect(claimsOf(rig, "n1")).toHaveLength(1);

    shown = undefined;
    await run(40);
    expect(["n1", "n2"].map((name) => rig.kernel(name) === NEW_KERNEL)).toEqual([false, true]);
    expect(await rig.violations()).toEqual([]);
  });
});

describe("a cache that shows everything but the nodes of now", () => {
  /** A controller whose cache shows the nodes as they are now from here on. */
  async function lateOn(rig: Rig): Promise<(passes: number) => Promise<void>> {
    const shown = (await rig.admin.list(NODES)).items;
    const lagging = rig.born("ringward-lagging", {
      reader: (reader) => ({
        ...reader,
        read: async () => ({ ...(await reader.read()), nodes: shown }),
      }),
    });
    return async (passes) => {
      for (let pass = 0; pass < passes; pass += 1) {
        await lagging.pass();
        await rig.turn();
      }
    };
  }

  it("claims nobody who is at the level already", async () => {
    const rig = await createRig({ machines: [machine("n1")], workloads: [] });
    await rig.turn();
    const run = await lateOn(rig);
    await rig.until("all are patched", () => isConverged(rig));
    const claims = claimsOf(rig, "n1");

    await run(10);

    expect(claimsOf(rig, "n1")).toEqual(claims);
    expect(rig.errors).toEqual([]);
  });

  it("claims nobody whom a person has just cordoned", async () => {
    const rig = await createRig({ machines: [machine("n1")], workloads: [], mode: "Observe" });
    await rig.run(8);
    const run = await lateOn(rig);
    await rig.admin.patch(NODES, { name: "n1" }, { type: "merge", body: { spec: { unschedulable: true } } });
    await rig.setMode("Enforce");

    await run(10);

    expect(claimsOf(rig, "n1")).toEqual([]);
    expect(rig.errors).toEqual([]);
  });

  it("claims nobody whose machine was replaced by another of its name", async () => {
    const rig = await createRig({ machines: [machine("n1")], workloads: [], mode: "Observe" });
    await rig.run(8);
    const run = await lateOn(rig);
    await rig.admin.delete(NODES, { name: "n1" }, { uid: (await rig.node("n1")).metadata.uid ?? "" });
    rig.cluster.machines.join(machine("n1"));
    await rig.turn();
    await rig.setMode("Enforce");

    await run(10);

    expect(claimsOf(rig, "n1")).toEqual([]);
    await rig.until("the new machine is patched", async () => rig.kernel("n1") === NEW_KERNEL);
  });

  it("claims nobody whose node cannot be read", async () => {
    const rig = await createRig({ machines: [machine("n1")], workloads: [], mode: "Observe" });
    await rig.run(8);
    await rig.setMode("Enforce");
    rig.cluster.server.setFault(({ method, path, user }) =>
      user === "ringward" && method === "GET" && path.endsWith("/nodes/n1") ? { status: 500 } : "none",
    );

    await rig.run(5);

    expect(claimsOf(rig, "n1")).toEqual([]);
    rig.cluster.server.setFault(() => "none");
    await rig.until("n1 is patched", async () => rig.kernel("n1") === NEW_KERNEL);
  });
});
