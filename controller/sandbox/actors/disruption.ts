// The sandbox's disruption controller: keeps the status of PodDisruptionBudgets, on which the server decides evictions.
// disruptionsAllowed is never higher than healthy pods beyond desiredHealthy; what cannot be computed allows nothing.
// Restates pkg/controller/disruption: expected pods come from the scale of the pods' controllers, percents round up.
import type { Instant } from "../../clock.ts";
import type { Actor } from "./actor.ts";
import type { Condition, Pod, PodDisruptionBudget } from "./objects.ts";
import { isFinished, isReady, selects } from "./selection.ts";
import { equal, scaled, withCondition } from "./template.ts";
import { controllerOf } from "./view.ts";
import type { ActorClient, ClusterView } from "./view.ts";

/** An evicted pod that is still there after this was not deleted after all. */
const EVICTION_TIMEOUT_MS = 120_000;

export function createDisruptionController(view: ClusterView): Actor {
  const client = view.client("disruption-controller");
  return {
    name: "disruption-controller",
    reactive: true,
    async step(now) {
      const before = client.writes();
      for (const budget of client.list("poddisruptionbudgets")) {
        if (budget.metadata.deletionTimestamp === undefined) await syncBudget(client, budget, now);
      }
      return client.writes() - before;
    },
  };
}

async function syncBudget(client: ActorClient, budget: PodDisruptionBudget, now: Instant): Promise<void> {
  const pods = client.list("pods").filter((pod) => belongsTo(pod, budget) && !isFinished(pod));
  const disrupted = stillDisrupted(budget, pods, now);
  const healthy = pods.filter((pod) => {
    const { deletionTimestamp, name } = pod.metadata;
    return deletionTimestamp === undefined && disrupted[name] === undefined && isReady(pod);
  }).length;
  const demand = demandOf(client, budget, pods);
  const expectedPods = "problem" in demand ? pods.length : demand.expected;
  const desired = "problem" in demand ? pods.length : demand.desired;
  const allowed = "problem" in demand || expectedPods === 0 ? 0 : Math.max(0, healthy - desired);
  const problem = "problem" in demand ? demand.problem : undefined;
  const status = {
    disruptionsAllowed: allowed,
    currentHealthy: healthy,
    desiredHealthy: desired,
    expectedPods,
    observedGeneration: budget.metadata.generation ?? 0,
    ...(Object.keys(disrupted).length === 0 ? {} : { disruptedPods: disrupted }),
    conditions: withCondition(budget.status?.conditions, conditionOf(budget, allowed, problem), now),
  };
  if (!equal(status, budget.status)) await client.replace("poddisruptionbudgets", { ...budget, status }, "status");
}

function belongsTo(pod: Pod, budget: PodDisruptionBudget): boolean {
  return pod.metadata.namespace === budget.metadata.namespace && selects(budget.spec.selector, pod.metadata.labels);
}

/** Evictions that the server granted and that have not come true yet. */
function stillDisrupted(
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  now: Instant,
): Readonly<Record<string, string>> {
  const entries = Object.entries(budget.status?.disruptedPods ?? {}).filter(([name, since]) => {
    const pod = pods.find(({ metadata }) => metadata.name === name);
    const coming = pod !== undefined && pod.metadata.deletionTimestamp === undefined;
    return coming && Date.parse(since) + EVICTION_TIMEOUT_MS > now;
  });
  return Object.fromEntries(entries);
}

type Demand = { readonly expected: number; readonly desired: number } | { readonly problem: string };

function demandOf(client: ActorClient, budget: PodDisruptionBudget, pods: readonly Pod[]): Demand {
  const { minAvailable, maxUnavailable } = budget.spec;
  if (typeof minAvailable === "number") return { expected: pods.length, desired: minAvailable };
  const expected = expectedPods(client, pods);
  if (typeof expected === "string") return { problem: expected };
  if (maxUnavailable !== undefined) {
    return { expected, desired: Math.max(0, expected - scaled(maxUnavailable, expected, "up", 0)) };
  }
  return { expected, desired: scaled(minAvailable, expected, "up", 0) };
}

/** The sum of what the pods' controllers are asked to run; a pod without such a controller makes it unknown. */
function expectedPods(client: ActorClient, pods: readonly Pod[]): number | string {
  const scales = new Map<string, number>();
  for (const pod of pods) {
    const owner = controllerOf(pod);
    if (owner === undefined) return `found no controller ref for pod "${pod.metadata.name}"`;
    const scale = scaleOf(client, owner, pod.metadata.namespace ?? "");
    if (scale === undefined) return `${owner.kind} does not implement the scale subresource`;
    scales.set(scale.uid, scale.replicas);
  }
  return [...scales.values()].reduce((sum, replicas) => sum + replicas, 0);
}

function scaleOf(
  client: ActorClient,
  owner: { readonly kind: string; readonly name: string; readonly uid: string },
  namespace: string,
) {
  if (owner.kind === "ReplicaSet") {
    const set = client.get("replicasets", owner.name, namespace);
    const above = set === undefined ? undefined : controllerOf(set);
    const deployment = above?.kind === "Deployment" ? client.get("deployments", above.name, namespace) : undefined;
    if (deployment !== undefined)
      return { uid: deployment.metadata.uid ?? "", replicas: deployment.spec.replicas ?? 1 };
    return { uid: owner.uid, replicas: set?.spec.replicas ?? 0 };
  }
  if (owner.kind !== "StatefulSet") return undefined;
  return { uid: owner.uid, replicas: client.get("statefulsets", owner.name, namespace)?.spec.replicas ?? 0 };
}

function conditionOf(budget: PodDisruptionBudget, allowed: number, problem: string | undefined): Condition {
  const observedGeneration = budget.metadata.generation ?? 0;
  const base = { type: "DisruptionAllowed", observedGeneration, message: problem ?? "" };
  if (problem !== undefined) return { ...base, status: "False", reason: "SyncFailed" };
  if (allowed > 0) return { ...base, status: "True", reason: "SufficientPods" };
  return { ...base, status: "False", reason: "InsufficientPods" };
}
