// What people hear of a rollout: conditions of objects and events of rings, baselines and targets, by their reasons.
import { describe, expect, it } from "vitest";
import { parseReport } from "../../controller/inventory/report.ts";
import { PATCH_BASELINES } from "../../controller/kube/resources.ts";
import { createRig, isConverged, machine, type Rig, ringFile, stepOf } from "./rig.ts";

function reasonsTold(rig: Rig): ReadonlySet<string> {
  return new Set(rig.events.map((event) => event.reason));
}

function readyReason(status: unknown): string | undefined {
  const { conditions } = status as {
    readonly conditions?: readonly { readonly type: string; readonly reason: string }[];
  };
  return conditions?.find((condition) => condition.type === "Ready")?.reason;
}

describe("the news of a rollout", () => {
  it("says when a ring starts, completes and soaks a level, and what every object came to", async () => {
    const rig = await createRig();
    await rig.until("the last node waits its turn", async () => (await rig.state("n3"))["state"] === "Missing");
    const early = readyReason(await rig.state("n3"));
    await rig.until("everything is patched", () => isConverged(rig));
    await rig.run(10);

    expect(early).toBe("RingBudgetExhausted");
    expect([...reasonsTold(rig)]).toEqual(
      expect.arrayContaining(["RingStarted", "RingCompleted", "Soaked", "Promoted"]),
    );
    expect(readyReason(await rig.state("n1"))).toBe("Compliant");
    expect(readyReason(await rig.repository())).toBe("InSync");
    const baseline = await rig.admin.get(PATCH_BASELINES, { name: "ubuntu-2204" });
    expect(readyReason(baseline?.status)).toBe("LevelResolved");
  });

  it("says TargetVanished when a cordoned node disappears, and counts it for ever", async () => {
    const rig = await createRig({ machines: [machine("n1"), machine("n2")], workloads: [] });
    await rig.until("a node is past its cordon", async () =>
      ["Cordoned", "Drained", "Updating", "Updated", "Rebooting"].includes((await stepOf(rig, "n1")) ?? ""),
    );
    rig.cluster.machines.vanish("n1");
    const node = await rig.node("n1");
    await rig.admin.delete(
      { group: "", version: "v1", plural: "nodes", kind: "Node", namespaced: false },
      { name: "n1" },
      { uid: node.metadata.uid ?? "" },
    );
    await rig.until(
      "its claim is freed",
      async () => ((await rig.ledger())["claims"] as unknown[] | undefined)?.length === 0,
    );

    expect(reasonsTold(rig)).toContain("TargetVanished");
  });

  it("says ProposalClosed when a proposal is taken back because its level was superseded", async () => {
    const rig = await createRig({
      files: {
        "rings/canary.yaml": ringFile("canary", "onSupersede: Restart").replace(
          "promotion: Automatic",
          "promotion: PullRequest",
        ),
      },
    });
    await rig.until("a pull request is open", () =>
      rig.forge.people.pulls().some((pull) => pull.state === "open" && pull.head.includes("shared-images")),
    );
    const before = rig.remote.people.text("main", "baselines/shared-images.yaml") ?? "";
    rig.commit({ "baselines/shared-images.yaml": before.replace("1.27.3", "1.27.4") });
    await rig.until("the old one is closed", () =>
      rig.forge.people.pulls().some((pull) => pull.state === "closed" && pull.head.includes("shared-images")),
    );

    expect(reasonsTold(rig)).toContain("ProposalClosed");
  });

  it("calls a report with a wrong checksum InventoryMalformed, never an empty inventory", () => {
    const log = `ringward-inventory/v1\nAAAA\nringward-inventory-end sha256:${"0".repeat(64)} 3\n`;

    expect(parseReport(log)).toMatchObject({ ok: false, reason: "InventoryMalformed" });
  });
});
