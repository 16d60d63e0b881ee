// Small readings of a stored object's metadata that every verb needs.
import { listAt, objectAt, stringAt, withMember } from "./json.ts";
import type { Json, JsonObject } from "./json.ts";
import type { Resource } from "./resources.ts";

/** `metadata`, or an empty object. */
export function metadataOf(object: JsonObject): JsonObject {
  return objectAt(object, "metadata");
}

/** `metadata.name`. */
export function nameOf(object: JsonObject): string {
  return stringAt(object["metadata"], "name") ?? "";
}

/** `metadata.namespace`, empty for cluster-scoped objects. */
export function namespaceOf(object: JsonObject): string {
  return stringAt(object["metadata"], "namespace") ?? "";
}

/** `metadata.uid`. */
export function uidOf(object: JsonObject): string {
  return stringAt(object["metadata"], "uid") ?? "";
}

/** `metadata.resourceVersion`. */
export function versionOf(object: JsonObject): string {
  return stringAt(object["metadata"], "resourceVersion") ?? "";
}

/** `metadata.finalizers`. */
export function finalizersOf(object: JsonObject): readonly string[] {
  return listAt(object["metadata"], "finalizers").map(String);
}

/** True once `metadata.deletionTimestamp` is set. */
export function isDeleting(object: JsonObject): boolean {
  return stringAt(object["metadata"], "deletionTimestamp") !== undefined;
}

/** `metadata.labels`. */
export function labelsOf(object: JsonObject): JsonObject {
  return objectAt(object["metadata"], "labels");
}

/** The object with members of its metadata set, or removed where undefined. */
export function withMetadata(object: JsonObject, patch: Readonly<Record<string, Json | undefined>>): JsonObject {
  let metadata = metadataOf(object);
  for (const [key, value] of Object.entries(patch)) metadata = withMember(metadata, key, value);
  return { ...object, metadata };
}

/** The key in the resource's table. */
export function keyOf(resource: Resource, namespace: string, name: string): string {
  return resource.namespaced ? `${namespace}/${name}` : name;
}

/** All members but metadata, status and the type. */
export function specPart(object: JsonObject): JsonObject {
  const rest: Record<string, Json | undefined> = {};
  for (const [key, value] of Object.entries(object)) {
    if (key !== "metadata" && key !== "status" && key !== "apiVersion" && key !== "kind") rest[key] = value;
  }
  return rest as JsonObject;
}
