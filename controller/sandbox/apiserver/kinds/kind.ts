// What a built-in kind adds to the generic write path, in the order a real API server applies it: defaulting, (field
// ownership), admission, preparation, validation. Every function takes and returns values; none reads a clock or the store
// except through the context.
import type { Json, JsonObject } from "../json.ts";
import { cause } from "../status.ts";
import type { Cause } from "../status.ts";

export interface KindContext {
  /** Now, RFC 3339 in seconds. */
  readonly now: string;
}

/** What admission may look up. */
export interface Admission {
  readonly priorityClass: (name: string) => JsonObject | undefined;
}

export interface Kind {
  /** Values that the API documents as defaults. */
  readonly defaults?: (object: JsonObject) => JsonObject;
  /** What admission plugins add on create. */
  readonly admit?: (object: JsonObject, admission: Admission) => JsonObject;
  /** What the registry sets on create (selectors, phases); the object already has its uid. */
  readonly prepareCreate?: (object: JsonObject, context: KindContext) => JsonObject;
  readonly prepareUpdate?: (object: JsonObject, old: JsonObject, context: KindContext) => JsonObject;
  readonly validate?: (object: JsonObject) => readonly Cause[];
  readonly validateUpdate?: (object: JsonObject, old: JsonObject) => readonly Cause[];
  readonly validateStatus?: (object: JsonObject) => readonly Cause[];
  /** A change of annotations counts as a generation, too (deployments). */
  readonly countsAnnotations?: true;
  /** How names are written: `dns1123subdomain` unless said otherwise. */
  readonly names?: "subdomain" | "label" | "path";
}

/** A number that must not be below 0. */
export function notNegative(field: string, value: Json | undefined): readonly Cause[] {
  return typeof value === "number" && value < 0
    ? [cause.invalid(field, value, "must be greater than or equal to 0")]
    : [];
}

/** `object` with `patch` applied to the member `key`, an object. */
export function change(object: JsonObject, key: string, patch: (member: JsonObject) => JsonObject): JsonObject {
  const member = object[key];
  const current: JsonObject =
    typeof member === "object" && member !== null && !Array.isArray(member) ? (member as JsonObject) : {};
  return { ...object, [key]: patch(current) };
}

/** Members of `defaults` that `object` lacks are added. */
export function fill(object: JsonObject, defaults: Readonly<Record<string, Json>>): JsonObject {
  let result = object;
  for (const [key, value] of Object.entries(defaults)) {
    if (result[key] === undefined || result[key] === null) result = { ...result, [key]: value };
  }
  return result;
}
