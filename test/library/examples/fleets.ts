// The clusters of the examples, as tables: what runs where, what Ringward has already done there, and the moments at which a plan is asked for.
import type { LevelInForce } from "../../../controller/core/model.ts";
import { type NodeRow, type WorkloadRow } from "./objects.ts";
import type { Claim, Seen, Soaked } from "./own.ts";

/** Levels by their baseline. */
export type Levels = (baseline: string) => LevelInForce;

export interface Example {
  readonly name: string;
  /** When the dump was taken; the plan is of then. */
  readonly now: string;
  /** Further plans of the same dump: at these times, in these files. */
  readonly later?: readonly { readonly at: string; readonly file: string }[];
  readonly limits: { readonly nodes: number; readonly workloads: number; readonly nodesPerZone: number };
  readonly nodes: readonly NodeRow[];
  readonly workloads: readonly WorkloadRow[];
  readonly claims: (levels: Levels) => readonly Claim[];
  readonly rings: (levels: Levels) => Readonly<Record<string, readonly Soaked[]>>;
  readonly seen: (levels: Levels) => readonly Seen[];
}

const RING = "node-restriction.kubernetes.io";
const UBUNTU = { id: "ubuntu", versionId: "24.04", scheme: "dpkg" } as const;
const ROCKY = { id: "rocky", versionId: "9.6", scheme: "rpm" } as const;
const UBUNTU_OLD = { osImage: "Ubuntu 24.04.3 LTS", kernel: "6.8.0-85-generic", kubelet: "v1.34.1" } as const;
const UBUNTU_NEW = { osImage: "Ubuntu 24.04.3 LTS", kernel: "6.8.0-87-generic", kubelet: "v1.34.2" } as const;
const ROCKY_OLD = {
  osImage: "Rocky Linux 9.6 (Blue Onyx)",
  kernel: "5.14.0-570.49.1.el9_6.x86_64",
  kubelet: "v1.34.1",
} as const;
const ROCKY_NEW = { ...ROCKY_OLD, kernel: "5.14.0-570.58.1.el9_6.x86_64" } as const;
const SSL_OLD = { libssl3t64: "3.0.13-0ubuntu3.5", openssl: "3.0.13-0ubuntu3.5" };
const SSL_NEW = { libssl3t64: "3.0.13-0ubuntu3.6", openssl: "3.0.13-0ubuntu3.6" };
const RPM_OLD = { "openssl-libs": "1:3.2.2-6.el9_5", sudo: "1.9.5p2-10.el9_6" };
const RPM_NEW = { "openssl-libs": "1:3.2.2-6.el9_5.1", sudo: "1.9.5p2-10.el9_6.1" };

/** What an inventory job saw of an Ubuntu or Rocky Linux node before and after its update. */
function sawOld(row: NodeRow, time: string): Seen {
  const rocky = row.osImage.startsWith("Rocky");
  return { node: row.name, os: rocky ? ROCKY : UBUNTU, time, kernel: row.kernel, packages: rocky ? RPM_OLD : SSL_OLD };
}

function sawNew(row: NodeRow, time: string, verified: NonNullable<Seen["verified"]>): Seen {
  const rocky = row.osImage.startsWith("Rocky");
  return { ...sawOld(row, time), packages: rocky ? RPM_NEW : SSL_NEW, verified };
}

/** Nodes whose kernel is the new one were updated by that ring, one after the other, the first at that time. */
function sawAll(
  rows: readonly NodeRow[],
  time: string,
  of: (row: NodeRow) => { readonly level: LevelInForce; readonly ring: string; readonly started: string },
): readonly Seen[] {
  return rows.map((row) => {
    if (row.kernel !== UBUNTU_NEW.kernel && row.kernel !== ROCKY_NEW.kernel) return sawOld(row, time);
    const done = of(row);
    const finished = new Date(Date.parse(done.started) + 18 * 60_000).toISOString().replace(".000Z", "Z");
    return sawNew(row, time, { ...done, finished });
  });
}

const SINGLE_NODES: readonly NodeRow[] = [
  ...["a", "b", "c"].map((zone, index) => ({
    name: `cp-${index + 1}`,
    labels: { "node-role.kubernetes.io/control-plane": "" },
    zone: `zone-${zone}`,
    taints: [{ key: "node-role.kubernetes.io/control-plane", effect: "NoSchedule" }],
    ...UBUNTU_OLD,
  })),
  { name: "worker-1", labels: { [`${RING}/ring`]: "canary" }, zone: "zone-a", ...UBUNTU_NEW },
  { name: "worker-2", labels: { [`${RING}/ring`]: "workers" }, zone: "zone-b", ...UBUNTU_NEW },
  {
    name: "worker-3",
    labels: { [`${RING}/ring`]: "workers" },
    zone: "zone-c",
    ...UBUNTU_OLD,
    claim: "3f1c9a7b5d2e4c60",
  },
  { name: "worker-4", labels: { [`${RING}/ring`]: "workers" }, zone: "zone-a", ...UBUNTU_OLD },
  { name: "worker-5", labels: { [`${RING}/ring`]: "workers" }, zone: "zone-b", ...UBUNTU_OLD },
  { name: "worker-6", labels: {}, zone: "zone-c", ...UBUNTU_OLD },
];

const SINGLE: Example = {
  name: "single-cluster",
  now: "2026-11-24T22:30:00Z",
  limits: { nodes: 2, workloads: 2, nodesPerZone: 1 },
  nodes: SINGLE_NODES,
  workloads: [
    {
      kind: "Deployment",
      namespace: "shop",
      name: "web",
      image: "registry.example.com/shop/web:7.1.0",
      nodes: ["worker-1", "worker-2", "worker-4"],
      maxUnavailable: 1,
    },
    // One replica that may never be away: its node cannot be drained, and Ringward says so before it cordons.
    {
      kind: "Deployment",
      namespace: "shop",
      name: "cron",
      image: "registry.example.com/shop/cron:2.0.3",
      nodes: ["worker-5"],
      maxUnavailable: 0,
    },
  ],
  claims: (levels) => [
    {
      id: "3f1c9a7b5d2e4c60",
      node: "worker-3",
      zone: "zone-c",
      ring: "workers",
      level: levels("ubuntu-2404"),
      since: "2026-11-24T22:24:00Z",
    },
  ],
  rings: (levels) => ({
    canary: [
      {
        level: levels("ubuntu-2404"),
        targets: 1,
        done: 1,
        offered: "2026-11-23T07:00:00Z",
        started: "2026-11-23T07:00:10Z",
        completed: "2026-11-23T07:20:00Z",
        soaked: { time: "2026-11-24T07:20:00Z", seconds: 86_400 },
      },
    ],
    workers: [
      {
        level: levels("ubuntu-2404"),
        targets: 4,
        done: 1,
        inFlight: 1,
        offered: "2026-11-24T07:20:00Z",
        started: "2026-11-24T21:00:10Z",
      },
    ],
  }),
  seen: (levels) =>
    sawAll(SINGLE_NODES, "2026-11-24T21:40:00Z", ({ name }) => ({
      level: levels("ubuntu-2404"),
      ring: name === "worker-1" ? "canary" : "workers",
      started: name === "worker-1" ? "2026-11-23T07:00:10Z" : "2026-11-24T21:00:10Z",
    })).map((seen) => (seen.node === "worker-3" ? { ...seen, claim: SINGLE.claims(levels)[0] as Claim } : seen)),
};

function teamNode(team: string, index: number, more: typeof UBUNTU_OLD | typeof UBUNTU_NEW): NodeRow {
  return { name: `${team}-${index}`, labels: { [`${RING}/team`]: team }, zone: `zone-${"abc"[index - 1]}`, ...more };
}

const TEAM_NODES: readonly NodeRow[] = [
  teamNode("platform", 1, UBUNTU_NEW),
  teamNode("platform", 2, UBUNTU_NEW),
  teamNode("payments", 1, UBUNTU_NEW),
  teamNode("payments", 2, UBUNTU_OLD),
  teamNode("payments", 3, UBUNTU_OLD),
  teamNode("search", 1, UBUNTU_OLD),
  teamNode("search", 2, UBUNTU_OLD),
  teamNode("search", 3, UBUNTU_OLD),
];

const TEAMS: Example = {
  name: "several-teams",
  now: "2026-11-24T22:30:00Z",
  limits: { nodes: 3, workloads: 3, nodesPerZone: 2 },
  nodes: TEAM_NODES,
  workloads: [
    {
      kind: "Deployment",
      namespace: "payments",
      name: "gateway",
      labels: { "example.com/team": "payments" },
      image: "registry.example.com/payments/gateway:4.2.0",
      nodes: ["payments-1", "payments-2"],
      maxUnavailable: 1,
    },
    {
      kind: "Deployment",
      namespace: "search",
      name: "query",
      labels: { "example.com/team": "search" },
      image: "registry.example.com/search/query:1.8.4",
      nodes: ["search-1", "search-2", "search-3"],
      maxUnavailable: 1,
    },
  ],
  claims: () => [],
  rings: (levels) => ({
    platform: [
      {
        level: levels("ubuntu-2404"),
        targets: 2,
        done: 2,
        offered: "2026-11-23T07:00:00Z",
        started: "2026-11-23T07:00:10Z",
        completed: "2026-11-23T07:40:00Z",
        soaked: { time: "2026-11-24T07:40:00Z", seconds: 86_400 },
      },
    ],
    payments: [
      {
        level: levels("ubuntu-2404"),
        targets: 3,
        done: 1,
        offered: "2026-11-24T08:00:00Z",
        started: "2026-11-24T21:00:10Z",
      },
    ],
  }),
  seen: (levels) =>
    sawAll(TEAM_NODES, "2026-11-24T21:40:00Z", ({ name }) => ({
      level: levels("ubuntu-2404"),
      ring: name.replace(/-\d$/, ""),
      started: name.startsWith("platform") ? "2026-11-23T07:00:10Z" : "2026-11-24T21:00:10Z",
    })),
};

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

const POOLS: Example = {
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

const SITES: Example = {
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

export const EXAMPLES: readonly Example[] = [SINGLE, TEAMS, POOLS, SITES];
