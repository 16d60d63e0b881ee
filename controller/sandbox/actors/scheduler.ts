// The sandbox's scheduler: binds pods without a node to a Ready, schedulable node that their selectors, affinity and
// tolerations allow, spread over zones and nodes. It never moves a pod and never binds one that already has a node.
// It binds late on purpose when `scheduleRounds` says so, because real clusters do.
import type { Instant } from "../../clock.ts";
import type { Actor } from "./actor.ts";
import type { Node, Pod } from "./objects.ts";
import { isActive, isNodeReady, repelledBy, tolerates, UNSCHEDULABLE, wantsNode } from "./selection.ts";
import { withCondition } from "./template.ts";
import type { SandboxTiming } from "./timing.ts";
import { controllerOf } from "./view.ts";
import type { ActorClient, ClusterView } from "./view.ts";

const ZONE = "topology.kubernetes.io/zone";
const DEFAULT_POD_LIMIT = 110;

export function createScheduler(view: ClusterView, timing: SandboxTiming): Actor {
  const client = view.client("scheduler");
  /** Steps that each unbound pod has waited, by uid. */
  let waited = new Map<string, number>();
  return {
    name: "scheduler",
    reactive: timing.scheduleRounds === 0,
    async step(now) {
      const before = client.writes();
      const unbound = client.list("pods").filter((pod) => pod.spec.nodeName === undefined && isActive(pod));
      const due: Pod[] = [];
      const next = new Map<string, number>();
      for (const pod of unbound) {
        const rounds = waited.get(pod.metadata.uid ?? "") ?? 0;
        if (rounds >= timing.scheduleRounds) due.push(pod);
        else next.set(pod.metadata.uid ?? "", rounds + 1);
      }
      const load = due.length === 0 ? undefined : measureLoad(client);
      for (const pod of due) if (load !== undefined) await place(client, pod, load, now);
      waited = next;
      return client.writes() - before;
    },
    busy: () => waited.size > 0,
    snapshot: () => [...waited],
    restore: (state) => void (waited = new Map(state as [string, number][])),
  };
}

/** Pods per node, and per owner and node or zone: what spreading looks at. */
interface Load {
  readonly nodes: readonly Node[];
  readonly pods: Map<string, number>;
  readonly siblings: Map<string, number>;
}

function measureLoad(client: ActorClient): Load {
  const nodes = client.list("nodes");
  const load: Load = { nodes, pods: new Map(), siblings: new Map() };
  const zones = new Map(nodes.map((node) => [node.metadata.name, zoneOf(node)]));
  for (const pod of client.list("pods")) {
    if (pod.spec.nodeName !== undefined && isActive(pod))
      addLoad(load, pod, pod.spec.nodeName, zones.get(pod.spec.nodeName) ?? "");
  }
  return load;
}

function addLoad(load: Load, pod: Pod, node: string, zone: string): void {
  const owner = groupOf(pod);
  for (const [map, key] of [
    [load.pods, node],
    [load.siblings, `${owner}@${node}`],
    [load.siblings, `${owner}@zone:${zone}`],
  ] as const) {
    map.set(key, (map.get(key) ?? 0) + 1);
  }
}

async function place(client: ActorClient, pod: Pod, load: Load, now: Instant): Promise<void> {
  const node = chooseNode(pod, load);
  if (node === undefined) {
    await reportUnschedulable(client, pod, load, now);
  } else if (await client.bind(pod, node.metadata.name)) {
    addLoad(load, pod, node.metadata.name, zoneOf(node));
  }
}

/** The allowed node with the fewest siblings in its zone, then on it, then the fewest pods, then the first name. */
function chooseNode(pod: Pod, load: Load): Node | undefined {
  const owner = groupOf(pod);
  let best: { readonly node: Node; readonly rank: readonly number[] } | undefined;
  for (const node of load.nodes) {
    if (refusal(pod, node, load) !== undefined) continue;
    const { name } = node.metadata;
    const rank = [
      load.siblings.get(`${owner}@zone:${zoneOf(node)}`) ?? 0,
      load.siblings.get(`${owner}@${name}`) ?? 0,
      load.pods.get(name) ?? 0,
    ];
    if (best === undefined || isLess(rank, best.rank)) best = { node, rank };
  }
  return best?.node;
}

/** Why a node does not take a pod, in the scheduler's usual words. */
function refusal(pod: Pod, node: Node, load: Load): string | undefined {
  if (!wantsNode(pod.spec, node)) return "didn't match Pod's node affinity/selector";
  if (node.spec?.unschedulable === true && !tolerates(pod.spec.tolerations, UNSCHEDULABLE)) return "were unschedulable";
  const [taint] = repelledBy(pod.spec, node, ["NoSchedule", "NoExecute"]);
  if (taint !== undefined) return `had untolerated taint {${taint.key}: ${taint.value ?? ""}}`;
  if (!isNodeReady(node) && !toleratesNotReady(pod)) return "were not ready";
  const limit = Number(node.status?.allocatable?.["pods"] ?? DEFAULT_POD_LIMIT);
  return (load.pods.get(node.metadata.name) ?? 0) >= limit ? "had too many pods" : undefined;
}

function toleratesNotReady(pod: Pod): boolean {
  return tolerates(pod.spec.tolerations, { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" });
}

async function reportUnschedulable(client: ActorClient, pod: Pod, load: Load, now: Instant): Promise<void> {
  const counts = new Map<string, number>();
  for (const node of load.nodes) {
    const reason = refusal(pod, node, load) ?? "";
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  const reasons = [...counts].map(([reason, count]) => `${count} node(s) ${reason}`).join(", ");
  const message = `0/${load.nodes.length} nodes are available: ${reasons}.`;
  const known = pod.status?.conditions?.find(({ type }) => type === "PodScheduled");
  if (known?.status === "False" && known.message === message) return;
  const condition = { type: "PodScheduled", status: "False", reason: "Unschedulable", message } as const;
  const conditions = withCondition(pod.status?.conditions, { ...condition, lastProbeTime: null }, now);
  await client.replace("pods", { ...pod, status: { ...pod.status, phase: "Pending", conditions } }, "status");
}

function groupOf(pod: Pod): string {
  return controllerOf(pod)?.uid ?? `${pod.metadata.namespace ?? ""}/${pod.metadata.name}`;
}

function zoneOf(node: Node): string {
  return node.metadata.labels?.[ZONE] ?? "";
}

function isLess(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((value, index) => value !== b[index]);
  return at >= 0 && (a[at] ?? 0) < (b[at] ?? 0);
}
