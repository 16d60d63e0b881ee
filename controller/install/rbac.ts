// The table of permissions as RBAC objects: one ClusterRole for what holds everywhere, one Role for each namespace that anything is held
// to, and their bindings to the one account.
import { JOB_NAMESPACE } from "../nodes/recipe-job.ts";
import { ACCOUNT, type InstallSettings, LABELS, type Manifest } from "./manifest.ts";
import { type Permission, PERMISSIONS, type Place, type Verb, VERBS } from "./permissions.ts";

const RBAC = "rbac.authorization.k8s.io";
/** Every object of this kind of the installation has this name. */
const NAME = "ringward-controller";
/** Of the role that holds what the operator lets gates read. */
const GATES = "ringward-gates";
/** What a gate of type CEL asks: one object, or those that a selector matches. */
const READ = ["get", "list"] as const satisfies readonly Verb[];

interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/** How RBAC writes what a permission is about: `pods/eviction`. */
export function resourceName({ resource, subresource }: Pick<Permission, "resource" | "subresource">): string {
  return subresource === undefined ? resource.plural : `${resource.plural}/${subresource}`;
}

/** The namespace of a place; undefined: all of them. */
export function namespaceOf(place: Place, settings: Pick<InstallSettings, "namespace">): string | undefined {
  switch (place) {
    case "Cluster":
      return undefined;
    case "Own":
      return settings.namespace;
    case "Jobs":
      return JOB_NAMESPACE;
    default:
      return place satisfies never;
  }
}

/** Rules of one place: a resource is named once, with all of its verbs, unless some of them hold for single objects only. */
function rulesOf(place: Place): readonly PolicyRule[] {
  const rules = new Map<string, PolicyRule>();
  for (const permission of PERMISSIONS) {
    if (permission.place !== place) continue;
    const name = resourceName(permission);
    const key = JSON.stringify([permission.resource.group, name, permission.names]);
    const verbs = new Set([...(rules.get(key)?.verbs ?? []), ...permission.verbs]);
    rules.set(key, {
      apiGroups: [permission.resource.group],
      resources: [name],
      ...(permission.names === undefined ? {} : { resourceNames: permission.names }),
      verbs: VERBS.filter((verb) => verbs.has(verb)),
    });
  }
  return [...rules.values()];
}

function role(place: Place, settings: InstallSettings): readonly Manifest[] {
  const namespace = namespaceOf(place, settings);
  const [kind, metadata] =
    namespace === undefined
      ? ["ClusterRole", { name: NAME, labels: LABELS }]
      : ["Role", { name: NAME, namespace, labels: LABELS }];
  return bind(kind, metadata, rulesOf(place), settings);
}

/** A role, and its binding to the account. */
function bind(
  kind: string,
  metadata: Manifest["metadata"],
  rules: readonly PolicyRule[],
  { namespace }: InstallSettings,
): readonly Manifest[] {
  const apiVersion = `${RBAC}/v1`;
  return [
    { apiVersion, kind, metadata, rules },
    {
      apiVersion,
      kind: `${kind}Binding`,
      metadata,
      roleRef: { apiGroup: RBAC, kind, name: metadata.name },
      subjects: [{ kind: "ServiceAccount", name: ACCOUNT, namespace }],
    },
  ];
}

const PLACES = ["Cluster", "Own", "Jobs"] as const satisfies readonly Place[];

/** Roles and bindings of the controller's account. */
export function rbacManifests(settings: InstallSettings): readonly Manifest[] {
  return [...PLACES.flatMap((place) => role(place, settings)), ...gatesRole(settings)];
}

/** What the operator lets gates read, in a role of its own; none without. */
function gatesRole(settings: InstallSettings): readonly Manifest[] {
  const kinds = [...new Set(settings.gateResources)].sort();
  if (kinds.length === 0) return [];
  const rules = kinds.map((kind): PolicyRule => {
    const parts = kind.split("/");
    // `v1/pods` is of the core group, which RBAC writes as an empty text.
    return { apiGroups: [parts.length === 3 ? (parts[0] ?? "") : ""], resources: [parts.at(-1) ?? ""], verbs: READ };
  });
  return bind("ClusterRole", { name: GATES, labels: LABELS }, rules, settings);
}
