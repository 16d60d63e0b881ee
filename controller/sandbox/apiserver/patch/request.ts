// PATCH: reads the patch as its media type says, applies it to the live object, and hands the result to the update path.
// Server-side apply creates what does not exist; every other patch of a missing object is 404.
import { parse as parseYaml } from "yaml";
import { configurationFault } from "../apply/configuration.ts";
import { applyConfiguration } from "../apply/managers.ts";
import { goJsonFault, mediaType, readKind, withKind } from "../body.ts";
import type { Call, Context } from "../context.ts";
import { fromStorage } from "../conversions.ts";
import { blank, insertObject } from "../create.ts";
import { freezeCopy, isList, isObject, stringAt } from "../json.ts";
import type { Json, JsonObject } from "../json.ts";
import { keyOf, nameOf, namespaceOf, uidOf, versionOf, withMetadata } from "../object.ts";
import { checkWriteQuery } from "../request-options.ts";
import { apiVersionOf } from "../resources.ts";
import type { Resource } from "../resources.ts";
import { MODIFIED, Refusal, badRequest, cause, conflict, invalid, notFound, unsupportedMediaType } from "../status.ts";
import { update } from "../update.ts";
import { isDryRun, writerOf } from "../write.ts";
import { JsonPatchError, applyJsonPatch } from "./json.ts";
import { applyMergePatch } from "./merge.ts";
import { applyStrategicMerge, goText } from "./strategic.ts";

const JSON_PATCH = "application/json-patch+json";
const MERGE_PATCH = "application/merge-patch+json";
const STRATEGIC = "application/strategic-merge-patch+json";
const APPLY = "application/apply-patch+yaml";

export interface PatchTarget {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly subresource: string | undefined;
}

export interface Patched {
  readonly object: JsonObject;
  readonly created: boolean;
}

/** PATCH of an object or of its status. */
export function patchObject(
  context: Context,
  call: Call,
  target: PatchTarget,
  onRemoved: (resource: Resource, object: JsonObject) => void,
): Patched {
  const { resource, name, subresource } = target;
  const type = patchType(call, resource);
  checkWriteQuery(call, type === APPLY);
  const stored = context.storage.get(resource.storage, keyOf(resource, target.namespace ?? "", name));
  const live = stored === undefined ? undefined : fromStorage(resource, stored);
  if (type === APPLY) return apply(context, call, target, live, onRemoved);
  if (live === undefined) throw notFound(resource, name);
  const patched = patchedValue(call, resource, live, type);
  const shown = type === STRATEGIC ? goText(readPatch(call)) : patchedText(patched);
  const next = readPatched(context, call, resource, patched, shown);
  if (nameOf(next) !== name)
    throw badRequest(`the name of the object (${nameOf(next)}) does not match the name on the URL (${name})`);
  const options = { subresource, replace: false, dryRun: isDryRun(call), onRemoved };
  return { object: update(context, call, resource, live, next, options), created: false };
}

function patchType(call: Call, resource: Resource): string {
  const type = mediaType(call.contentType);
  if (resource.custom !== undefined && type === STRATEGIC) throw unsupportedMediaType([JSON_PATCH, MERGE_PATCH, APPLY]);
  if (![JSON_PATCH, MERGE_PATCH, STRATEGIC, APPLY].includes(type))
    throw new Refusal(415, "UnsupportedMediaType", "415: Unsupported Media Type", {});
  return type;
}

/** The patch document: text from the wire, or a value in process. */
export function readPatch(call: Call): Json {
  if (typeof call.body !== "string") return freezeCopy(call.body ?? null);
  try {
    return freezeCopy(call.contentType.includes("yaml") ? parseYaml(call.body) : (JSON.parse(call.body) as unknown));
  } catch (error) {
    const why = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    if (call.contentType.includes("yaml"))
      throw badRequest(`error decoding YAML: error converting YAML to JSON: yaml: ${why}`);
    const prefix = mediaType(call.contentType) === STRATEGIC ? "" : "error decoding patch: ";
    throw badRequest(`${prefix}${goJsonFault(call.body)}`);
  }
}

/** The live object with a JSON, merge or strategic merge patch applied. */
export function patchedValue(call: Call, resource: Pick<Resource, "node">, live: JsonObject, type: string): JsonObject {
  const patch = readPatch(call);
  try {
    const noPatch = (wanted: string): Error =>
      badRequest(`error decoding patch: json: cannot unmarshal ${jsonKind(patch)} into Go value of type ${wanted}`);
    if (type === JSON_PATCH && !isList(patch)) throw noPatch("[]handlers.jsonPatchOp");
    if (type === JSON_PATCH) return asObject(applyJsonPatch(live, patch));
    if (!isObject(patch)) throw noPatch("map[string]interface {}");
    return type === STRATEGIC
      ? applyStrategicMerge(resource.node, live, patch)
      : asObject(applyMergePatch(live, patch));
  } catch (error) {
    if (error instanceof JsonPatchError)
      throw new Refusal(422, "Invalid", "the server rejected our request due to an error in our request", {});
    throw error;
  }
}

function asObject(value: Json): JsonObject {
  if (!isObject(value)) throw new JsonPatchError("the result is not an object");
  return value;
}

/**
 * The patched value as its kind; a wrong type, and an unknown field where that is refused, is 422 on `patch`, as the real
 * server says it. `shown` is what it prints there.
 */
function readPatched(context: Context, call: Call, resource: Resource, patched: JsonObject, shown: string): JsonObject {
  const typed = withKind(call, resource, patched);
  return readKind(context, call, resource, typed, (why) =>
    invalid({ group: "", kind: "" }, "", [cause.invalid("patch", shown, why)]),
  );
}

/** The patched document as Go writes it: what a patch may have touched comes with sorted keys. */
function patchedText(patched: JsonObject): string {
  const { metadata, ...rest } = patched;
  const sorted = sortKeys({ ...rest, metadata: null } as JsonObject) as JsonObject;
  return JSON.stringify({ ...sorted, metadata });
}

/** Go's word for what stands in a JSON document. */
function jsonKind(value: Json): string {
  if (value === null) return "null";
  if (isList(value)) return "array";
  return typeof value === "boolean" ? "bool" : typeof value;
}

function sortKeys(value: Json): Json {
  if (isList(value)) return value.map(sortKeys);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).filter((entry): entry is [string, Json] => entry[1] !== undefined);
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, member]) => [key, sortKeys(member)]),
  );
}

function apply(
  context: Context,
  call: Call,
  target: PatchTarget,
  live: JsonObject | undefined,
  onRemoved: (resource: Resource, object: JsonObject) => void,
): Patched {
  const { resource, subresource } = target;
  const given = readPatch(call);
  if (!isObject(given))
    throw badRequest(
      `error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${jsonKind(given)} into Go value of type map[string]interface {}`,
    );
  const config = checkConfiguration(target, given);
  if (live === undefined && subresource !== undefined) throw notFound(resource, target.name);
  const from = live ?? blank(context, resource);
  if (live !== undefined && uidOf(config) !== "" && uidOf(config) !== uidOf(live))
    throw invalid(resource, target.name, [cause.invalid("metadata.uid", uidOf(config), "field is immutable")]);
  if (live === undefined && uidOf(config) !== "")
    throw conflict(
      resource,
      target.name,
      `uid mismatch: the provided object specified uid ${uidOf(config)}, and no existing object was found`,
    );
  if (live !== undefined && versionOf(config) !== "" && versionOf(config) !== versionOf(live))
    throw conflict(resource, target.name, MODIFIED);
  const owned = withoutIdentity(config);
  const result = applyConfiguration(
    resource.node,
    from,
    restrictConfiguration(resource, owned, subresource),
    writerOf(context, call, resource, subresource),
    call.query["force"] === "true",
  );
  const read = readKind(context, call, resource, {
    ...result.object,
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
  });
  if (live === undefined) {
    const named = withMetadata(read, { name: target.name });
    return { object: insertObject(context, call, resource, target.namespace, named, true), created: true };
  }
  return {
    object: update(context, call, resource, live, read, {
      subresource,
      replace: false,
      dryRun: isDryRun(call),
      owned: true,
      onRemoved,
    }),
    created: false,
  };
}

function checkConfiguration(target: PatchTarget, config: JsonObject): JsonObject {
  const { resource, name } = target;
  const wanted = goVersion(apiVersionOf(resource));
  if (config["kind"] !== resource.kind || config["apiVersion"] !== apiVersionOf(resource))
    throw badRequest(
      `invalid object type: ${goVersion(stringAt(config, "apiVersion") ?? "")}, Kind=${stringAt(config, "kind") ?? ""}`,
    );
  if (nameOf(config) !== "" && nameOf(config) !== name)
    throw badRequest(`the name of the object (${nameOf(config)}) does not match the name on the URL (${name})`);
  if (namespaceOf(config) !== "" && namespaceOf(config) !== (target.namespace ?? ""))
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  if (isObject(config["metadata"]) && config["metadata"]["managedFields"] !== undefined)
    throw badRequest("metadata.managedFields must be nil");
  const fault = configurationFault(resource.node, config, "");
  if (fault !== undefined) {
    throw new Refusal(
      500,
      undefined,
      `failed to create typed patch object (${namespaceOf(config)}/${name}; ${wanted}, Kind=${resource.kind}): ${fault}`,
    );
  }
  return config;
}

/** Go prints the core group as an empty one. */
function goVersion(apiVersion: string): string {
  return apiVersion.includes("/") ? apiVersion : `/${apiVersion}`;
}

function withoutIdentity(config: JsonObject): JsonObject {
  const plain = withMetadata(config, {
    name: undefined,
    namespace: undefined,
    uid: undefined,
    resourceVersion: undefined,
    creationTimestamp: undefined,
  });
  return { ...plain, apiVersion: undefined, kind: undefined };
}

/** The main resource owns no status, and the status subresource owns nothing else. */
function restrictConfiguration(resource: Resource, config: JsonObject, subresource: string | undefined): JsonObject {
  if (subresource === "status")
    return { metadata: {}, ...(config["status"] === undefined ? {} : { status: config["status"] }) };
  return resource.subresources.includes("status") ? { ...config, status: undefined } : config;
}
