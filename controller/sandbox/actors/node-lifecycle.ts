// The sandbox's node lifecycle controller: a node whose Lease is old becomes Unknown; taints follow conditions and cordons;
// pods of NotReady nodes are not Ready, and leave after their time; pods of nodes that are gone are removed.
// It writes taints only under the Node's resourceVersion, and never touches a taint that is not one of its own.
import type { Instant } from "../../clock.ts";
import type { Actor } from "./actor.ts";
import type { Condition, Node, Pod, Taint } from "./objects.ts";
import { isActive, isFinished, isReady, tolerates, UNSCHEDULABLE } from "./selection.ts";
import { timestamp, withCondition } from "./template.ts";
import type { SandboxTiming } from "./timing.ts";
import type { ActorClient, ClusterView } from "./view.ts";

const NODE_LEASES = "kube-node-lease";
const NOT_READY = "node.kubernetes.io/not-ready";
/** Kubernetes' podgc waits as long before it believes that a node is gone. */
const QUARANTINE_MS = 40_000;
const UNREACHABLE = "node.kubernetes.io/unreachable";

export function createNodeLifecycleController(view: ClusterView, timing: SandboxTiming): Actor {
  const client = view.client("node-lifecycle-controller");
  return {
    name: "node-lifecycle-controller",
    async step(now) {
      const before = client.writes();
      for (const node of client.list("nodes")) await syncNode(client, node, timing, now);
      await collectPods(client, now);
      return client.writes() - before;
    },
  };
}

async function syncNode(client: ActorClient, seen: Node, timing: SandboxTiming, now: Instant): Promise<void> {
  const node = await judge(client, seen, timing, now);
  if (node === undefined) return;
  await taint(client, node, now);
  const ready = readyOf(node);
  if (ready?.status === "True") return;
  for (const pod of client.podsOn(node.metadata.name)) await markNotReady(client, pod, now);
  if (ready !== undefined) await evictPods(client, node, timing, now);
}

function readyOf(node: Node): Condition | undefined {
  return node.status?.conditions?.find(({ type }) => type === "Ready");
}

/** Nobody can say that a silent node is Ready. */
async function judge(client: ActorClient, node: Node, timing: SandboxTiming, now: Instant): Promise<Node | undefined> {
  const ready = readyOf(node);
  const renewed = Date.parse(client.get("leases", node.metadata.name, NODE_LEASES)?.spec.renewTime ?? "");
  const heard = Math.max(Number.isNaN(renewed) ? 0 : renewed, Date.parse(ready?.lastHeartbeatTime ?? "") || 0);
  const since = heard === 0 ? Date.parse(node.metadata.creationTimestamp ?? "") : heard;
  if (now - since <= timing.nodeMonitorGrace || ready === undefined || ready.status === "Unknown") return node;
  const unknown: Condition = {
    ...ready,
    status: "Unknown",
    reason: "NodeStatusUnknown",
    message: "Kubelet stopped posting node status.",
  };
  const conditions = withCondition(node.status?.conditions, unknown, now);
  return client.replace("nodes", { ...node, status: { ...node.status, conditions } }, "status");
}

/** Puts the taints in place that conditions and `unschedulable` call for, and takes its others away. */
async function taint(client: ActorClient, node: Node, now: Instant): Promise<void> {
  const wanted: Taint[] = node.spec?.unschedulable === true ? [UNSCHEDULABLE] : [];
  const status = readyOf(node)?.status;
  if (status !== "True") {
    const key = status === "Unknown" ? UNREACHABLE : NOT_READY;
    wanted.push({ key, effect: "NoSchedule" });
    if (status !== undefined) wanted.push({ key, effect: "NoExecute" });
  }
  const present = node.spec?.taints ?? [];
  const own = (one: Taint): boolean => [NOT_READY, UNREACHABLE, UNSCHEDULABLE.key].includes(one.key);
  const stays = present.filter((one) => !own(one) || wanted.some((other) => isSame(one, other)));
  const added = wanted.filter((one) => !present.some((other) => isSame(one, other)));
  const taints = [...stays, ...added.map((one) => ({ ...one, timeAdded: timestamp(now) }))];
  if (added.length === 0 && stays.length === present.length) return;
  const { taints: _, ...spec } = node.spec ?? {};
  await client.replace("nodes", { ...node, spec: taints.length === 0 ? spec : { ...spec, taints } });
}

function isSame(a: Taint, b: Taint): boolean {
  return a.key === b.key && a.effect === b.effect;
}

async function markNotReady(client: ActorClient, pod: Pod, now: Instant): Promise<void> {
  if (!isReady(pod)) return;
  const condition: Condition = { type: "Ready", status: "False", reason: "NodeNotReady", lastProbeTime: null };
  const conditions = withCondition(pod.status?.conditions, condition, now);
  await client.replace("pods", { ...pod, status: { ...pod.status, conditions } }, "status");
}

/** NoExecute with the tolerance that admission gives every pod of a real cluster (300 s), unless the pod says otherwise. */
async function evictPods(client: ActorClient, node: Node, timing: SandboxTiming, now: Instant): Promise<void> {
  const taints = (client.get("nodes", node.metadata.name)?.spec?.taints ?? []).filter(
    ({ key, effect }) => effect === "NoExecute" && (key === NOT_READY || key === UNREACHABLE),
  );
  for (const one of taints) {
    const since = Date.parse(one.timeAdded ?? "");
    for (const pod of client.podsOn(node.metadata.name)) {
      const patience = patienceOf(pod, one, timing);
      if (isActive(pod) && patience !== undefined && since + patience <= now) await client.remove("pods", pod);
    }
  }
}

/** Milliseconds; undefined: for ever. */
function patienceOf(pod: Pod, one: Taint, timing: SandboxTiming): number | undefined {
  const matching = (pod.spec.tolerations ?? []).filter((toleration) => tolerates([toleration], one));
  if (matching.length === 0) return timing.podEviction;
  const limits = matching.flatMap(({ tolerationSeconds }) =>
    tolerationSeconds === undefined ? [] : [tolerationSeconds * 1000],
  );
  return limits.length === 0 ? undefined : Math.min(...limits);
}

/** The pod garbage collector's part: nobody else ends a pod whose node is gone. */
async function collectPods(client: ActorClient, now: Instant): Promise<void> {
  for (const pod of client.list("pods")) {
    const { nodeName } = pod.spec;
    if (nodeName === undefined || client.get("nodes", nodeName) !== undefined) continue;
    // A pod may be written for a node that is about to register.
    if (Date.parse(pod.metadata.creationTimestamp ?? "") + QUARANTINE_MS > now) continue;
    if (!isFinished(pod) && (pod.metadata.finalizers ?? []).length > 0) {
      await client.replace(
        "pods",
        { ...pod, status: { ...pod.status, phase: "Failed", reason: "NodeLost" } },
        "status",
      );
    }
    if (pod.metadata.deletionGracePeriodSeconds !== 0) await client.remove("pods", pod, { gracePeriodSeconds: 0 });
  }
}
