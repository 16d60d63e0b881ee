// The sandbox's Deployment controller: one ReplicaSet per template, RollingUpdate inside maxUnavailable and maxSurge, or
// Recreate; revisions, conditions and ProgressDeadlineExceeded. It never has fewer available pods than the strategy allows
// by its own doing (the arithmetic of Kubernetes' deployment/rolling.go, restated in rolling.ts).
import type { Instant } from "../../clock.ts";
import type { Actor } from "./actor.ts";
import { deploymentStatus } from "./deployment-status.ts";
import type { Deployment, ReplicaSet } from "./objects.ts";
import { planRecreate, planRollingUpdate, strategyBounds } from "./rolling.ts";
import { isFinished } from "./selection.ts";
import { equal, ownerReference, sameTemplate, templateHash } from "./template.ts";
import type { ActorClient, ClusterView } from "./view.ts";

const REVISION = "deployment.kubernetes.io/revision";
const DEFAULT_HISTORY = 10;

export function createDeploymentController(view: ClusterView): Actor {
  const client = view.client("deployment-controller");
  return {
    name: "deployment-controller",
    reactive: true,
    async step(now) {
      const before = client.writes();
      for (const deployment of client.list("deployments")) {
        if (deployment.metadata.deletionTimestamp === undefined) await syncDeployment(client, deployment, now);
      }
      return client.writes() - before;
    },
  };
}

async function syncDeployment(client: ActorClient, seen: Deployment, now: Instant): Promise<void> {
  const sets = ownedSets(client, seen);
  let deployment = seen;
  let current = sets.find((set) => sameTemplate(set.spec.template, deployment.spec.template));
  let found: "created" | "found" | undefined;
  if (deployment.spec.paused !== true) {
    if (current === undefined) {
      current = await createSet(client, deployment, sets);
      if (current === undefined) return;
      found = "created";
    }
    const numbered = await numberRevision(client, deployment, current, sets);
    if (numbered === undefined) return;
    if (numbered.renumbered) found ??= "found";
    ({ deployment, current } = numbered);
    const old = ownedSets(client, deployment).filter((set) => set.metadata.uid !== current?.metadata.uid);
    for (const [set, replicas] of planScaling(client, deployment, current, old)) await scale(client, set, replicas);
    await forgetHistory(client, deployment, old);
  }
  await writeStatus(client, deployment, current?.metadata.uid, found, now);
}

function ownedSets(client: ActorClient, deployment: Deployment): readonly ReplicaSet[] {
  const owned = client.ownedBy("replicasets", deployment.metadata.uid ?? "");
  return owned.filter((set) => set.metadata.deletionTimestamp === undefined);
}

function planScaling(client: ActorClient, deployment: Deployment, current: ReplicaSet, old: readonly ReplicaSet[]) {
  if (deployment.spec.strategy?.type !== "Recreate") return planRollingUpdate(deployment, current, old);
  const running = old.some((set) => client.ownedBy("pods", set.metadata.uid ?? "").some((pod) => !isFinished(pod)));
  return planRecreate(deployment, current, old, running);
}

async function createSet(
  client: ActorClient,
  deployment: Deployment,
  sets: readonly ReplicaSet[],
): Promise<ReplicaSet | undefined> {
  const { name, namespace } = deployment.metadata;
  const { template, selector, minReadySeconds } = deployment.spec;
  const hash = templateHash(template);
  const label = { "pod-template-hash": hash };
  const labels = { ...template.metadata?.labels, ...label };
  const total = sets.reduce((sum, set) => sum + (set.spec.replicas ?? 0), 0);
  const { replicas, maxSurge } = strategyBounds(deployment);
  const recreating = deployment.spec.strategy?.type === "Recreate" && total > 0;
  return client.create("replicasets", {
    metadata: {
      name: `${name}-${hash}`,
      ...(namespace === undefined ? {} : { namespace }),
      labels,
      annotations: { [REVISION]: String(newestRevision(sets) + 1) },
      ownerReferences: [ownerReference(deployment, "apps/v1", "Deployment")],
    },
    spec: {
      replicas: recreating ? 0 : Math.max(0, Math.min(replicas, replicas + maxSurge - total)),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, ...label } },
      template: { ...template, metadata: { ...template.metadata, labels } },
      ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
    },
  });
}

function newestRevision(sets: readonly ReplicaSet[]): number {
  return Math.max(0, ...sets.map((set) => Number(set.metadata.annotations?.[REVISION] ?? 0)));
}

/** A template that comes back gets its old ReplicaSet, with a new revision number; the Deployment shows the same number. */
async function numberRevision(
  client: ActorClient,
  deployment: Deployment,
  current: ReplicaSet,
  sets: readonly ReplicaSet[],
) {
  const others = sets.filter((set) => set.metadata.uid !== current.metadata.uid);
  const own = Number(current.metadata.annotations?.[REVISION] ?? 0);
  const revision = Math.max(own, newestRevision(others) + 1);
  let set: ReplicaSet | undefined = current;
  if (revision !== own) set = await client.replace("replicasets", annotated(current, revision));
  if (set === undefined) return undefined;
  const renumbered = revision !== own;
  if (deployment.metadata.annotations?.[REVISION] === String(revision)) return { deployment, current: set, renumbered };
  // As the real controller writes it: through the status, where annotations do not count as a generation.
  const stored = await client.replace("deployments", annotated(deployment, revision), "status");
  return stored === undefined ? undefined : { deployment: stored, current: set, renumbered };
}

function annotated<T extends Deployment | ReplicaSet>(object: T, revision: number): T {
  const annotations = { ...object.metadata.annotations, [REVISION]: String(revision) };
  return { ...object, metadata: { ...object.metadata, annotations } };
}

async function scale(client: ActorClient, set: ReplicaSet, replicas: number): Promise<void> {
  if (set.spec.replicas !== replicas) await client.replace("replicasets", { ...set, spec: { ...set.spec, replicas } });
}

/** Keeps the newest empty ReplicaSets for a rollback, as many as `revisionHistoryLimit` says. */
async function forgetHistory(client: ActorClient, deployment: Deployment, old: readonly ReplicaSet[]): Promise<void> {
  const limit = deployment.spec.revisionHistoryLimit ?? DEFAULT_HISTORY;
  const empty = old.filter((set) => set.spec.replicas === 0 && (set.status?.replicas ?? 0) === 0);
  const oldestFirst = [...empty].sort((a, b) => newestRevision([a]) - newestRevision([b]));
  for (const set of oldestFirst.slice(0, Math.max(0, empty.length - limit))) {
    await client.remove("replicasets", set, { propagationPolicy: "Background" });
  }
}

async function writeStatus(
  client: ActorClient,
  deployment: Deployment,
  currentUid: string | undefined,
  found: "created" | "found" | undefined,
  now: Instant,
): Promise<void> {
  const sets = ownedSets(client, deployment);
  const current = sets.find((set) => set.metadata.uid === currentUid);
  const status = deploymentStatus({ deployment, sets, current, found, now });
  if (!equal(status, deployment.status)) await client.replace("deployments", { ...deployment, status }, "status");
}
