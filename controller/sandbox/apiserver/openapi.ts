// OpenAPI v3 (and the v2 that older clients ask for): enough for `kubectl explain`, client-side validation in `kubectl apply`
// and `kubectl patch`. Schemas of custom resources are the definitions' own; those of built-in kinds come from the type table
// and carry no prose.
import { createHash } from "node:crypto";
import type { Answer, Call, Context } from "./context.ts";
import { groupVersions } from "./discovery.ts";
import { PREFIX_HEADER } from "./http.ts";
import type { Json, JsonObject } from "./json.ts";
import { apiVersionOf } from "./resources.ts";
import type { Resource } from "./resources.ts";
import type { FieldNode, Scalar, StructNode, TypeNode } from "./schema/node.ts";

const TEXT = { "content-type": "text/plain; charset=utf-8" } as const;

/** Answers `/openapi/...`; undefined for every other path. */
export function openApiAnswer(context: Context, call: Call): Answer | undefined {
  if (call.method !== "GET" || !call.path.startsWith("/openapi/")) return undefined;
  if (call.path === "/openapi/v2") return { status: 200, body: swagger(context) };
  if (call.path === "/openapi/v3")
    return { status: 200, headers: TEXT, body: root(context, call.headers[PREFIX_HEADER] ?? "") };
  const match = /^\/openapi\/v3\/(?:api\/(v1)|apis\/([^/]+\/[^/]+))$/u.exec(call.path);
  const groupVersion = match?.[1] ?? match?.[2];
  if (groupVersion === undefined || !groupVersions(context).includes(groupVersion)) return undefined;
  return { status: 200, body: document(context, groupVersion) };
}

function root(context: Context, prefix: string): JsonObject {
  const paths = groupVersions(context).map((groupVersion): [string, Json] => {
    const path = groupVersion === "v1" ? "api/v1" : `apis/${groupVersion}`;
    const hash = createHash("sha512")
      .update(JSON.stringify(document(context, groupVersion)))
      .digest("hex")
      .toUpperCase();
    return [path, { serverRelativeURL: `${prefix}/openapi/v3/${path}?hash=${hash}` }];
  });
  return { paths: Object.fromEntries(paths.sort(([a], [b]) => (a < b ? -1 : 1))) };
}

function resourcesOf(context: Context, groupVersion: string): readonly Resource[] {
  return context.registry.all().filter((resource) => apiVersionOf(resource) === groupVersion);
}

/** `io.k8s.api.apps.v1.Deployment`, `dev.ringward.v1alpha1.RolloutRing`. */
function modelName(resource: Resource): string {
  if (resource.custom !== undefined)
    return `${resource.group.split(".").reverse().join(".")}.${resource.version}.${resource.kind}`;
  const group = resource.group === "" ? "core" : (resource.group.split(".")[0] ?? "core");
  return `io.k8s.api.${group}.${resource.version}.${resource.kind}`;
}

function plainName(type: string): string {
  return `io.k8s.types.${type}`;
}

const SCALAR: Readonly<Record<Scalar, JsonObject>> = {
  string: { type: "string" },
  integer: { type: "integer", format: "int64" },
  number: { type: "number", format: "double" },
  boolean: { type: "boolean" },
  time: { type: "string", format: "date-time" },
  microtime: { type: "string", format: "date-time" },
  bytes: { type: "string", format: "byte" },
  intstr: { "x-kubernetes-int-or-string": true },
  quantity: { type: "string" },
};

interface Models {
  readonly prefix: string;
  readonly schemas: Record<string, Json>;
  readonly waiting: StructNode[];
}

function typeSchema(models: Models, node: TypeNode): JsonObject {
  switch (node.type) {
    case "scalar":
      return SCALAR[node.scalar];
    case "any":
      return {
        "x-kubernetes-preserve-unknown-fields": true,
        ...(models.prefix.includes("components") ? {} : { type: "object" }),
      };
    case "map":
      return { type: "object", additionalProperties: typeSchema(models, node.values()) };
    case "list":
      return {
        type: "array",
        items: typeSchema(models, node.items()),
        "x-kubernetes-list-type": node.listType,
        ...(node.listType === "map" ? { "x-kubernetes-list-map-keys": node.keys } : {}),
      };
    case "struct":
      if (node.name !== undefined && models.schemas[plainName(node.name)] === undefined) {
        models.schemas[plainName(node.name)] = {};
        models.waiting.push(node);
      }
      return { $ref: `${models.prefix}${plainName(node.name ?? "")}` };
  }
}

function structSchema(models: Models, node: StructNode): JsonObject {
  const required: string[] = [];
  const properties: Record<string, Json> = {};
  for (const [name, field] of node.fields()) {
    if (field.required) required.push(name);
    properties[name] = { ...typeSchema(models, field.node), ...patchHints(field) };
  }
  return {
    type: "object",
    ...(required.length === 0 ? {} : { required }),
    properties,
    ...(node.atomic ? { "x-kubernetes-map-type": "atomic" } : {}),
  };
}

function patchHints(field: FieldNode): JsonObject {
  if (!field.patchMerge && !field.retainKeys) return {};
  const strategies = [...(field.patchMerge ? ["merge"] : []), ...(field.retainKeys ? ["retainKeys"] : [])];
  return {
    "x-kubernetes-patch-strategy": strategies.join(","),
    ...(field.mergeKey === undefined ? {} : { "x-kubernetes-patch-merge-key": field.mergeKey }),
  };
}

function gvk(resource: Resource, kind = resource.kind): JsonObject {
  return { group: resource.group, version: resource.version, kind };
}

const TYPE_FIELDS: JsonObject = {
  apiVersion: {
    type: "string",
    description: "APIVersion defines the versioned schema of this representation of an object.",
  },
  kind: {
    type: "string",
    description: "Kind is a string value representing the REST resource this object represents.",
  },
};

function kindSchema(models: Models, context: Context, resource: Resource): JsonObject {
  const identity = { "x-kubernetes-group-version-kind": [gvk(resource)] };
  if (resource.custom === undefined) return { ...structSchema(models, resource.node), ...identity };
  const { schema } = resource.custom;
  const properties = schema["properties"] as JsonObject | undefined;
  return {
    ...schema,
    properties: { ...TYPE_FIELDS, metadata: typeSchema(models, context.schema.struct("ObjectMeta")), ...properties },
    ...identity,
  };
}

function buildModels(context: Context, resources: readonly Resource[], prefix: string): Models {
  const models: Models = { prefix, schemas: {}, waiting: [] };
  for (const resource of resources) {
    if (models.schemas[modelName(resource)] !== undefined) continue;
    models.schemas[modelName(resource)] = kindSchema(models, context, resource);
    models.schemas[`${modelName(resource)}List`] = {
      type: "object",
      required: ["items"],
      properties: {
        ...TYPE_FIELDS,
        items: { type: "array", items: { $ref: `${prefix}${modelName(resource)}` } },
        metadata: { type: "object" },
      },
      "x-kubernetes-group-version-kind": [gvk(resource, resource.listKind)],
    };
  }
  models.schemas["io.k8s.types.DeleteOptions"] ??= {};
  models.waiting.push(context.schema.struct("DeleteOptions"));
  for (let node = models.waiting.pop(); node !== undefined; node = models.waiting.pop()) {
    if (node.name !== undefined) models.schemas[plainName(node.name)] = structSchema(models, node);
  }
  return models;
}

const PATCH_TYPES = ["application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml"];

/** Query parameters that clients look for: a PATCH that offers fieldValidation lets kubectl leave validation to the server. */
const WRITE_PARAMETERS: readonly Json[] = ["dryRun", "fieldManager", "fieldValidation"].map((name) => ({
  name,
  in: "query",
  schema: { type: "string", uniqueItems: true },
}));

function operations(resource: Resource, withName: boolean): JsonObject {
  const ref = { content: { "application/json": { schema: { $ref: `#/components/schemas/${modelName(resource)}` } } } };
  const operation = (action: string, extra: JsonObject = {}): JsonObject => ({
    "x-kubernetes-action": action,
    "x-kubernetes-group-version-kind": gvk(resource),
    ...(action === "get" || action === "list" || action === "delete" ? {} : { parameters: WRITE_PARAMETERS }),
    ...extra,
    responses: { "200": { description: "OK", ...ref } },
  });
  const types =
    resource.custom === undefined ? [...PATCH_TYPES, "application/strategic-merge-patch+json"] : PATCH_TYPES;
  const patch = {
    requestBody: { content: Object.fromEntries(types.map((type) => [type, { schema: { type: "object" } }])) },
  };
  if (withName)
    return {
      get: operation("get"),
      put: operation("put", { requestBody: ref }),
      patch: operation("patch", patch),
      delete: operation("delete"),
    };
  return { get: operation("list"), post: operation("post", { requestBody: ref }) };
}

function document(context: Context, groupVersion: string): JsonObject {
  const resources = resourcesOf(context, groupVersion);
  const models = buildModels(context, resources, "#/components/schemas/");
  const paths: Record<string, Json> = {};
  for (const resource of resources) {
    const base = `${groupVersion === "v1" ? "/api/v1" : `/apis/${groupVersion}`}${resource.namespaced ? "/namespaces/{namespace}" : ""}/${resource.plural}`;
    paths[base] =
      resource.verbs.length === 1 ? { post: operations(resource, false)["post"] ?? {} } : operations(resource, false);
    if (resource.verbs.length > 1) paths[`${base}/{name}`] = operations(resource, true);
  }
  return {
    openapi: "3.0.0",
    info: { title: "Ringward sandbox", version: "v1.36.2" },
    paths,
    components: { schemas: models.schemas },
  };
}

function swagger(context: Context): JsonObject {
  const resources = context.registry.all();
  const models = buildModels(context, resources, "#/definitions/");
  const paths: Record<string, Json> = {};
  for (const resource of resources) {
    const version = apiVersionOf(resource);
    const base = `${version === "v1" ? "/api/v1" : `/apis/${version}`}${resource.namespaced ? "/namespaces/{namespace}" : ""}/${resource.plural}`;
    const parameters = ["dryRun", "fieldManager", "fieldValidation"].map((name) => ({
      name,
      in: "query",
      type: "string",
      uniqueItems: true,
    }));
    const operation = (action: string): JsonObject => ({
      "x-kubernetes-action": action,
      "x-kubernetes-group-version-kind": gvk(resource),
      parameters,
      responses: { "200": { description: "OK" } },
    });
    paths[base] = { post: operation("post") };
    if (resource.verbs.length > 1) paths[`${base}/{name}`] = { patch: operation("patch"), put: operation("put") };
  }
  return {
    swagger: "2.0",
    info: { title: "Ringward sandbox", version: "v1.36.2" },
    paths,
    definitions: models.schemas,
  };
}
