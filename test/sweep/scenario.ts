// The reference rollout of the crash sweeps: nine nodes of three products in three rings and three zones, four workloads with budgets,
// an automatic canary, two rings that are promoted by pull requests, and a policy repository with short soaks.
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { KubeObject } from "../../controller/kube/port.ts";
import { NODES as NODE_RESOURCE } from "../../controller/kube/resources.ts";
import type { Fleet } from "../../controller/sandbox/fleet/fleet.ts";
import { oldImage, quickstartCatalogue } from "../../controller/sandbox/fleet/images.ts";
import {
  NODE_RING_LABEL,
  OS_LABEL,
  QUICKSTART_IMAGES,
  WORKLOAD_RING_LABEL,
} from "../../controller/sandbox/fleet/quickstart.ts";
import { namespaceObject, workloadObjects, type WorkloadRow } from "../../controller/sandbox/fleet/workloads.ts";
import type { Scenario, Stage } from "./stage.ts";
import type { MachineSpec } from "../../controller/sandbox/nodes/machines.ts";

export type RingName = "canary" | "early" | "broad";
export type NodeRow = readonly [name: string, product: "ubuntu" | "rocky" | "flatcar", ring: RingName, zone: string];
const NODES: readonly NodeRow[] = [
  ["ubuntu-1", "ubuntu", "canary", "zone-a"],
  ["flatcar-1", "flatcar", "canary", "zone-b"],
  ["rocky-1", "rocky", "early", "zone-c"],
  ["ubuntu-2", "ubuntu", "early", "zone-b"],
  ["flatcar-2", "flatcar", "early", "zone-c"],
  ["rocky-2", "rocky", "broad", "zone-a"],
  ["rocky-3", "rocky", "broad", "zone-a"],
  ["ubuntu-3", "ubuntu", "broad", "zone-c"],
  ["flatcar-3", "flatcar", "broad", "zone-b"],
];

const { nginx, redis } = QUICKSTART_IMAGES;
export type RingRow = WorkloadRow & { readonly ring: RingName };
/** The one workload of small rollouts. */
export const WEB: RingRow = {
  kind: "Deployment",
  namespace: "shop",
  name: "web",
  replicas: 2,
  image: `${nginx.repository}:${nginx.old}`,
  budget: { maxUnavailable: 1 },
  ring: "early",
};

export const WORKLOADS: readonly RingRow[] = [
  {
    kind: "Deployment",
    namespace: "shop",
    name: "docs",
    replicas: 2,
    image: `${nginx.repository}:${nginx.old}`,
    budget: { maxUnavailable: 1 },
    ring: "canary",
  },
  {
    kind: "Deployment",
    namespace: "shop",
    name: "web",
    replicas: 3,
    image: `${nginx.repository}:${nginx.old}`,
    budget: { minAvailable: 1 },
    ring: "early",
  },
  {
    kind: "StatefulSet",
    namespace: "shop",
    name: "cache",
    replicas: 2,
    image: `${redis.repository}:${redis.old}`,
    budget: { maxUnavailable: 1 },
    ring: "broad",
  },
  {
    kind: "Deployment",
    namespace: "shop",
    name: "api",
    replicas: 2,
    image: `${nginx.repository}:${nginx.old}`,
    budget: { maxUnavailable: 1 },
    ring: "broad",
  },
];

/** Machines and objects of such a table. */
export function fleetOf(nodes: readonly NodeRow[], workloads: readonly RingRow[]): Fleet {
  const machines: readonly MachineSpec[] = nodes.map(([name, product, ring, zone]) => ({
    name,
    labels: { [NODE_RING_LABEL]: ring, [OS_LABEL]: product, "topology.kubernetes.io/zone": zone },
    image: oldImage(product),
  }));
  const objects: readonly KubeObject[] = [
    namespaceObject("shop"),
    namespaceObject("ringward-jobs"),
    ...workloads.flatMap(({ ring, ...row }) => workloadObjects({ ...row, labels: { [WORKLOAD_RING_LABEL]: ring } })),
  ];
  return { machines, catalogue: quickstartCatalogue(), objects };
}

const QUICKSTART = fileURLToPath(new URL("../../examples/quickstart", import.meta.url));

/** Baselines and recipes of the quickstart, with rings of our own. */
export async function policyOf(rings: Readonly<Record<string, string>>): Promise<Readonly<Record<string, string>>> {
  const files: Record<string, string> = { ...rings, "calendars/weekdays.yaml": CALENDAR };
  for (const folder of ["baselines", "recipes"])
    for (const name of await readdir(`${QUICKSTART}/${folder}`))
      files[`${folder}/${name}`] = await readFile(`${QUICKSTART}/${folder}/${name}`, "utf8");
  // Two products of three are enough to try each step: runs are shorter without this one.
  files["recipes/apt.yaml"] = withoutStage(files["recipes/apt.yaml"] ?? "");
  return files;
}

/** The reference rollout. One node is cordoned by a person from the start, and stays so. */
export const REFERENCE: Scenario = {
  fleet: () => fleetOf(NODES, WORKLOADS),
  policy: () =>
    policyOf({
      "rings/canary.yaml": ringFile("canary", { budget: "{ nodes: 2, workloads: 1 }", promotion: "Automatic" }),
      "rings/early.yaml": ringFile("early", { after: "canary", budget: "{ nodes: 2, workloads: 1 }" }),
      "rings/broad.yaml": ringFile("broad", {
        after: "early",
        budget: '{ nodes: 3, workloads: "50%", nodesPerZone: 1 }',
      }),
    }),
  limits: { nodes: 4, workloads: 3, nodesPerZone: 2 },
  prepare: (stage) => cordon(stage, "ubuntu-3", true),
  deeds: [],
  last: { ring: "broad", levels: 4 },
};

/** A person cordons a node, or takes a cordon off, with kubectl. */
export async function cordon(stage: Stage, name: string, unschedulable: boolean): Promise<void> {
  await stage.admin.patch(NODE_RESOURCE, { name }, { type: "strategic", body: { spec: { unschedulable } } });
}

/** The recipe without its stage step: from its line to the next one of the same depth. */
function withoutStage(text: string): string {
  const shorter = text.replace(/^ {4}stage:\n(?: {6}.*\n)+/m, "");
  if (shorter === text) throw new Error("the recipe has no stage step");
  return shorter;
}

export const CALENDAR = `apiVersion: ringward.dev/v1alpha1
kind: MaintenanceCalendar
metadata:
  name: weekdays
spec:
  timeZone: UTC
  windows:
    - { name: office-hours, schedule: "0 6 * * 1-5", duration: 14h, cutoff: 30m }
  freezes:
    - { name: year-end, startTime: 2024-12-20T12:00, endTime: 2025-01-07T00:00, reason: year-end freeze }
`;

export function ringFile(
  name: RingName,
  options: { readonly after?: string; readonly budget: string; readonly promotion?: "Automatic" },
): string {
  return `apiVersion: ringward.dev/v1alpha1
kind: RolloutRing
metadata:
  name: ${name}
spec:${options.after === undefined ? "" : `\n  after: [${options.after}]`}
  members:
    nodes:
      selector: { matchLabels: { ${NODE_RING_LABEL}: ${name} } }
    workloads:
      selector: { matchLabels: { ${WORKLOAD_RING_LABEL}: ${name} } }
      mode: Patch
  budget: ${options.budget}
  # No rocky node is a canary: its baseline passes through.
  completion: { onEmpty: Pass }
  soak: 10s
  gates:
    - { name: nodes, type: NodesReady, minPercent: 50 }
  calendarRefs: [{ name: weekdays }]
  cordonedNodes: Update
  drain: { timeout: 10m, barePods: Evict }
  promotion: ${options.promotion ?? "PullRequest"}
  levels:
    - baseline: flatcar
    - baseline: rocky-9
    - baseline: shared-images
    - baseline: ubuntu-2204
`;
}
