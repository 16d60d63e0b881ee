// The kinds that Ringward reads or writes, and where they live on the API server. A constant each, so that a path is
// never typed by hand and the RBAC table can be checked against what the code really names.

/** Where a kind is served. `plural` is the path segment. */
export interface Resource {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

/** Names one object of a resource; `namespace` only where the resource is namespaced. */
export interface ObjectRef {
  readonly name: string;
  readonly namespace?: string | undefined;
}

function resource(group: string, version: string, plural: string, kind: string, namespaced: boolean): Resource {
  return { group, version, plural, kind, namespaced };
}

export const NAMESPACES = resource("", "v1", "namespaces", "Namespace", false);
export const NODES = resource("", "v1", "nodes", "Node", false);
export const PODS = resource("", "v1", "pods", "Pod", true);
export const CONFIG_MAPS = resource("", "v1", "configmaps", "ConfigMap", true);
export const DEPLOYMENTS = resource("apps", "v1", "deployments", "Deployment", true);
export const STATEFUL_SETS = resource("apps", "v1", "statefulsets", "StatefulSet", true);
export const DAEMON_SETS = resource("apps", "v1", "daemonsets", "DaemonSet", true);
export const REPLICA_SETS = resource("apps", "v1", "replicasets", "ReplicaSet", true);
export const CONTROLLER_REVISIONS = resource("apps", "v1", "controllerrevisions", "ControllerRevision", true);
export const JOBS = resource("batch", "v1", "jobs", "Job", true);
export const CRON_JOBS = resource("batch", "v1", "cronjobs", "CronJob", true);
export const POD_DISRUPTION_BUDGETS = resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", true);
export const LEASES = resource("coordination.k8s.io", "v1", "leases", "Lease", true);
export const PERSISTENT_VOLUMES = resource("", "v1", "persistentvolumes", "PersistentVolume", false);
export const VOLUME_ATTACHMENTS = resource("storage.k8s.io", "v1", "volumeattachments", "VolumeAttachment", false);
export const EVENTS = resource("events.k8s.io", "v1", "events", "Event", true);
export const CUSTOM_RESOURCE_DEFINITIONS = resource(
  "apiextensions.k8s.io",
  "v1",
  "customresourcedefinitions",
  "CustomResourceDefinition",
  false,
);

const RINGWARD = "ringward.dev";
const V1ALPHA1 = "v1alpha1";
export const PATCH_BASELINES = resource(RINGWARD, V1ALPHA1, "patchbaselines", "PatchBaseline", false);
export const ROLLOUT_RINGS = resource(RINGWARD, V1ALPHA1, "rolloutrings", "RolloutRing", false);
export const MAINTENANCE_CALENDARS = resource(RINGWARD, V1ALPHA1, "maintenancecalendars", "MaintenanceCalendar", false);
export const PATCH_EXCEPTIONS = resource(RINGWARD, V1ALPHA1, "patchexceptions", "PatchException", false);
export const UPDATE_RECIPES = resource(RINGWARD, V1ALPHA1, "updaterecipes", "UpdateRecipe", false);
export const POLICY_REPOSITORIES = resource(RINGWARD, V1ALPHA1, "policyrepositories", "PolicyRepository", false);
export const DISRUPTION_LEDGERS = resource(RINGWARD, V1ALPHA1, "disruptionledgers", "DisruptionLedger", false);
export const PATCH_LEVELS = resource(RINGWARD, V1ALPHA1, "patchlevels", "PatchLevel", false);
export const NODE_PATCH_STATES = resource(RINGWARD, V1ALPHA1, "nodepatchstates", "NodePatchState", false);
export const WORKLOAD_PATCH_STATES = resource(RINGWARD, V1ALPHA1, "workloadpatchstates", "WorkloadPatchState", true);

/** Every resource above, in a fixed order. */
export const RESOURCES: readonly Resource[] = [
  NAMESPACES,
  NODES,
  PODS,
  CONFIG_MAPS,
  DEPLOYMENTS,
  STATEFUL_SETS,
  DAEMON_SETS,
  REPLICA_SETS,
  CONTROLLER_REVISIONS,
  JOBS,
  CRON_JOBS,
  POD_DISRUPTION_BUDGETS,
  LEASES,
  PERSISTENT_VOLUMES,
  VOLUME_ATTACHMENTS,
  EVENTS,
  CUSTOM_RESOURCE_DEFINITIONS,
  PATCH_BASELINES,
  ROLLOUT_RINGS,
  MAINTENANCE_CALENDARS,
  PATCH_EXCEPTIONS,
  UPDATE_RECIPES,
  POLICY_REPOSITORIES,
  DISRUPTION_LEDGERS,
  PATCH_LEVELS,
  NODE_PATCH_STATES,
  WORKLOAD_PATCH_STATES,
];

export function apiVersionOf(resource: Resource): string {
  return resource.group === "" ? resource.version : `${resource.group}/${resource.version}`;
}

/** The resource of a kind as objects name it (`apps/v1`, `Deployment`), if Ringward knows it. */
export function findResource(apiVersion: string, kind: string): Resource | undefined {
  return RESOURCES.find((candidate) => candidate.kind === kind && apiVersionOf(candidate) === apiVersion);
}

/** Path of all objects of a resource, in one namespace or (without `namespace`) in all of them. */
export function collectionPath(resource: Resource, namespace?: string): string {
  const root = resource.group === "" ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  if (namespace === undefined) return `${root}/${resource.plural}`;
  if (!resource.namespaced) throw new Error(`${resource.kind} is not namespaced, but a namespace was given`);
  return `${root}/namespaces/${encodeURIComponent(namespace)}/${resource.plural}`;
}

/** Path of one object or of one of its subresources (`status`, `eviction`, `log`, `scale`). */
export function objectPath(resource: Resource, ref: ObjectRef, subresource?: string): string {
  if (ref.name === "") throw new Error(`${resource.kind} without a name`);
  if (resource.namespaced && (ref.namespace === undefined || ref.namespace === "")) {
    throw new Error(`${resource.kind} "${ref.name}" is namespaced, but no namespace was given`);
  }
  const collection = collectionPath(resource, resource.namespaced ? ref.namespace : undefined);
  return `${collection}/${encodeURIComponent(ref.name)}${subresource === undefined ? "" : `/${subresource}`}`;
}
