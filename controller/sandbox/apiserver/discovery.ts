// What clients ask before anything else: version, health, groups, resources, and the aggregated form that kubectl prefers.
import { createHash } from "node:crypto";
import type { Answer, Call, Context } from "./context.ts";
import type { Json, JsonObject } from "./json.ts";
import { apiVersionOf } from "./resources.ts";
import type { Resource } from "./resources.ts";

const TEXT = { "content-type": "text/plain; charset=utf-8" } as const;
const HEALTH = new Set(["/healthz", "/livez", "/readyz"]);
export const AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/** The API whose behaviour the sandbox imitates (its recordings were made with this build). */
const VERSION: JsonObject = {
  major: "1",
  minor: "36",
  emulationMajor: "1",
  emulationMinor: "36",
  minCompatibilityMajor: "1",
  minCompatibilityMinor: "35",
  gitVersion: "v1.36.2",
  gitCommit: "$Format:%H$",
  gitTreeState: "",
  buildDate: "2026-01-01T00:00:00Z",
  goVersion: "go1.26.10",
  compiler: "gc",
  platform: "linux/amd64",
};

// The order in which a real server lists its groups; groups that are not here follow by name.
const GROUP_ORDER = [
  "",
  "apps",
  "events.k8s.io",
  "authentication.k8s.io",
  "authorization.k8s.io",
  "batch",
  "networking.k8s.io",
  "policy",
  "rbac.authorization.k8s.io",
  "admissionregistration.k8s.io",
  "apiextensions.k8s.io",
  "scheduling.k8s.io",
  "coordination.k8s.io",
];

/** Answers discovery paths; undefined for every other path. */
export function discoveryAnswer(context: Context, call: Call): Answer | undefined {
  const { path } = call;
  if (call.method !== "GET") return undefined;
  if (HEALTH.has(path)) return { status: 200, headers: TEXT, body: "ok" };
  if (path === "/version") return { status: 200, body: VERSION };
  if (path === "/")
    return {
      status: 200,
      body: {
        paths: ["/api", "/api/v1", "/apis", "/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version"],
      },
    };
  const aggregated = (call.headers["accept"] ?? "").includes("as=APIGroupDiscoveryList");
  if (path === "/api")
    return aggregated ? aggregate(context, (group) => group === "") : { status: 200, body: legacyRoot(call) };
  if (path === "/apis")
    return aggregated
      ? aggregate(context, (group) => group !== "")
      : {
          status: 200,
          body: {
            kind: "APIGroupList",
            apiVersion: "v1",
            groups: groups(context)
              .filter(([group]) => group !== "")
              .map(groupBody),
          },
        };
  const match = /^\/(?:api|apis\/([^/]+))\/([^/]+)\/?$/u.exec(path);
  if (match !== null && (path.startsWith("/api/") || match[1] !== undefined))
    return resourceList(context, match[1] ?? "", match[2] ?? "");
  const group = /^\/apis\/([^/]+)\/?$/u.exec(path)?.[1];
  const found = group === undefined ? undefined : groups(context).find(([name]) => name === group);
  return found === undefined
    ? undefined
    : { status: 200, body: { kind: "APIGroup", apiVersion: "v1", ...groupBody(found) } };
}

function legacyRoot(call: Call): JsonObject {
  return {
    kind: "APIVersions",
    versions: ["v1"],
    serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress: call.headers["host"] ?? "127.0.0.1" }],
  };
}

type Group = readonly [string, readonly string[]];

function groups(context: Context): readonly Group[] {
  const found = new Map<string, Set<string>>(GROUP_ORDER.map((group) => [group, new Set<string>()]));
  const custom = context.registry.all().toSorted((a, b) => (a.group < b.group ? -1 : a.group > b.group ? 1 : 0));
  for (const resource of custom) {
    const versions = found.get(resource.group) ?? new Set<string>();
    versions.add(resource.version);
    found.set(resource.group, versions);
  }
  return [...found].map(([group, versions]) => [group, [...versions]]);
}

function groupBody([group, versions]: Group): JsonObject {
  const list = versions.map((version) => ({ groupVersion: `${group}/${version}`, version }));
  return { name: group, versions: list, preferredVersion: list[0] ?? null };
}

const SUBRESOURCE_VERBS: Readonly<Record<string, readonly string[]>> = {
  status: ["get", "patch", "update"],
  scale: ["get", "patch", "update"],
  finalize: ["update"],
  binding: ["create"],
  eviction: ["create"],
  log: ["get"],
};
const SUBRESOURCE_KINDS: Readonly<
  Record<string, { readonly group?: string; readonly version?: string; readonly kind: string }>
> = {
  scale: { group: "autoscaling", version: "v1", kind: "Scale" },
  binding: { kind: "Binding" },
  eviction: { group: "policy", version: "v1", kind: "Eviction" },
};

function inGroup(context: Context, group: string, version: string): readonly Resource[] {
  return context.registry
    .all()
    .filter((resource) => resource.group === group && resource.version === version)
    .toSorted((a, b) => (a.plural < b.plural ? -1 : 1));
}

function resourceList(context: Context, group: string, version: string): Answer | undefined {
  const resources = inGroup(context, group, version);
  if (resources.length === 0) return undefined;
  const rows = resources.flatMap((resource): Json[] => [
    {
      name: resource.plural,
      singularName: resource.singular,
      namespaced: resource.namespaced,
      kind: resource.kind,
      verbs: resource.verbs,
      ...(resource.shortNames.length === 0 ? {} : { shortNames: resource.shortNames }),
      ...(resource.categories.length === 0 ? {} : { categories: resource.categories }),
      ...(resource.verbs.length === 1 ? {} : { storageVersionHash: storageHash(resource) }),
    },
    ...resource.subresources.map((subresource) => ({
      name: `${resource.plural}/${subresource}`,
      singularName: "",
      namespaced: resource.namespaced,
      ...(SUBRESOURCE_KINDS[subresource] ?? { kind: resource.kind }),
      verbs: SUBRESOURCE_VERBS[subresource] ?? ["get"],
    })),
  ]);
  return {
    status: 200,
    body: {
      kind: "APIResourceList",
      ...(group === "" ? {} : { apiVersion: "v1" }),
      groupVersion: group === "" ? version : `${group}/${version}`,
      resources: rows,
    },
  };
}

/** The first eight bytes of the stored kind's SHA-256 (apiserver discovery.StorageVersionHash). */
function storageHash(resource: Resource): string {
  return createHash("sha256")
    .update(`${resource.storage === "events" ? "" : resource.group}/${resource.version}/${resource.kind}`)
    .digest()
    .subarray(0, 8)
    .toString("base64");
}

function aggregate(context: Context, wanted: (group: string) => boolean): Answer {
  const items = groups(context)
    .filter(([group]) => wanted(group))
    .map(([group, versions]) => ({
      metadata: group === "" ? {} : { name: group },
      versions: versions.map((version) => ({
        version,
        resources: inGroup(context, group, version).map(aggregatedResource),
        freshness: "Current",
      })),
    }));
  return {
    status: 200,
    headers: { "content-type": AGGREGATED },
    body: { kind: "APIGroupDiscoveryList", apiVersion: "apidiscovery.k8s.io/v2", metadata: {}, items },
  };
}

function aggregatedResource(resource: Resource): JsonObject {
  const subresources = resource.subresources.map((subresource) => ({
    subresource,
    responseKind: { group: "", version: "", kind: resource.kind, ...SUBRESOURCE_KINDS[subresource] },
    verbs: SUBRESOURCE_VERBS[subresource] ?? ["get"],
  }));
  return {
    resource: resource.plural,
    responseKind:
      resource.custom === undefined
        ? { group: "", version: "", kind: resource.kind }
        : { group: resource.group, version: resource.version, kind: resource.kind },
    scope: resource.namespaced ? "Namespaced" : "Cluster",
    singularResource: resource.singular,
    verbs: resource.verbs,
    ...(resource.shortNames.length === 0 ? {} : { shortNames: resource.shortNames }),
    ...(resource.categories.length === 0 ? {} : { categories: resource.categories }),
    ...(subresources.length === 0 ? {} : { subresources }),
  };
}

/** Every group and version that is served. */
export function groupVersions(context: Context): readonly string[] {
  return [...new Set(context.registry.all().map(apiVersionOf))];
}
