// Which kinds a pass reads of the cluster, by the names under which it knows them, and where each is listed.
import { MEDIK8S_LEASES } from "../inventory/foreign.ts";
import type { KubeObject } from "../kube/port.ts";
import {
  DAEMON_SETS,
  DEPLOYMENTS,
  DISRUPTION_LEDGERS,
  JOBS,
  LEASES,
  MAINTENANCE_CALENDARS,
  NODE_PATCH_STATES,
  NODES,
  PATCH_BASELINES,
  PATCH_EXCEPTIONS,
  PATCH_LEVELS,
  POD_DISRUPTION_BUDGETS,
  PERSISTENT_VOLUMES,
  PODS,
  POLICY_REPOSITORIES,
  REPLICA_SETS,
  type Resource,
  ROLLOUT_RINGS,
  STATEFUL_SETS,
  UPDATE_RECIPES,
  WORKLOAD_PATCH_STATES,
} from "../kube/resources.ts";
import { JOB_NAMESPACE } from "../nodes/recipe-job.ts";

/** What is read of the cluster; of Leases and Jobs only single namespaces. */
const READ = {
  nodes: NODES,
  pods: PODS,
  deployments: DEPLOYMENTS,
  statefulsets: STATEFUL_SETS,
  daemonsets: DAEMON_SETS,
  replicasets: REPLICA_SETS,
  jobs: JOBS,
  pdbs: POD_DISRUPTION_BUDGETS,
  volumes: PERSISTENT_VOLUMES,
  leases: LEASES,
  maintenanceLeases: LEASES,
  // What names others comes before them: policy is written the other way round, so that who lists it meanwhile misses nothing.
  rings: ROLLOUT_RINGS,
  baselines: PATCH_BASELINES,
  calendars: MAINTENANCE_CALENDARS,
  exceptions: PATCH_EXCEPTIONS,
  recipes: UPDATE_RECIPES,
  levels: PATCH_LEVELS,
  repositories: POLICY_REPOSITORIES,
  ledgers: DISRUPTION_LEDGERS,
  nodeStates: NODE_PATCH_STATES,
  workloadStates: WORKLOAD_PATCH_STATES,
} as const satisfies Record<string, Resource>;

export type ClusterKey = keyof typeof READ;
export type ClusterObjects = Readonly<Record<ClusterKey, readonly KubeObject[]>>;

export const CLUSTER_KEYS = Object.keys(READ) as readonly ClusterKey[];
const NAMESPACE_OF: Partial<Readonly<Record<ClusterKey, string>>> = {
  leases: "kube-node-lease",
  maintenanceLeases: MEDIK8S_LEASES,
  jobs: JOB_NAMESPACE,
};

/** Where the objects are listed: all namespaces, or the one. */
export function scopeOf(key: ClusterKey): { readonly namespace?: string } {
  const namespace = NAMESPACE_OF[key];
  return namespace === undefined ? {} : { namespace };
}

export function resourceOf(key: ClusterKey): Resource {
  return READ[key];
}
