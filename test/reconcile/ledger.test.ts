// Facts about the ledger: made careful, rebuilt from what stands on objects, and bound by its limits whatever is asked.
import { describe, expect, it } from "vitest";
import type { Claim } from "../../controller/core/model.ts";
import { createClient } from "../../controller/kube/client.ts";
import type { KubeObject } from "../../controller/kube/port.ts";
import { DISRUPTION_LEDGERS, NODE_PATCH_STATES, NODES } from "../../controller/kube/resources.ts";
import type { ClusterReader } from "../../controller/reconcile/cluster.ts";
import type { ClusterObjects } from "../../controller/reconcile/cluster-kinds.ts";
import { readLedger, writeLedger } from "../../controller/reconcile/ledger.ts";
import {
  createRig,
  isConverged,
  machine,
  NEW_KERNEL,
  reasonsOf,
  type Rig,
  type RigOptions,
  type Status,
  stepOf,
} from "./rig.ts";

const ONE: RigOptions = { machines: [machine("n1"), machine("n2", "other")], workloads: [] };
const claims = async (rig: Rig): Promise<readonly Status[]> => (await rig.ledger())["claims"] ?? [];

async function deleteLedger(rig: Rig): Promise<void> {
  const ledger = await rig.admin.get(DISRUPTION_LEDGERS, { name: "cluster" });
  await rig.admin.delete(DISRUPTION_LEDGERS, { name: "cluster" }, { uid: ledger?.metadata.uid ?? "" });
}

async function enforce(rig: Rig): Promise<void> {
  await rig.admin.create(DISRUPTION_LEDGERS, {
    metadata: { name: "cluster" },
    spec: { mode: "Enforce", limits: { nodes: 2, nodesPerZone: 2 } },
  } as KubeObject);
}

describe("the ledger", () => {
  it("is made in mode Observe where there is none", async () => {
    const rig = await createRig({ mode: "none" });
    await rig.run(8);
    const ledger = await rig.admin.get(DISRUPTION_LEDGERS, { name: "cluster" });
    expect((ledger?.spec as Status | undefined)?.["mode"]).toBe("Observe");
    expect(await claims(rig)).toEqual([]);
    expect((await rig.node("n1")).metadata.annotations?.["ringward.dev/claim"]).toBeUndefined();
  });

  it("that was deleted is rebuilt from marks and operations before anything is claimed (B2)", async () => {
    const rig = await createRig();
    await rig.until("n1 drains", async () => (await stepOf(rig, "n1")) === "Cordoned");
    const before = await claims(rig);
    await deleteLedger(rig);
    await enforce(rig);
    const result = await rig.first.pass();
    expect(result?.plan.claims).toEqual([]);
    const after = await claims(rig);
    const byUid = (list: readonly Status[]): readonly unknown[] =>
      list
        .map(({ uid, id, ring, baseline, digest }) => ({ uid, id, ring, baseline, digest }))
        .sort((a, b) => ((a.uid as string) < (b.uid as string) ? -1 : 1));
    expect(byUid(after)).toEqual(byUid(before));
    await rig.until("everything is patched", () => isConverged(rig));
    expect(rig.cluster.machines.get("n1")?.bootCount).toBe(2);
    expect((await rig.jobs("update")).length).toBe(3);

    expect(await rig.judge("D10")).toEqual([]);
  });

  it("that was deleted twice, at every step, loses nobody (B2)", async () => {
    const rig = await createRig({ ...ONE, machines: [machine("n1")] });
    for (const step of ["Staging", "Cordoned", "Updating", "Rebooting", "Verified"]) {
      await rig.until(`it is ${step}`, async () => (await stepOf(rig, "n1")) === step);
      await deleteLedger(rig);
      await enforce(rig);
      await rig.first.pass();
      expect((await claims(rig)).length).toBe(1);
    }
    await rig.until("it is patched", () => isConverged(rig));
    expect(rig.cluster.machines.get("n1")?.bootCount).toBe(2);

    expect(await rig.judge("D10")).toEqual([]);
  });

  it("says LedgerRebuilding to rings that wait for it (B2)", async () => {
    const rig = await createRig();
    await rig.until("n1 drains", async () => (await stepOf(rig, "n1")) === "Cordoned");
    await deleteLedger(rig);
    await enforce(rig);
    const result = await rig.first.pass();
    expect(result?.plan.decisions.some(({ reason }) => reason === "LedgerRebuilding")).toBe(true);
  });

  it("does not take a mark that only a cache still shows for a lost claim (K3)", async () => {
    let old: ClusterObjects | undefined;
    let hold = false;
    const rig = await createRig({ ...ONE, machines: [machine("n1")] });
    const stale = rig.born("ringward-stale", {
      reader: (reader: ClusterReader) => ({
        ...reader,
        async read() {
          if (!hold || old === undefined) old = await reader.read();
          return old;
        },
      }),
    });
    await rig.until("it is verified", async () => (await stepOf(rig, "n1")) === "Verified");
    await stale.pass();
    hold = true;
    await rig.until("it is done", async () => (await claims(rig)).length === 0);
    for (let pass = 0; pass < 5; pass += 1) {
      await stale.pass();
      expect(await claims(rig)).toEqual([]);
      expect((await rig.node("n1")).spec?.unschedulable ?? false).toBe(false);
    }
    hold = false;
    await rig.run(3);
    expect((await rig.state("n1"))["state"]).toBe("Installed");
    expect(rig.kernel("n1")).toBe(NEW_KERNEL);
  });

  it("frees the claim of a node that vanished, and counts it as lost after Cordoned (V2)", async () => {
    const rig = await createRig();
    await rig.until("n1 drains", async () => (await stepOf(rig, "n1")) === "Drained");
    const { uid } = (await rig.node("n1")).metadata;
    rig.cluster.machines.vanish("n1");
    await rig.run(4);
    expect((await claims(rig)).some((claim) => claim["uid"] === uid)).toBe(false);
    const record = ((await rig.ring())["levels"] as Status[]).find((level) => level["baseline"] === "ubuntu-2204");
    expect(record?.["lost"]).toEqual([uid]);
    expect(await rig.admin.get(NODE_PATCH_STATES, { name: "n1" })).toBeUndefined();
  });

  it("keeps the claim of a vanished node while its loss cannot be written down, and serves the others (V4)", async () => {
    const rig = await createRig();
    await rig.until("n1 drains", async () => (await stepOf(rig, "n1")) === "Drained");
    const { uid } = (await rig.node("n1")).metadata;
    rig.cluster.machines.vanish("n1");
    rig.cluster.server.setFault(({ path, write }) =>
      write && path.includes("/rolloutrings/") ? { status: 500 } : "none",
    );
    await rig.run(5);
    expect((await claims(rig)).some((claim) => claim["uid"] === uid)).toBe(true);
    rig.cluster.server.setFault(() => "none");
    await rig.run(4);
    expect((await claims(rig)).some((claim) => claim["uid"] === uid)).toBe(false);
    const record = ((await rig.ring())["levels"] as Status[]).find((level) => level["baseline"] === "ubuntu-2204");
    expect(record?.["lost"]).toEqual([uid]);
  });

  it("hands back a node that carries a mark of nobody's", async () => {
    const rig = await createRig({ ...ONE, machines: [machine("n1", "other")] });
    await rig.run(3);
    await rig.admin.patch(
      NODES,
      { name: "n1" },
      {
        type: "merge",
        body: {
          spec: { unschedulable: true },
          metadata: {
            annotations: { "ringward.dev/claim": "0123456789abcdef", "ringward.dev/prior-unschedulable": "false" },
          },
        },
      },
    );
    await rig.run(8);
    const node = await rig.node("n1");
    expect(node.metadata.annotations?.["ringward.dev/claim"]).toBeUndefined();
    expect(node.spec?.unschedulable ?? false).toBe(false);
    expect(await claims(rig)).toEqual([]);
    expect(rig.errors).toEqual([]);
  });

  it("holds at most 500 claims, whatever is asked (B1)", async () => {
    const rig = await createRig({ ...ONE, mode: "none" });
    const client = createClient(rig.cluster.server.as("ringward"), { fieldManager: "ringward", clock: rig.clock });
    const nothing = { now: rig.clock.now(), add: [], free: new Set<string>(), restore: [] };
    const capacity = (await rig.first.pass())?.plan.capacity;
    if (capacity === undefined) throw new Error("no plan");
    await rig.setMode("Enforce");
    const restore = Array.from({ length: 499 }, (_, index): Claim => ({
      uid: `u${index}`,
      id: `c${index}`,
      kind: "Deployment",
      namespace: "shop",
      name: `w${index}`,
      cluster: "rig",
      ring: "canary",
      baseline: "b",
      level: "l",
      digest: "d",
      since: "2024-12-16T07:00:00Z",
    }));
    await writeLedger(client, await readLedger(client), { ...nothing, restore, capacity });
    const roomy = {
      ...capacity,
      workloads: 10_000,
      ringWorkloads: () => 10_000,
      rings: capacity.rings.map((ring) => ({ ...ring, spec: { ...ring.spec, budget: { workloads: 9_000 } } })),
      limits: { workloads: 9_000 },
    };
    const add = Array.from({ length: 5 }, (_, index) => ({
      ...(restore[0] as Claim),
      uid: `n${index}`,
      name: `n${index}`,
    }));
    const { added } = await writeLedger(client, await readLedger(client), { ...nothing, add, capacity: roomy });
    expect(added.length).toBe(1);
    expect((await claims(rig)).length).toBe(500);
  });

  it("adds nothing in mode Observe or Stop, nor while it is not rebuilt (B2)", async () => {
    const rig = await createRig(ONE);
    await rig.run(1);
    const client = createClient(rig.cluster.server.as("ringward"), { fieldManager: "ringward", clock: rig.clock });
    const capacity = (await rig.first.pass())?.plan.capacity;
    if (capacity === undefined) throw new Error("no plan");
    const add = [
      {
        uid: "u",
        kind: "Node",
        name: "n1",
        cluster: "rig",
        ring: "canary",
        baseline: "ubuntu-2204",
        level: "l",
        digest: "d",
      },
    ] as const;
    for (const mode of ["Observe", "Stop"] as const) {
      await rig.setMode(mode);
      const ledger = await readLedger(client);
      const { added } = await writeLedger(client, ledger, {
        now: rig.clock.now(),
        add,
        free: new Set(),
        restore: [],
        capacity,
      });
      expect(added).toEqual([]);
    }
    await rig.setMode("Enforce");
    await deleteLedger(rig);
    await enforce(rig);
    const { added } = await writeLedger(client, await readLedger(client), {
      now: rig.clock.now(),
      add,
      free: new Set(),
      restore: [],
      capacity,
    });
    expect(added).toEqual([]);
  });

  it("refuses the second of two writers who read the same (B1)", async () => {
    const rig = await createRig(ONE);
    await rig.run(4);
    const client = createClient(rig.cluster.server.as("ringward"), { fieldManager: "ringward", clock: rig.clock });
    const ledger = await readLedger(client);
    const capacity = (await rig.first.pass())?.plan.capacity;
    if (capacity === undefined) throw new Error("no plan");
    const change = {
      now: rig.clock.now(),
      add: [],
      free: new Set(ledger.claims.map(({ uid }) => uid)),
      restore: [],
      capacity,
    };
    expect(ledger.claims.length).toBeGreaterThan(0);
    await writeLedger(client, ledger, change);
    await expect(writeLedger(client, ledger, change)).rejects.toMatchObject({ code: 409 });
    expect(reasonsOf(await rig.ring())).not.toContain("LedgerFull");
  });
});
