// Words that scenes are written in: rings, baselines, nodes, and what people and other tools do to them.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { isConflict, isNotFound } from "../../../controller/kube/api-errors.ts";
import type { KubeObject } from "../../../controller/kube/port.ts";
import {
  DISRUPTION_LEDGERS,
  NODE_PATCH_STATES,
  NODES,
  POD_DISRUPTION_BUDGETS,
  ROLLOUT_RINGS,
} from "../../../controller/kube/resources.ts";
import { at, listAt, textAt } from "../../../controller/sandbox/invariants/readings.ts";
import type { Fleet } from "../../../controller/sandbox/fleet/fleet.ts";
import { oldImage, quickstartCatalogue } from "../../../controller/sandbox/fleet/images.ts";
import { QUICKSTART_IMAGES } from "../../../controller/sandbox/fleet/quickstart.ts";
import { namespaceObject, workloadObjects, type WorkloadRow } from "../../../controller/sandbox/fleet/workloads.ts";
import type { Deed, Scenario } from "../../sweep/stage.ts";
import type { Stage } from "../../sweep/stage.ts";

export const RING = "ringward.example/ring";
const { nginx } = QUICKSTART_IMAGES;
const QUICKSTART = fileURLToPath(new URL("../../../examples/quickstart", import.meta.url));

export interface NodeLine {
  readonly name: string;
  readonly ring: string;
  readonly os?: "ubuntu" | "rocky" | "flatcar";
  readonly zone?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export type WorkloadLine = Partial<WorkloadRow> & { readonly name: string; readonly ring?: string };

/** Machines and workloads; `more`: further objects. */
export function fleet(
  nodes: readonly NodeLine[],
  workloads: readonly WorkloadLine[] = [],
  more: readonly KubeObject[] = [],
): Fleet {
  return {
    machines: nodes.map(({ name, ring, os = "flatcar", zone = "zone-a", labels }) => ({
      name,
      labels: { [RING]: ring, "topology.kubernetes.io/zone": zone, ...labels },
      image: oldImage(os),
    })),
    catalogue: quickstartCatalogue(),
    objects: [
      namespaceObject("shop"),
      namespaceObject("ringward-jobs"),
      ...workloads.flatMap(({ ring, labels, ...row }) =>
        workloadObjects({
          kind: "Deployment",
          namespace: "shop",
          replicas: 1,
          image: `${nginx.repository}:${nginx.old}`,
          ...row,
          labels: { ...labels, ...(ring === undefined ? {} : { [RING]: ring }) },
        }),
      ),
      ...more,
    ],
  };
}

/** A pod that stands on a node and that nobody brings back. */
export function pod(name: string, node: string, metadata: object = {}, spec: object = {}): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "shop", labels: { app: name }, ...metadata },
    spec: {
      nodeName: node,
      containers: [{ name: "main", image: "registry.example.com/tools/toolbox:1.36" }],
      tolerations: [{ operator: "Exists" }],
      ...spec,
    },
  };
}

/** A PodDisruptionBudget of the pods of an app. */
export function budget(name: string, app: string, spec: object = { maxUnavailable: 1 }): KubeObject {
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name, namespace: "shop" },
    spec: { ...spec, selector: { matchLabels: { app } } },
  };
}

/** A ring's file. `spec`: lines of it, indented by two. */
export function ring(name: string, spec = "", baselines: readonly string[] = ["flatcar"]): string {
  const has = (key: string): boolean => new RegExp(`^  ${key}:`, "m").test(spec);
  return `apiVersion: ringward.dev/v1alpha1
kind: RolloutRing
metadata: { name: ${name} }
spec:
${has("members") ? "" : `  members:\n    nodes: { selector: { matchLabels: { ${RING}: ${name} } } }\n    workloads: { selector: { matchLabels: { ${RING}: ${name} } }, mode: Patch }\n`}${has("budget") ? "" : "  budget: { nodes: 3, workloads: 3 }\n"}${has("completion") ? "" : "  completion: { onEmpty: Pass }\n"}${has("soak") ? "" : "  soak: 10s\n"}${has("promotion") ? "" : "  promotion: Automatic\n"}${has("drain") ? "" : "  drain: { timeout: 10m }\n"}${spec === "" || spec.endsWith("\n") ? spec : `${spec}\n`}  levels:
${baselines.map((baseline) => `    - baseline: ${baseline}\n`).join("")}`;
}

export const IMAGES = `apiVersion: ringward.dev/v1alpha1
kind: PatchBaseline
metadata: { name: images }
spec:
  target: Image
  image: { images: [{ repository: ${nginx.repository}, tag: ${nginx.current} }] }
`;

/** Baseline and recipe of a product of the quickstart. */
async function product(baseline: string, recipe: string): Promise<Readonly<Record<string, string>>> {
  const read = (path: string): Promise<string> => readFile(`${QUICKSTART}/${path}`, "utf8");
  return {
    [`baselines/${baseline}.yaml`]: await read(`baselines/${baseline}.yaml`),
    [`recipes/${recipe}.yaml`]: await read(`recipes/${recipe}.yaml`),
  };
}

/** Recipes alone, for baselines of one's own. */
export async function recipes(...names: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const files = names.map(async (name) => [
    `recipes/${name}.yaml`,
    await readFile(`${QUICKSTART}/recipes/${name}.yaml`, "utf8"),
  ]);
  return Object.fromEntries(await Promise.all(files)) as Readonly<Record<string, string>>;
}

export const FLATCAR = (): Promise<Readonly<Record<string, string>>> => product("flatcar", "flatcar");
export const ROCKY = (): Promise<Readonly<Record<string, string>>> => product("rocky-9", "dnf");

/** Rings as files of a policy. */
export function rings(files: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(files).map(([name, text]) => [`rings/${name}.yaml`, text]));
}

export const LIMITS = { nodes: 50, workloads: 50, nodesPerZone: 50 };

/** A scenario that ends when so much policy time has passed and nothing moves. */
export function until(
  minutes: number,
  rest: Omit<Scenario, "last" | "limits" | "isDone" | "deeds" | "prepare"> & Partial<Scenario>,
): Scenario {
  const end = Date.parse("2024-12-16T07:00:00Z") + minutes * 60_000;
  return {
    limits: LIMITS,
    deeds: [],
    prepare: () => Promise.resolve(),
    isDone: (stage) => stage.clock.now() >= end,
    last: { ring: "", levels: 0 },
    ...rest,
  };
}

// ------------------------------------------------------------------------------------------------------- looks

export function look(stage: Stage, table: string, name: string): unknown {
  return stage.cluster.server.store.snapshot().tables.get(table)?.objects.get(name);
}

export function operationOf(stage: Stage, node: string): unknown {
  return at(look(stage, "nodepatchstates.ringward.dev", node), "status", "operation");
}

export function isAt(stage: Stage, node: string, ...steps: readonly string[]): boolean {
  return steps.includes(textAt(operationOf(stage, node), "step") ?? "");
}

export function isCordoned(stage: Stage, node: string): boolean {
  return at(look(stage, "nodes", node), "spec", "unschedulable") === true;
}

export function claims(stage: Stage): readonly unknown[] {
  return listAt(look(stage, "disruptionledgers.ringward.dev", "cluster"), "status", "claims");
}

export function isClaimed(stage: Stage, name: string): boolean {
  return claims(stage).some((claim) => textAt(claim, "name") === name);
}

export function isPast(stage: Stage, time: string): boolean {
  return stage.clock.now() >= Date.parse(`2024-12-16T${time}Z`);
}

// ------------------------------------------------------------------------------------------------------- deeds

/** What a person wants to change may be gone, where the controller is broken: that is no fault of theirs. */
export function deed(name: string, isDue: (stage: Stage) => boolean, act: Deed["act"]): Deed {
  return {
    name,
    isDue,
    async act(stage) {
      try {
        await act(stage);
      } catch (error) {
        if (!isNotFound(error) && !isConflict(error)) throw error;
      }
    },
  };
}

/** Changes a node with kubectl; null takes a label or annotation away. */
export async function edit(
  stage: Stage,
  node: string,
  change: {
    readonly labels?: Readonly<Record<string, string | null>>;
    readonly annotations?: Readonly<Record<string, string | null>>;
    readonly unschedulable?: boolean;
  },
): Promise<void> {
  const { unschedulable, ...metadata } = change;
  const body = { metadata, ...(unschedulable === undefined ? {} : { spec: { unschedulable } }) };
  await stage.admin.patch(NODES, { name: node }, { type: "merge", body });
}

/** How many pods of a workload must stay. */
export async function tighten(stage: Stage, name: string, spec: object): Promise<void> {
  await stage.admin.patch(POD_DISRUPTION_BUDGETS, { namespace: "shop", name }, { type: "merge", body: { spec } });
}

export async function mode(stage: Stage, mode: "Enforce" | "Observe" | "Stop"): Promise<void> {
  await stage.admin.patch(DISRUPTION_LEDGERS, { name: "cluster" }, { type: "merge", body: { spec: { mode } } });
}

export async function suspend(stage: Stage, name: string): Promise<void> {
  await stage.admin.patch(ROLLOUT_RINGS, { name }, { type: "merge", body: { spec: { suspend: true } } });
}

/** Writes into a node's operation, as `ringward retry` and `release` do. */
export async function say(stage: Stage, node: string, field: "retryTime" | "release"): Promise<void> {
  const time = new Date(stage.clock.now() + 1).toISOString();
  const value = field === "retryTime" ? time : { reason: "somebody said so", time };
  await stage.admin.patch(
    NODE_PATCH_STATES,
    { name: node },
    { type: "json", body: [{ op: "add", path: `/status/operation/${field}`, value }] },
    { subresource: "status" },
  );
}

export function commit(stage: Stage, files: Readonly<Record<string, string | null>>): void {
  stage.house?.remote.people.commitFiles("main", files, { message: "a person's change", time: stage.clock.now() });
}

export function file(stage: Stage, path: string): string {
  return stage.house?.remote.people.text("main", path) ?? "";
}

// ------------------------------------------------------------------------------------------------------- approvals

/** The level that a ring's entry names in Git. */
export function levelIn(stage: Stage, name: string): string | undefined {
  return /level: (\S+)/.exec(file(stage, `rings/${name}.yaml`))?.[1];
}

export function isSoaked(stage: Stage, name: string): boolean {
  return recordsOf(stage, name).some((level) => textAt(level, "soakedTime") !== undefined);
}

/** What a ring's status says of its levels. */
export function recordsOf(stage: Stage, name: string): readonly unknown[] {
  return listAt(look(stage, "rolloutrings.ringward.dev", name), "status", "levels");
}

/** Approves a level with an entry written by hand. */
export function approve(stage: Stage, name: string, lines: string): void {
  const text = file(stage, `rings/${name}.yaml`).replace(
    /(\n {4}- baseline: (?:flatcar|images))[\s\S]*$/,
    `$1\n${lines}`,
  );
  commit(stage, { [`rings/${name}.yaml`]: text });
}
