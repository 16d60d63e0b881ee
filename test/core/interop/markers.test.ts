// Marks of other tools on a node: each is recognised as its tool writes it, and nothing else is.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FOREIGN_MARKERS, findHold, findHolds, type NodeMarks } from "../../../controller/core/interop/markers.ts";

const FLUO = "flatcar-linux-update.v1.flatcar-linux.net/";
const MCO = "machineconfiguration.openshift.io/";

function marks(rest: Partial<Omit<NodeMarks, "conditions">> & { readonly conditions?: readonly string[] }): NodeMarks {
  return { labels: {}, annotations: {}, taints: {}, ...rest, conditions: new Set(rest.conditions) };
}

describe("a node's marks", () => {
  it.each([
    ["Cluster Autoscaler", "BeingRemoved", marks({ taints: { ToBeDeletedByClusterAutoscaler: "1734336000" } })],
    ["Cluster Autoscaler", "BeingRemoved", marks({ taints: { DeletionCandidateOfClusterAutoscaler: "1734336000" } })],
    ["Karpenter", "BeingRemoved", marks({ taints: { "karpenter.sh/disrupted": "" } })],
    ["Karpenter", "BeingRemoved", marks({ taints: { "karpenter.sh/disruption": "disrupting" } })],
    ["Kubernetes", "BeingRemoved", marks({ taints: { "node.kubernetes.io/out-of-service": "nodeshutdown" } })],
    ["Node lifecycle conditions", "UnderMaintenance", marks({ conditions: ["DrainInProgress"] })],
    ["Node lifecycle conditions", "UnderMaintenance", marks({ conditions: ["MaintenancePlanned"] })],
    ["kubelet", "UnderMaintenance", marks({ conditions: ["GracefulNodeShutdownInProgress"] })],
    ["Node Maintenance Operator", "UnderMaintenance", marks({ taints: { "medik8s.io/drain": "" } })],
    ["Flatcar Linux Update Operator", "UnderMaintenance", marks({ labels: { [`${FLUO}before-reboot`]: "true" } })],
    [
      "Flatcar Linux Update Operator",
      "UnderMaintenance",
      marks({ annotations: { [`${FLUO}reboot-in-progress`]: "true" } }),
    ],
    [
      "Flatcar Linux Update Operator",
      "UnderMaintenance",
      marks({ annotations: { [`${FLUO}reboot-ok`]: "true", [`${FLUO}reboot-needed`]: "true" } }),
    ],
    ["Machine Config Operator", "UnderMaintenance", marks({ annotations: { [`${MCO}state`]: "Rebooting" } })],
    [
      "Machine Config Operator",
      "UnderMaintenance",
      marks({ annotations: { [`${MCO}desiredDrain`]: "drain-a", [`${MCO}lastAppliedDrain`]: "uncordon-b" } }),
    ],
    [
      "NVIDIA driver upgrade",
      "UnderMaintenance",
      marks({ labels: { "nvidia.com/gpu-driver-upgrade-state": "drain-required" } }),
    ],
    ["tuppr", "UnderMaintenance", marks({ labels: { "tuppr.home-operations.com/upgrading": "true" } })],
  ])("%s says %s", (tool, reason, given) => {
    const [hold] = findHolds(given);

    expect(hold).toMatchObject({ reason });
    expect(hold?.message.startsWith(`${tool}: `)).toBe(true);
  });

  it.each([
    ["a node that only wants a reboot", marks({ annotations: { [`${FLUO}reboot-needed`]: "true" } })],
    ["a reboot that is over", marks({ annotations: { [`${FLUO}reboot-in-progress`]: "false" } })],
    ["a MachineConfig that is done", marks({ annotations: { [`${MCO}state`]: "Done" } })],
    [
      "a drain that was done",
      marks({ annotations: { [`${MCO}desiredDrain`]: "drain-a", [`${MCO}lastAppliedDrain`]: "drain-a" } }),
    ],
    ["a driver that is up to date", marks({ labels: { "nvidia.com/gpu-driver-upgrade-state": "upgrade-done" } })],
    ["a Plan that was applied", marks({ labels: { "plan.upgrade.cattle.io/os": "c0ffee" } })],
    ["taints of the node's own", marks({ taints: { "node-role.kubernetes.io/control-plane": "" } })],
    ["keys of Object itself", marks({ labels: {}, annotations: {}, taints: {} })],
  ])("%s holds nothing up", (_, given) => {
    expect(findHolds(given)).toEqual([]);
  });

  it("never throws, whatever a node writes, and says it in a bounded line (V4)", () => {
    const text = fc.oneof(fc.string({ maxLength: 400 }), fc.constantFrom("true", "drain-a", "constructor"));
    const key = fc.oneof(
      fc.constantFrom(
        `${FLUO}reboot-ok`,
        `${MCO}state`,
        "ToBeDeletedByClusterAutoscaler",
        "nvidia.com/gpu-driver-upgrade-state",
      ),
      fc.string(),
    );
    const map = fc.dictionary(key, text);
    fc.assert(
      fc.property(map, map, map, fc.array(text), (labels, annotations, taints, conditions) => {
        for (const { message } of findHolds(marks({ labels, annotations, taints, conditions })))
          expect(message.length).toBeLessThan(400);
      }),
    );
  });
});

describe("a hold", () => {
  it("counts until its time, where it has one, and then the next one", () => {
    const foreign = [
      { reason: "LockedByOther", message: "until 100", until: 100 },
      { reason: "UnderMaintenance", message: "for ever" },
    ] as const;

    expect(findHold({ foreign }, 99)).toEqual({ reason: "LockedByOther", message: "until 100" });
    expect(findHold({ foreign }, 100)).toEqual({ reason: "UnderMaintenance", message: "for ever" });
    expect(findHold({}, 0)).toBeUndefined();
  });
});

describe("the table", () => {
  it("says of every mark where it stands, what it means and who says so, once", () => {
    expect(new Set(FOREIGN_MARKERS.map(({ tool, where }) => `${tool}/${where}`)).size).toBe(FOREIGN_MARKERS.length);
    for (const { where, means, source } of FOREIGN_MARKERS)
      for (const text of [where, means, source]) expect(text).toMatch(/^[^|\n]{3,}$/);
  });
});
