// The sandbox's ReplicaSet controller: as many active pods as asked for, and the counts that a Deployment reads.
// Ending pods are neither counted nor deleted again. Which pod goes first follows Kubernetes' ActivePodsWithRanks, shortened.
import type { Instant } from "../../clock.ts";
import type { Actor } from "./actor.ts";
import type { Pod, ReplicaSet } from "./objects.ts";
import { isActive, isAvailable, isReady } from "./selection.ts";
import { equal, ownerReference, podFrom } from "./template.ts";
import type { ActorClient, ClusterView } from "./view.ts";
import { compareText } from "../../core/text-order.ts";

export function createReplicaSetController(view: ClusterView): Actor {
  const client = view.client("replicaset-controller");
  return {
    name: "replicaset-controller",
    reactive: true,
    async step(now) {
      const before = client.writes();
      for (const set of client.list("replicasets")) {
        if (set.metadata.deletionTimestamp === undefined) await syncReplicaSet(client, set, now);
      }
      return client.writes() - before;
    },
  };
}

async function syncReplicaSet(client: ActorClient, set: ReplicaSet, now: Instant): Promise<void> {
  const pods = client.ownedBy("pods", set.metadata.uid ?? "").filter(isActive);
  const missing = (set.spec.replicas ?? 1) - pods.length;
  for (let count = 0; count < missing; count++) await createPod(client, set);
  if (missing < 0) {
    for (const pod of [...pods].sort(firstToGo).slice(0, -missing)) await client.remove("pods", pod);
  }
  await writeStatus(client, set, now);
}

async function createPod(client: ActorClient, set: ReplicaSet): Promise<void> {
  const owner = ownerReference(set, "apps/v1", "ReplicaSet");
  await client.create("pods", podFrom({ template: set.spec.template, namespace: set.metadata.namespace, owner }));
}

/** Unassigned before assigned, not Ready before Ready, cheaper before dearer, younger before older. */
function firstToGo(a: Pod, b: Pod): number {
  return (
    Number(a.spec.nodeName !== undefined) - Number(b.spec.nodeName !== undefined) ||
    Number(isReady(a)) - Number(isReady(b)) ||
    deletionCost(a) - deletionCost(b) ||
    compareText(b.metadata.creationTimestamp ?? "", a.metadata.creationTimestamp ?? "") ||
    compareText(a.metadata.name, b.metadata.name)
  );
}

function deletionCost(pod: Pod): number {
  return Number(pod.metadata.annotations?.["controller.kubernetes.io/pod-deletion-cost"] ?? 0);
}

async function writeStatus(client: ActorClient, set: ReplicaSet, now: Instant): Promise<void> {
  const pods = client.ownedBy("pods", set.metadata.uid ?? "").filter(isActive);
  const minReadySeconds = set.spec.minReadySeconds ?? 0;
  const labels = Object.entries(set.spec.template.metadata?.labels ?? {});
  const counts = {
    replicas: pods.length,
    fullyLabeledReplicas: pods.filter((pod) => labels.every(([key, value]) => pod.metadata.labels?.[key] === value))
      .length,
    readyReplicas: pods.filter(isReady).length,
    availableReplicas: pods.filter((pod) => isAvailable(pod, minReadySeconds, now)).length,
    observedGeneration: set.metadata.generation ?? 0,
  };
  const { conditions } = set.status ?? {};
  const status = { ...dropZero(counts), ...(conditions === undefined ? {} : { conditions }) };
  if (!equal(status, set.status)) await client.replace("replicasets", { ...set, status }, "status");
}

/** Servers leave out optional counts that are 0; `replicas` is always there. */
function dropZero<T extends { readonly replicas: number }>(counts: T): Partial<T> & { replicas: number } {
  const kept = Object.entries(counts).filter(([key, value]) => key === "replicas" || value !== 0);
  return Object.fromEntries(kept) as Partial<T> & { replicas: number };
}
