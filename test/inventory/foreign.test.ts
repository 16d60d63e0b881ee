// Locks, Leases and jobs of other tools, read as those write them; what is no such object holds nobody up.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { holdsElsewhere } from "../../controller/inventory/foreign.ts";
import { projectNode } from "../../controller/inventory/project-node.ts";

const KURED = "weave.works/kured-node-lock";
const NOW = Date.parse("2024-12-16T07:00:00Z");
const daemonSet = (lock: unknown): object => ({
  metadata: {
    name: "kured",
    namespace: "kube-system",
    annotations: { [KURED]: typeof lock === "string" ? lock : JSON.stringify(lock) },
  },
});
const lease = (name: string, spec: object): object => ({ metadata: { name, namespace: "medik8s-leases" }, spec });
const read = (rest: Partial<Parameters<typeof holdsElsewhere>[0]>): Record<string, unknown> =>
  Object.fromEntries(holdsElsewhere({ daemonSets: [], jobs: [], leases: [], ...rest }));

describe("kured's lock", () => {
  it("is read with one holder, and with many", () => {
    const one = daemonSet({
      nodeID: "n1",
      metadata: { unschedulable: false },
      created: "2024-12-16T06:00:00Z",
      TTL: 0,
    });
    const many = daemonSet({
      maxOwners: 2,
      locks: [
        { nodeID: "n3", TTL: 0 },
        { nodeID: "n2", TTL: 0 },
      ],
    });

    expect(read({ daemonSets: [one] })).toMatchObject({
      n1: [{ reason: "LockedByOther", at: "DaemonSet kube-system/kured" }],
    });
    expect(Object.keys(read({ daemonSets: [many] }))).toEqual(["n2", "n3"]);
  });

  it("ends with its TTL, which is in nanoseconds", () => {
    const held = daemonSet({ nodeID: "n1", created: "2024-12-16T06:00:00Z", TTL: 30 * 60 * 1e9 });

    expect(read({ daemonSets: [held] })).toMatchObject({ n1: [{ until: NOW - 30 * 60_000 }] });
  });

  it.each(["", "{", "[]", "null", '{"nodeID":7}', '{"locks":"x"}', '{"locks":[null,7]}', "x".repeat(40_000)])(
    "that is none (%.20s) holds nobody",
    (text) => {
      expect(read({ daemonSets: [daemonSet(text)] })).toEqual({});
    },
  );
});

describe("medik8s' Leases", () => {
  it("hold their node while somebody holds them", () => {
    const renewTime = new Date(NOW).toISOString();
    const leases = [
      lease("node-n1", { holderIdentity: "node-maintenance", renewTime, leaseDurationSeconds: 3600 }),
      lease("node-n2", { holderIdentity: "", renewTime, leaseDurationSeconds: 3600 }),
      lease("other", { holderIdentity: "x", renewTime, leaseDurationSeconds: 3600 }),
      lease("node-n3", { holderIdentity: "x" }),
    ];

    const found = read({ leases });

    expect(Object.keys(found)).toEqual(["n1", "n3"]);
    expect(found["n1"]).toMatchObject([
      { message: expect.stringContaining("node-maintenance"), until: NOW + 3_600_000 },
    ]);
  });
});

describe("a job of the system-upgrade-controller", () => {
  it("holds its node until it has ended", () => {
    const job = (conditions: readonly object[]): object => ({
      metadata: { name: "apply-os-on-n1", namespace: "system-upgrade", labels: { "upgrade.cattle.io/node": "n1" } },
      status: { conditions },
    });

    expect(read({ jobs: [job([])] })).toMatchObject({ n1: [{ reason: "UnderMaintenance" }] });
    expect(read({ jobs: [job([{ type: "Complete", status: "True" }])] })).toEqual({});
    expect(read({ jobs: [job([{ type: "Failed", status: "True" }])] })).toEqual({});
  });
});

describe("a projected node", () => {
  it("says what stands on it", () => {
    const node = projectNode({
      metadata: { name: "n1", uid: "u" },
      spec: { taints: [{ key: "ToBeDeletedByClusterAutoscaler", value: "1", effect: "NoSchedule" }] },
      status: { conditions: [{ type: "DrainInProgress", status: "False" }] },
    });

    expect(node).toMatchObject({ value: { foreign: [{ reason: "BeingRemoved" }] } });
    expect(projectNode({ metadata: { name: "n1", uid: "u" } })).not.toHaveProperty("value.foreign");
  });

  it("never throws, whatever stands in its place (V4)", () => {
    fc.assert(
      fc.property(fc.anything(), fc.anything(), (one, other) => {
        holdsElsewhere({ daemonSets: [one], jobs: [other], leases: [one] });
        holdsElsewhere({
          daemonSets: [daemonSet(JSON.stringify(one) ?? "")],
          jobs: [],
          leases: [lease("node-x", other as object)],
        });
        projectNode({ metadata: { name: "n", uid: "u" }, spec: { taints: one }, status: { conditions: other } });
      }),
    );
  });
});
