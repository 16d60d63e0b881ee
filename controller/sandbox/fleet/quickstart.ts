// The quickstart's fleet: 60 nodes (24 Ubuntu 22.04, 18 Flatcar, 18 Rocky 9) in three zones and three rings, and 40 workloads,
// all at patch levels of summer 2024. What makes rollouts hard in the field is in it: DaemonSets, bare pods, single
// replicas without a budget, one budget that allows nothing, one workload of Helm's and one of Argo CD's.
import type { KubeObject } from "../../kube/port.ts";
import type { MachineSpec } from "../nodes/machines.ts";
import type { Fleet } from "./fleet.ts";
import { oldImage, quickstartCatalogue } from "./images.ts";
import { barePod, namespaceObject, workloadObjects } from "./workloads.ts";
import type { WorkloadRow } from "./workloads.ts";

export const NODE_RING_LABEL = "node-restriction.kubernetes.io/ring";
export const WORKLOAD_RING_LABEL = "ringward.example/ring";
export const OS_LABEL = "ringward.example/os";
const ZONE_LABEL = "topology.kubernetes.io/zone";

export type Ring = "canary" | "early" | "broad";
type Product = "ubuntu" | "rocky" | "flatcar";

/** A date at which everything in the fleet's catalogue has been published: a good start for the policy clock. */
export const QUICKSTART_START = Date.parse("2024-12-16T06:00:00Z");

/** The images that workloads share: what they run, and what is current. */
export const QUICKSTART_IMAGES = {
  nginx: { repository: "registry.example.com/shop/nginx", old: "1.27.1", current: "1.27.3" },
  redis: { repository: "registry.example.com/shop/redis", old: "7.4.0", current: "7.4.1" },
  postgres: { repository: "registry.example.com/data/postgres", old: "16.4", current: "16.6" },
  fluentBit: { repository: "registry.example.com/platform/fluent-bit", old: "3.1.7", current: "3.2.2" },
} as const;

/** The budget that evicts nobody until a person changes it. */
export const BLOCKING_BUDGET = { namespace: "payments", name: "ledger" } as const;

const PRODUCTS: readonly Product[] = [
  "ubuntu",
  "flatcar",
  "rocky",
  "ubuntu",
  "flatcar",
  "rocky",
  "ubuntu",
  "flatcar",
  "rocky",
  "ubuntu",
];
const RINGS: readonly Ring[] = [
  "canary",
  "early",
  "early",
  "early",
  "broad",
  "broad",
  "broad",
  "broad",
  "broad",
  "broad",
];
const ZONES = ["zone-a", "zone-b", "zone-c"];

/** Blocks of ten nodes: one canary, three early, six broad; the block shifts products and zones so that each ring has all. */
export function quickstartMachines(count = 60): readonly MachineSpec[] {
  const counts: Record<Product, number> = { ubuntu: 0, rocky: 0, flatcar: 0 };
  return Array.from({ length: count }, (_, index) => {
    const block = Math.floor(index / 10);
    const place = index % 10;
    const product = PRODUCTS[(place + block) % 10] ?? "ubuntu";
    counts[product] += 1;
    const labels = {
      [NODE_RING_LABEL]: RINGS[place] ?? "broad",
      [ZONE_LABEL]: ZONES[(place + block + Math.floor(block / 3)) % 3] ?? "zone-a",
      [OS_LABEL]: product,
      "node.kubernetes.io/instance-type": "c4.xlarge",
    };
    return { name: `${product}-${String(counts[product]).padStart(2, "0")}`, labels, image: oldImage(product) };
  });
}

type Row = readonly [name: string, image: keyof typeof QUICKSTART_IMAGES, replicas: number, ring: Ring];

const DEPLOYMENTS: Readonly<Record<string, readonly Row[]>> = {
  shop: [
    ["web", "nginx", 4, "early"],
    ["cart", "nginx", 3, "broad"],
    ["checkout", "nginx", 3, "broad"],
    ["catalog", "nginx", 3, "early"],
    ["images", "nginx", 2, "canary"],
    ["reviews", "nginx", 2, "early"],
    ["wishlist", "nginx", 1, "broad"],
    ["session-cache", "redis", 2, "broad"],
    ["price-cache", "redis", 2, "early"],
    ["promo", "nginx", 2, "broad"],
  ],
  payments: [
    ["gateway", "nginx", 3, "broad"],
    ["ledger", "nginx", 3, "broad"],
    ["fraud", "nginx", 2, "broad"],
    ["receipts", "nginx", 1, "early"],
    ["token-cache", "redis", 2, "broad"],
  ],
  search: [
    ["api", "nginx", 3, "broad"],
    ["indexer", "nginx", 2, "early"],
    ["suggest", "nginx", 2, "broad"],
    ["query-cache", "redis", 2, "canary"],
  ],
  media: [
    ["resize", "nginx", 3, "broad"],
    ["transcode", "nginx", 2, "early"],
    ["thumbs", "nginx", 2, "broad"],
    ["upload", "nginx", 2, "broad"],
    ["cdn-edge", "nginx", 3, "broad"],
  ],
  tools: [
    ["wiki", "nginx", 1, "broad"],
    ["status-page", "nginx", 2, "broad"],
    ["mailer", "nginx", 1, "early"],
    ["cron-ui", "nginx", 1, "broad"],
    ["docs", "nginx", 2, "canary"],
    ["feedback", "nginx", 1, "early"],
  ],
};

const STATEFUL_SETS: Readonly<Record<string, readonly Row[]>> = {
  data: [
    ["orders-db", "postgres", 3, "broad"],
    ["users-db", "postgres", 3, "broad"],
    ["events-db", "postgres", 2, "early"],
    ["audit-db", "postgres", 1, "broad"],
  ],
  search: [["shards", "redis", 3, "broad"]],
  media: [["queue", "redis", 3, "early"]],
  shop: [["stock-db", "postgres", 2, "broad"]],
  payments: [["vault-db", "postgres", 3, "broad"]],
};

const DAEMON_SETS: Readonly<Record<string, readonly Row[]>> = {
  platform: [
    ["log-shipper", "fluentBit", 0, "canary"],
    ["edge-proxy", "nginx", 0, "early"],
  ],
};

/** Owned by a delivery tool, and already current: their manifests' Git is where they change. */
const OWNERS: Readonly<Record<string, Pick<WorkloadRow, "labels" | "annotations">>> = {
  "tools/wiki": {
    labels: { "app.kubernetes.io/managed-by": "Helm", "helm.sh/chart": "wiki-4.2.0" },
    annotations: { "meta.helm.sh/release-name": "wiki", "meta.helm.sh/release-namespace": "tools" },
  },
  "tools/status-page": {
    labels: { "app.kubernetes.io/instance": "status-page" },
    annotations: { "argocd.argoproj.io/tracking-id": "status-page:apps/Deployment:tools/status-page" },
  },
};

const SIDECAR = "registry.example.com/platform/exporter:0.15.0";
const TOOLBOX = "registry.example.com/tools/toolbox:1.36";

function describe(kind: WorkloadRow["kind"], table: Readonly<Record<string, readonly Row[]>>): readonly WorkloadRow[] {
  return Object.entries(table).flatMap(([namespace, rows]) =>
    rows.map(([name, image, replicas, ring]): WorkloadRow => {
      const { repository, old, current } = QUICKSTART_IMAGES[image];
      const owner = OWNERS[`${namespace}/${name}`];
      return {
        kind,
        namespace,
        name,
        replicas,
        image: `${repository}:${owner === undefined ? old : current}`,
        ...owner,
        labels: { ...owner?.labels, [WORKLOAD_RING_LABEL]: ring },
        ...budgetFor(namespace, name, replicas),
        ...(image === "postgres" ? { sidecar: SIDECAR } : {}),
      };
    }),
  );
}

/** Single replicas have none, as in the field; one asks for more than can ever be spared. */
function budgetFor(namespace: string, name: string, replicas: number): Pick<WorkloadRow, "budget"> {
  if (namespace === BLOCKING_BUDGET.namespace && name === BLOCKING_BUDGET.name)
    return { budget: { minAvailable: replicas } };
  if (replicas < 2) return {};
  return { budget: replicas === 4 ? { minAvailable: "50%" } : { maxUnavailable: 1 } };
}

/** The 40 workloads, as short descriptions. */
export function quickstartWorkloads(): readonly WorkloadRow[] {
  return [
    ...describe("Deployment", DEPLOYMENTS),
    ...describe("StatefulSet", STATEFUL_SETS),
    ...describe("DaemonSet", DAEMON_SETS),
  ];
}

/** The whole fleet: about 210 pods on 60 nodes. */
export function quickstartFleet(): Fleet {
  const rows = quickstartWorkloads();
  const namespaces = [...new Set(rows.map(({ namespace }) => namespace))].sort();
  const objects: readonly KubeObject[] = [
    ...namespaces.map(namespaceObject),
    ...rows.flatMap(workloadObjects),
    barePod("tools", "debug-shell", TOOLBOX),
    barePod("data", "migration-runner", TOOLBOX),
    barePod("shop", "load-generator", TOOLBOX),
  ];
  return { machines: quickstartMachines(), catalogue: quickstartCatalogue(), objects };
}
