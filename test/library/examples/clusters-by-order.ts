// The cluster of the example single-cluster, and the one of several-teams.
import type { NodeRow } from "./objects.ts";
import type { Claim } from "./own.ts";
import { type Example, RING, sawAll, UBUNTU_NEW, UBUNTU_OLD } from "./rows.ts";

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

export const SINGLE: Example = {
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

export const TEAMS: Example = {
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
