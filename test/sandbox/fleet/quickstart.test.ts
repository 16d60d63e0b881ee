// The fleets: who is in which ring and zone, and that generated ones are reproducible.
import { describe, expect, it } from "vitest";
import { imageDigest, parseImage } from "../../../controller/sandbox/actors/images.ts";
import { generateFleet, materialiseFleet } from "../../../controller/sandbox/fleet/generate.ts";
import {
  NODE_RING_LABEL,
  OS_LABEL,
  quickstartFleet,
  quickstartMachines,
  quickstartWorkloads,
  WORKLOAD_RING_LABEL,
} from "../../../controller/sandbox/fleet/quickstart.ts";

function count<T>(items: readonly T[], key: (item: T) => string | undefined): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[key(item) ?? ""] = (counts[key(item) ?? ""] ?? 0) + 1;
  return counts;
}

describe("the quickstart's fleet", () => {
  it("has 60 nodes in three rings, zones and products, with every product in every ring", () => {
    const machines = quickstartMachines();

    expect(new Set(machines.map(({ name }) => name)).size).toBe(60);
    expect(count(machines, ({ labels }) => labels[NODE_RING_LABEL])).toEqual({ canary: 6, early: 18, broad: 36 });
    expect(count(machines, ({ labels }) => labels[OS_LABEL])).toEqual({ ubuntu: 24, flatcar: 18, rocky: 18 });
    expect(Object.values(count(machines, ({ labels }) => labels["topology.kubernetes.io/zone"]))).toHaveLength(3);
    const canaries = machines.filter(({ labels }) => labels[NODE_RING_LABEL] === "canary");
    expect(count(canaries, ({ labels }) => labels[OS_LABEL])).toEqual({ ubuntu: 2, flatcar: 2, rocky: 2 });
  });

  it("has 40 workloads in three rings, one budget that allows nothing and two that somebody else manages", () => {
    const rows = quickstartWorkloads();

    expect(rows).toHaveLength(40);
    expect(count(rows, ({ kind }) => kind)).toEqual({ Deployment: 30, StatefulSet: 8, DaemonSet: 2 });
    expect(Object.keys(count(rows, ({ labels }) => labels?.[WORKLOAD_RING_LABEL])).sort()).toEqual([
      "broad",
      "canary",
      "early",
    ]);
    expect(
      rows.filter(
        ({ budget, replicas }) => budget !== undefined && "minAvailable" in budget && budget.minAvailable === replicas,
      ),
    ).toHaveLength(1);
    expect(rows.filter(({ annotations }) => annotations !== undefined).map(({ name }) => name)).toEqual([
      "wiki",
      "status-page",
    ]);
    expect(quickstartFleet().objects.filter(({ kind }) => kind === "Pod")).toHaveLength(3);
  });
});

describe("a generated fleet", () => {
  it("is the same for the same seed and has the wanted size", () => {
    const options = { nodes: 20, podsPerNode: 10, seed: 5 };

    const objects = [...materialiseFleet(generateFleet(options), 0)];

    expect([...materialiseFleet(generateFleet(options), 0)]).toEqual(objects);
    expect(objects.filter(({ kind }) => kind === "Node")).toHaveLength(20);
    expect(objects.filter(({ kind }) => kind === "Pod")).toHaveLength(200);
    expect([...materialiseFleet(generateFleet({ ...options, seed: 6 }), 0)]).not.toEqual(objects);
  });
});

describe("image references", () => {
  it("are read as a container runtime reads them", () => {
    expect(parseImage("nginx")).toEqual({ repository: "docker.io/library/nginx", tag: "latest", digest: undefined });
    expect(parseImage("localhost:5000/a/b:1@sha256:ab")).toEqual({
      repository: "localhost:5000/a/b",
      tag: "1",
      digest: "sha256:ab",
    });
    expect(parseImage("bitnami/redis:7")).toEqual({
      repository: "docker.io/bitnami/redis",
      tag: "7",
      digest: undefined,
    });
  });

  it("have one digest each, which a digest in the reference overrides", () => {
    expect(imageDigest("nginx:1")).toBe(imageDigest("docker.io/library/nginx:1"));
    expect(imageDigest("nginx:1")).not.toBe(imageDigest("nginx:2"));
    expect(imageDigest("nginx:1@sha256:ab")).toBe("sha256:ab");
  });
});
