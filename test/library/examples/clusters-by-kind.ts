// The cluster of the example stateful-and-gpu-pools, and the one of air-gapped.
import type { NodeRow } from "./objects.ts";
import { type Example, RING, ROCKY_NEW, ROCKY_OLD, sawAll, UBUNTU_NEW, UBUNTU_OLD } from "./rows.ts";

function poolNode(pool: string, index: number, more: typeof UBUNTU_OLD | typeof UBUNTU_NEW): NodeRow {
  const taints = pool === "gpu" ? [{ key: "nvidia.com/gpu", effect: "NoSchedule" }] : [];
  return {
    name: `${pool}-${index}`,
    labels: { [`${RING}/pool`]: pool },
    zone: `zone-${"abca"[index - 1]}`,
    taints,
    ...more,
  };
}

const POOL_NODES: readonly NodeRow[] = [
  poolNode("general", 1, UBUNTU_NEW),
  poolNode("general", 2, UBUNTU_NEW),
  poolNode("general", 3, UBUNTU_NEW),
  poolNode("general", 4, UBUNTU_NEW),
  poolNode("stateful", 1, UBUNTU_NEW),
  poolNode("stateful", 2, UBUNTU_OLD),
  poolNode("stateful", 3, UBUNTU_OLD),
  poolNode("gpu", 1, UBUNTU_OLD),
  poolNode("gpu", 2, UBUNTU_OLD),
  poolNode("gpu", 3, UBUNTU_OLD),
];

export const POOLS: Example = {
  name: "stateful-and-gpu-pools",
  // A Wednesday, in business hours; and the Saturday after it, in the evening.
  now: "2026-11-25T10:30:00Z",
  later: [{ at: "2026-11-28T19:30:00Z", file: "expected-plan-saturday.txt" }],
  limits: { nodes: 3, workloads: 2, nodesPerZone: 2 },
  nodes: POOL_NODES,
  workloads: [
    {
      kind: "StatefulSet",
      namespace: "data",
      name: "postgres",
      image: "registry.example.com/data/postgres:17.7",
      nodes: ["stateful-1", "stateful-2", "stateful-3"],
      maxUnavailable: 1,
    },
    {
      kind: "Deployment",
      namespace: "shop",
      name: "web",
      image: "registry.example.com/shop/web:7.1.0",
      nodes: ["general-1", "general-2", "general-3"],
      maxUnavailable: 1,
    },
    {
      kind: "Job",
      namespace: "ml",
      name: "train-1841",
      podLabels: { "example.com/role": "training" },
      image: "registry.example.com/ml/train:5.0.0",
      nodes: ["gpu-1", "gpu-2"],
    },
  ],
  claims: () => [],
  rings: (levels) => ({
    general: [
      {
        level: levels("ubuntu-2404"),
        targets: 4,
        done: 4,
        offered: "2026-11-23T09:00:00Z",
        started: "2026-11-23T09:00:10Z",
        completed: "2026-11-23T10:20:00Z",
        soaked: { time: "2026-11-24T10:20:00Z", seconds: 86_400 },
      },
    ],
    stateful: [
      {
        level: levels("ubuntu-2404"),
        targets: 3,
        done: 1,
        offered: "2026-11-24T10:20:00Z",
        started: "2026-11-25T09:00:10Z",
      },
    ],
  }),
  seen: (levels) =>
    sawAll(POOL_NODES, "2026-11-25T09:40:00Z", ({ name }) => ({
      level: levels("ubuntu-2404"),
      ring: name.replace(/-\d$/, ""),
      started: name.startsWith("general") ? "2026-11-23T09:00:10Z" : "2026-11-25T09:00:10Z",
    })),
};

function siteNode(site: string, index: number, more: typeof ROCKY_OLD | typeof ROCKY_NEW): NodeRow {
  return { name: `${site}-${index}`, labels: { [`${RING}/site`]: site }, zone: `site-${site}`, ...more };
}

const SITE_NODES: readonly NodeRow[] = [
  siteNode("a", 1, ROCKY_NEW),
  siteNode("a", 2, ROCKY_NEW),
  siteNode("b", 1, ROCKY_NEW),
  siteNode("b", 2, ROCKY_OLD),
  siteNode("b", 3, ROCKY_OLD),
  siteNode("b", 4, ROCKY_OLD),
];
const WANTED_IMAGE = "registry.internal.example/library/nginx:1.29.3";

export const SITES: Example = {
  name: "air-gapped",
  now: "2026-11-24T22:30:00Z",
  limits: { nodes: 2, workloads: 2, nodesPerZone: 2 },
  nodes: SITE_NODES,
  workloads: [
    {
      kind: "Deployment",
      namespace: "shop",
      name: "web-a",
      labels: { "example.com/site": "a" },
      image: WANTED_IMAGE,
      nodes: ["a-1"],
    },
    {
      kind: "Deployment",
      namespace: "shop",
      name: "web-b",
      labels: { "example.com/site": "b" },
      image: "proxy.internal.example/docker.io/library/nginx:1.29.3",
      nodes: ["b-1"],
    },
    {
      kind: "Deployment",
      namespace: "shop",
      name: "old-b",
      labels: { "example.com/site": "b" },
      image: "registry.internal.example/library/nginx:1.28.0",
      nodes: ["b-2"],
    },
    // Somebody's own copy: the name ends alike, and nobody knows whether the bits are the same.
    {
      kind: "Deployment",
      namespace: "lab",
      name: "copy-b",
      labels: { "example.com/site": "b" },
      image: "lab.internal.example/nginx:1.29.3",
      nodes: ["b-3"],
    },
  ],
  claims: () => [],
  rings: (levels) => ({
    canary: [
      {
        level: levels("rocky-9"),
        targets: 2,
        done: 2,
        offered: "2026-11-23T07:00:00Z",
        started: "2026-11-23T07:00:10Z",
        completed: "2026-11-23T07:40:00Z",
        soaked: { time: "2026-11-24T07:40:00Z", seconds: 86_400 },
      },
      {
        level: levels("shared-images"),
        targets: 1,
        done: 1,
        offered: "2026-11-23T07:00:00Z",
        completed: "2026-11-23T07:40:00Z",
        soaked: { time: "2026-11-24T07:40:00Z", seconds: 86_400 },
      },
    ],
    "site-b": [
      {
        level: levels("rocky-9"),
        targets: 4,
        done: 1,
        offered: "2026-11-24T08:00:00Z",
        started: "2026-11-24T21:00:10Z",
      },
    ],
  }),
  seen: (levels) =>
    sawAll(SITE_NODES, "2026-11-24T21:40:00Z", ({ name }) => ({
      level: levels("rocky-9"),
      ring: name.startsWith("a") ? "canary" : "site-b",
      started: name.startsWith("a") ? "2026-11-23T07:00:10Z" : "2026-11-24T21:00:10Z",
    })).map((seen) =>
      seen.node === "b-2"
        ? {
            ...seen,
            notAvailable: {
              level: levels("rocky-9"),
              message:
                "VersionNotAvailable: sudo-1.9.5p2-10.el9_6.1 is not in https://mirror.internal.example/rocky/9/2026-11-20",
              time: "2026-11-24T21:50:00Z",
              notBefore: "2026-11-24T22:50:00Z",
            },
          }
        : seen,
    ),
};
