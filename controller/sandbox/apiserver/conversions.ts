// Events have two spellings over one store: v1 (stored) and events.k8s.io/v1. Every other kind is stored as it is served.
import type { Draft, JsonObject } from "./json.ts";
import { apiVersionOf } from "./resources.ts";
import type { Resource } from "./resources.ts";

// [v1, events.k8s.io/v1]
const RENAMED = [
  ["involvedObject", "regarding"],
  ["message", "note"],
  ["reportingComponent", "reportingController"],
  ["source", "deprecatedSource"],
  ["firstTimestamp", "deprecatedFirstTimestamp"],
  ["lastTimestamp", "deprecatedLastTimestamp"],
  ["count", "deprecatedCount"],
] as const;

const isNewEvent = (resource: Resource): boolean => resource.group === "events.k8s.io" && resource.plural === "events";

function rename(object: JsonObject, from: 0 | 1): JsonObject {
  const renamed: Draft = { ...object };
  for (const pair of RENAMED) {
    const value = renamed[pair[from]];
    delete renamed[pair[from]];
    if (value !== undefined) renamed[pair[1 - from] ?? pair[0]] = value;
  }
  return renamed as JsonObject;
}

/** The object as the store keeps it. */
export function toStorage(resource: Resource, object: JsonObject): JsonObject {
  return isNewEvent(resource) ? { ...rename(object, 1), apiVersion: "v1" } : object;
}

/** The stored object as the resource's version shows it. */
export function fromStorage(resource: Resource, object: JsonObject): JsonObject {
  if (isNewEvent(resource)) {
    const renamed: Draft = { ...rename(object, 0), apiVersion: "events.k8s.io/v1" };
    // Who reports is only said there if somebody does.
    for (const key of ["reportingController", "reportingInstance"]) if (renamed[key] === "") delete renamed[key];
    return renamed as JsonObject;
  }
  return resource.custom !== undefined && object["apiVersion"] !== apiVersionOf(resource)
    ? { ...object, apiVersion: apiVersionOf(resource) }
    : object;
}
