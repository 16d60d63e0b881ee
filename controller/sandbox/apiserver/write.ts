// The end of every write: metadata in its documented order, the version stored under the resource's key, dry runs stored nowhere.
import type { Call, Context } from "./context.ts";
import { fromStorage, toStorage } from "./conversions.ts";
import { freezeCopy } from "./json.ts";
import type { Draft, JsonObject } from "./json.ts";
import { nowText } from "./context.ts";
import { keyOf, metadataOf, nameOf, namespaceOf } from "./object.ts";
import { apiVersionOf } from "./resources.ts";
import type { Resource } from "./resources.ts";
import type { Writer } from "./apply/managers.ts";

const ORDER = [
  "name",
  "generateName",
  "namespace",
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "labels",
  "annotations",
  "ownerReferences",
  "finalizers",
  "managedFields",
];

function ordered(object: JsonObject, stored: boolean): JsonObject {
  const given = metadataOf(object);
  const metadata: Draft = {};
  for (const key of ORDER) {
    if (given[key] !== undefined) metadata[key] = given[key];
    // The store sets the number; this keeps its place.
    else if (key === "resourceVersion" && stored) metadata[key] = "";
  }
  const { apiVersion, kind, metadata: _, ...rest } = object;
  return { apiVersion, kind, metadata: metadata as JsonObject, ...rest };
}

/** True when the request only asks what would happen. */
export function isDryRun(call: Call, options?: JsonObject): boolean {
  const given = call.query["dryRun"] ?? (Array.isArray(options?.["dryRun"]) ? String(options["dryRun"][0] ?? "") : "");
  return given === "All";
}

/** Stores the object, unless it is a dry run, and returns it as the resource's version shows it. */
export function store(
  context: Context,
  call: Call,
  resource: Resource,
  object: JsonObject,
  dryRun: boolean,
): JsonObject {
  const tidy = ordered(object, !dryRun);
  if (dryRun) return freezeCopy(tidy) as JsonObject;
  const stored = context.storage.put(
    {
      resource: resource.storage,
      key: keyOf(resource, namespaceOf(object), nameOf(object)),
      user: call.user,
      time: context.clock.now(),
    },
    toStorage(resource, tidy),
  );
  return fromStorage(resource, stored);
}

/** Removes the object from the store; returns its last state. */
export function discard(context: Context, user: string, resource: Resource, object: JsonObject): void {
  context.storage.remove({
    resource: resource.storage,
    key: keyOf(resource, namespaceOf(object), nameOf(object)),
    user,
    time: context.clock.now(),
  });
}

/** The field manager of a request: the query parameter, else the user agent up to its first slash. */
export function writerOf(context: Context, call: Call, resource: Resource, subresource: string | undefined): Writer {
  const given = call.query["fieldManager"];
  const agent = (call.headers["user-agent"] ?? "").split("/")[0]?.slice(0, 128) ?? "";
  const manager = given !== undefined && given !== "" ? given : agent === "" ? "unknown" : agent;
  return { manager, apiVersion: apiVersionOf(resource), subresource, time: nowText(context) };
}
