// The policy that is in a cluster: what the controller applied there from Git, or what people did. Read commands show it; they never
// take it for approved where the repository says otherwise (a repository that cannot be read brakes here as it does there).
import type { PolicyRepositorySpec, PolicyRepositoryStatus } from "../api/policy-repository.ts";
import type { RolloutRingStatus } from "../api/rollout-ring.ts";
import type { Block, PolicyInForce } from "../core/model.ts";
import type { KubeObject } from "../kube/port.ts";
import { FROM_GIT, POLICY_LABEL } from "../reconcile/apply-policy.ts";
import type { ClusterObjects } from "../reconcile/cluster-kinds.ts";
import { byAge } from "../reconcile/look-request.ts";
import { fromCluster } from "../reconcile/policy-view.ts";
import type { ClusterView } from "./cluster-view.ts";

/** The policy that is in a cluster, as its objects say it: what the controller applied there, or people did. */
export function policyOf(view: Pick<ClusterView, "objects">): PolicyInForce {
  const objects = ownObjects(view.objects);
  const policy = fromCluster(objects, brakesOf(objects), repositoryOf(objects));
  const inGit = new Map(
    objects.rings
      .filter(({ metadata }) => metadata.labels?.[POLICY_LABEL] === FROM_GIT)
      .map(({ metadata, status }) => [metadata.name, (status as RolloutRingStatus | undefined)?.observedCommit ?? ""]),
  );
  const rings = policy.rings.map((ring) => {
    const commit = inGit.get(ring.name);
    return commit === undefined ? ring : { ...ring, authority: { kind: "Git", commit } as const };
  });
  return { ...policy, rings };
}

/** What the controller said of the repository: these stop every new claim. */
function brakesOf(objects: ClusterObjects): readonly Block[] {
  const { conditions = [] } = (objects.repositories[0]?.status ?? {}) as PolicyRepositoryStatus;
  return conditions.flatMap(({ type, status, reason, message }): readonly Block[] => {
    if (type !== "Stalled" || status !== "True") return [];
    return reason === "HistoryRewritten" || reason === "SignatureInvalid" || reason === "RepositoryStale"
      ? [{ reason, message }]
      : [];
  });
}

/**
 * Rings of a repository that the controller has not come to yet under the commit that is in force: their status names another one. It
 * writes the repository's status first, then applies the rings, and then says what it made of each.
 */
export function ringsBehind(view: Pick<ClusterView, "objects">): ReadonlySet<string> {
  const { repositories, rings } = ownObjects(view.objects);
  const [repository] = repositories;
  if (repository === undefined) return new Set();
  const { observedCommit } = (repository.status ?? {}) as PolicyRepositoryStatus;
  return new Set(
    rings.flatMap(({ metadata, status }) => {
      const commit = (status as RolloutRingStatus | undefined)?.observedCommit;
      const isOfGit = commit !== undefined || metadata.labels?.[POLICY_LABEL] === FROM_GIT;
      return isOfGit && commit !== observedCommit ? [metadata.name] : [];
    }),
  );
}

/** The PolicyRepository of the cluster, if it has one. */
export function repositoryOf(objects: ClusterObjects): PolicyRepositorySpec | undefined {
  return objects.repositories[0]?.spec as PolicyRepositorySpec | undefined;
}

/** Ringward's own objects in the controller's words; the rest of the cluster is in the inventory already. */
export function ownObjects(objects: ClusterView["objects"]): ClusterObjects {
  const list = (kind: string): readonly KubeObject[] => objects.get(kind) ?? [];
  const none: readonly KubeObject[] = [];
  return {
    nodes: none,
    pods: none,
    deployments: none,
    statefulsets: none,
    daemonsets: none,
    replicasets: none,
    jobs: none,
    pdbs: none,
    volumes: none,
    leases: none,
    maintenanceLeases: none,
    baselines: list("PatchBaseline"),
    rings: list("RolloutRing"),
    calendars: list("MaintenanceCalendar"),
    exceptions: list("PatchException"),
    recipes: list("UpdateRecipe"),
    levels: list("PatchLevel"),
    // The one in force first.
    repositories: list("PolicyRepository").toSorted(byAge),
    ledgers: list("DisruptionLedger"),
    nodeStates: list("NodePatchState"),
    workloadStates: list("WorkloadPatchState"),
  };
}
