// Which resources are served: the built-in ones from this table, custom ones from the CustomResourceDefinitions in the store.
// A row says what the generic paths need to know; what is special about a kind stands in kinds/.
import type { JsonObject } from "./json.ts";
import type { BuiltinSchema } from "./schema/builtin.ts";
import type { StructNode } from "./schema/node.ts";
import type { CustomVersion } from "./crd/compile.ts";

export interface Resource {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly listKind: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly string[];
  readonly subresources: readonly string[];
  /** Table of the store; `events` of both groups share one. */
  readonly storage: string;
  readonly node: StructNode;
  /** `metadata.generation` counts changes of the spec. */
  readonly generation: boolean;
  /** DELETE answers with the object instead of a Status. */
  readonly returnsDeleted: boolean;
  /** PUT to a name that does not exist creates. */
  readonly createOnUpdate: boolean;
  readonly custom: CustomVersion | undefined;
}

const ALL_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const CREATE_ONLY = ["create"];

interface Row {
  readonly group: string;
  readonly plural: string;
  readonly singular?: string;
  readonly kind: string;
  readonly type?: string;
  readonly cluster?: true;
  readonly short?: readonly string[];
  readonly categories?: readonly string[];
  readonly verbs?: readonly string[];
  readonly sub?: readonly string[];
  readonly storage?: string;
  readonly generation?: true;
  readonly returnsDeleted?: true;
  readonly createOnUpdate?: true;
}

const STATUS = ["status"];
const SCALE_STATUS = ["scale", "status"];
const ALL = ["all"];
const WORKLOAD = { group: "apps", categories: ALL, generation: true } as const;

const ROWS: readonly Row[] = [
  { group: "", plural: "bindings", kind: "Binding", verbs: CREATE_ONLY },
  { group: "", plural: "configmaps", kind: "ConfigMap", short: ["cm"] },
  { group: "", plural: "endpoints", singular: "endpoints", kind: "Endpoints", short: ["ep"], createOnUpdate: true },
  { group: "", plural: "events", kind: "Event", short: ["ev"], createOnUpdate: true },
  { group: "", plural: "limitranges", kind: "LimitRange", short: ["limits"], createOnUpdate: true },
  {
    group: "",
    plural: "namespaces",
    kind: "Namespace",
    short: ["ns"],
    cluster: true,
    sub: ["finalize", "status"],
    verbs: ALL_VERBS.filter((verb) => verb !== "deletecollection"),
  },
  { group: "", plural: "nodes", kind: "Node", short: ["no"], cluster: true, sub: STATUS },
  {
    group: "",
    plural: "persistentvolumeclaims",
    kind: "PersistentVolumeClaim",
    short: ["pvc"],
    sub: STATUS,
    returnsDeleted: true,
  },
  {
    group: "",
    plural: "persistentvolumes",
    kind: "PersistentVolume",
    short: ["pv"],
    cluster: true,
    sub: STATUS,
    returnsDeleted: true,
  },
  {
    group: "",
    plural: "pods",
    kind: "Pod",
    short: ["po"],
    categories: ALL,
    sub: ["binding", "eviction", "log", "status"],
    generation: true,
    returnsDeleted: true,
  },
  { group: "", plural: "podtemplates", kind: "PodTemplate", generation: true, returnsDeleted: true },
  {
    group: "",
    plural: "replicationcontrollers",
    kind: "ReplicationController",
    short: ["rc"],
    categories: ALL,
    sub: SCALE_STATUS,
    generation: true,
  },
  { group: "", plural: "resourcequotas", kind: "ResourceQuota", short: ["quota"], sub: STATUS, returnsDeleted: true },
  { group: "", plural: "secrets", kind: "Secret" },
  { group: "", plural: "serviceaccounts", kind: "ServiceAccount", short: ["sa"], returnsDeleted: true },
  {
    group: "",
    plural: "services",
    kind: "Service",
    short: ["svc"],
    categories: ALL,
    sub: STATUS,
    returnsDeleted: true,
  },
  {
    group: "admissionregistration.k8s.io",
    plural: "validatingadmissionpolicies",
    singular: "validatingadmissionpolicy",
    kind: "ValidatingAdmissionPolicy",
    categories: ["api-extensions"],
    cluster: true,
    sub: STATUS,
    generation: true,
  },
  {
    group: "admissionregistration.k8s.io",
    plural: "validatingadmissionpolicybindings",
    kind: "ValidatingAdmissionPolicyBinding",
    categories: ["api-extensions"],
    cluster: true,
    generation: true,
  },
  {
    group: "apiextensions.k8s.io",
    plural: "customresourcedefinitions",
    kind: "CustomResourceDefinition",
    short: ["crd", "crds"],
    categories: ["api-extensions"],
    cluster: true,
    sub: STATUS,
    generation: true,
  },
  { group: "apps", plural: "controllerrevisions", kind: "ControllerRevision" },
  { ...WORKLOAD, plural: "daemonsets", kind: "DaemonSet", short: ["ds"], sub: STATUS },
  { ...WORKLOAD, plural: "deployments", kind: "Deployment", short: ["deploy"], sub: SCALE_STATUS },
  { ...WORKLOAD, plural: "replicasets", kind: "ReplicaSet", short: ["rs"], sub: SCALE_STATUS },
  { ...WORKLOAD, plural: "statefulsets", kind: "StatefulSet", short: ["sts"], sub: SCALE_STATUS },
  {
    group: "authentication.k8s.io",
    plural: "selfsubjectreviews",
    kind: "SelfSubjectReview",
    cluster: true,
    verbs: CREATE_ONLY,
  },
  {
    group: "authorization.k8s.io",
    plural: "selfsubjectaccessreviews",
    kind: "SelfSubjectAccessReview",
    cluster: true,
    verbs: CREATE_ONLY,
  },
  {
    group: "authorization.k8s.io",
    plural: "subjectaccessreviews",
    kind: "SubjectAccessReview",
    cluster: true,
    verbs: CREATE_ONLY,
  },
  {
    group: "batch",
    plural: "cronjobs",
    kind: "CronJob",
    short: ["cj"],
    categories: ALL,
    sub: STATUS,
    generation: true,
  },
  { group: "batch", plural: "jobs", kind: "Job", categories: ALL, sub: STATUS, generation: true },
  { group: "coordination.k8s.io", plural: "leases", kind: "Lease", createOnUpdate: true },
  {
    group: "events.k8s.io",
    plural: "events",
    kind: "Event",
    type: "EventsEvent",
    short: ["ev"],
    storage: "events",
    createOnUpdate: true,
  },
  {
    group: "networking.k8s.io",
    plural: "networkpolicies",
    singular: "networkpolicy",
    kind: "NetworkPolicy",
    short: ["netpol"],
    generation: true,
  },
  {
    group: "policy",
    plural: "poddisruptionbudgets",
    kind: "PodDisruptionBudget",
    short: ["pdb"],
    sub: STATUS,
    generation: true,
  },
  {
    group: "rbac.authorization.k8s.io",
    plural: "clusterrolebindings",
    kind: "ClusterRoleBinding",
    cluster: true,
    createOnUpdate: true,
  },
  {
    group: "rbac.authorization.k8s.io",
    plural: "clusterroles",
    kind: "ClusterRole",
    cluster: true,
    createOnUpdate: true,
  },
  { group: "rbac.authorization.k8s.io", plural: "rolebindings", kind: "RoleBinding", createOnUpdate: true },
  { group: "rbac.authorization.k8s.io", plural: "roles", kind: "Role", createOnUpdate: true },
  {
    group: "storage.k8s.io",
    plural: "volumeattachments",
    kind: "VolumeAttachment",
    cluster: true,
    sub: STATUS,
    returnsDeleted: true,
  },
  {
    group: "scheduling.k8s.io",
    plural: "priorityclasses",
    singular: "priorityclass",
    kind: "PriorityClass",
    short: ["pc"],
    cluster: true,
    generation: true,
  },
];

/** The built-in resources, by group and then by name. */
export function builtinResources(schema: BuiltinSchema): readonly Resource[] {
  return ROWS.map((row) => ({
    group: row.group,
    version: "v1",
    plural: row.plural,
    singular: row.singular ?? row.plural.replace(/s$/u, ""),
    kind: row.kind,
    listKind: `${row.kind}List`,
    namespaced: row.cluster !== true,
    shortNames: row.short ?? [],
    categories: row.categories ?? [],
    verbs: row.verbs ?? ALL_VERBS,
    subresources: row.sub ?? [],
    storage: row.storage ?? (row.group === "" ? row.plural : `${row.plural}.${row.group}`),
    node: schema.struct(row.type ?? row.kind),
    generation: row.generation ?? false,
    returnsDeleted: row.returnsDeleted ?? false,
    createOnUpdate: row.createOnUpdate ?? false,
    custom: undefined,
  }));
}

/** The served versions of a custom resource as rows of the same table. */
export function customResources(crd: JsonObject, versions: readonly CustomVersion[]): readonly Resource[] {
  const spec = crd["spec"] as JsonObject;
  const names = spec["names"] as JsonObject;
  const group = String(spec["group"]);
  const plural = String(names["plural"]);
  return versions.map((version) => ({
    group,
    version: version.name,
    plural,
    singular: String(names["singular"] ?? names["kind"]).toLowerCase(),
    kind: String(names["kind"]),
    listKind: String(names["listKind"] ?? `${String(names["kind"])}List`),
    namespaced: spec["scope"] === "Namespaced",
    shortNames: (names["shortNames"] as readonly string[] | undefined) ?? [],
    categories: (names["categories"] as readonly string[] | undefined) ?? [],
    verbs: ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"],
    subresources: version.hasStatus ? STATUS : [],
    storage: `${plural}.${group}`,
    node: version.node,
    generation: true,
    returnsDeleted: false,
    createOnUpdate: false,
    custom: version,
  }));
}

/** `v1` or `apps/v1`. */
export function apiVersionOf(resource: Pick<Resource, "group" | "version">): string {
  return resource.group === "" ? resource.version : `${resource.group}/${resource.version}`;
}
