// A pass comes to the same whether it reads whole objects or only what was kept of them; and keeping forgets the rest.
import { describe, expect, it } from "vitest";
import { createSharing } from "../../controller/inventory/sharing.ts";
import type { KubeObject } from "../../controller/kube/port.ts";
import {
  CLUSTER_KEYS,
  type ClusterKey,
  type ClusterObjects,
  resourceOf,
} from "../../controller/reconcile/cluster-kinds.ts";
import { keepersOf } from "../../controller/reconcile/kept.ts";
import { takeSnapshot } from "../../controller/reconcile/snapshot.ts";
import { generateFleet, materialiseFleet } from "../../controller/sandbox/fleet/generate.ts";

const API_SERVER = { version: "v1.36.0", ready: true };
const NOW = Date.parse("2026-03-02T09:00:00Z");
const AT = new Date(NOW).toISOString();

function made(apiVersion: string, kind: string, metadata: object, more: object = {}): KubeObject {
  return { apiVersion, kind, metadata: { uid: `u-${kind}`, resourceVersion: "9", ...metadata } as never, ...more };
}

/** What other tools and people leave in a cluster, and what is broken. */
const strange = ([a = "", b = "", c = ""]: readonly string[]): readonly (readonly [ClusterKey, KubeObject])[] => [
  [
    "daemonsets",
    made("apps/v1", "DaemonSet", {
      name: "kured",
      namespace: "kube-system",
      annotations: { "weave.works/kured-node-lock": JSON.stringify({ nodeID: a, created: AT, TTL: 0 }) },
    }),
  ],
  ["daemonsets", made("apps/v1", "DaemonSet", { name: "agent", namespace: "kube-system", uid: "u-agent" })],
  [
    "jobs",
    made("batch/v1", "Job", {
      name: "upgrade",
      namespace: "system-upgrade",
      labels: { "upgrade.cattle.io/node": b },
    }),
  ],
  [
    "maintenanceLeases",
    made(
      "coordination.k8s.io/v1",
      "Lease",
      { name: `node-${c}`, namespace: "medik8s-leases" },
      { spec: { holderIdentity: "somebody", renewTime: AT, leaseDurationSeconds: 3_600 } },
    ),
  ],
  ["jobs", made("batch/v1", "Job", { name: "ours", namespace: "ringward-jobs", uid: "u-ours" })],
  ["pods", made("v1", "Pod", { name: "ours", namespace: "ringward-jobs", uid: "u-our-pod" })],
  ["pods", made("v1", "Pod", { name: "NOT A NAME", namespace: "n" })],
  ["pdbs", made("policy/v1", "PodDisruptionBudget", { name: "web", namespace: "n" }, { spec: { selector: {} } })],
];

function makeObjects(): ClusterObjects {
  const lists = Object.fromEntries(CLUSTER_KEYS.map((key): [ClusterKey, KubeObject[]] => [key, []]));
  const byKind = new Map(CLUSTER_KEYS.toReversed().map((key) => [resourceOf(key).kind, key]));
  for (const object of materialiseFleet(generateFleet({ nodes: 12, podsPerNode: 6, seed: 3, images: 5 }), NOW)) {
    const key = byKind.get(object.kind ?? "");
    if (key !== undefined) lists[key]?.push(object);
  }
  const names = lists["nodes"]?.map(({ metadata }) => metadata.name) ?? [];
  for (const [key, object] of strange(names)) lists[key]?.push(object);
  return lists as unknown as ClusterObjects;
}

describe("what is kept of watched objects", () => {
  const objects = makeObjects();
  const keepers = keepersOf(createSharing());
  const kept = Object.fromEntries(
    CLUSTER_KEYS.map((key) => [key, objects[key].map((object) => keepers[key]?.(object) ?? object)]),
  ) as unknown as ClusterObjects;

  it("leads to the very inventory that the whole objects lead to", () => {
    const whole = takeSnapshot(objects, API_SERVER);

    expect(takeSnapshot(kept, API_SERVER)).toEqual(whole);
    expect(whole.problems).toHaveLength(1);
    expect(whole.inventory.nodes.filter((node) => (node.foreign ?? []).length > 0)).toHaveLength(3);
  });

  it("has the names of the whole objects, and nothing of their specs", () => {
    for (const key of CLUSTER_KEYS)
      expect(kept[key].map(({ metadata }) => [metadata.namespace, metadata.name])).toEqual(
        objects[key].map(({ metadata }) => [metadata.namespace, metadata.name]),
      );
    expect(kept.pods.length).toBeGreaterThan(60);
    for (const pod of [...kept.pods, ...kept.nodes, ...kept.deployments]) expect(pod).not.toHaveProperty("spec");
  });

  it("shares labels, images and owners among the pods of a workload", () => {
    const pods = takeSnapshot(kept, API_SERVER).inventory.pods.filter((pod) => pod.controller !== undefined);
    const labels = new Map(pods.map((pod) => [JSON.stringify(pod.labels), pod.labels]));

    expect(new Set(pods.map((pod) => pod.labels)).size).toBe(labels.size);
    expect(new Set(pods.map((pod) => pod.controller)).size).toBeLessThan(pods.length);
  });
});
