// JSON values as the API server keeps them: frozen, shared between versions, compared by value.
// Nothing here changes a value in place; a write builds a new object that shares the unchanged parts.

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}
/** A plain object while it is being built. */
export type Draft = Record<string, Json | undefined>;

/** True for a JSON object (not null, not a list). */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `Array.isArray` that keeps the element type of JSON lists. */
export function isList(value: unknown): value is readonly Json[] {
  return Array.isArray(value);
}

/** The member as an object, or an empty one. */
export function objectAt(value: Json | undefined, key: string): JsonObject {
  const member = isObject(value) ? value[key] : undefined;
  return isObject(member) ? member : EMPTY_OBJECT;
}

/** The member as a string, or undefined. */
export function stringAt(value: Json | undefined, key: string): string | undefined {
  const member = isObject(value) ? value[key] : undefined;
  return typeof member === "string" ? member : undefined;
}

/** The member as a list, or an empty one. */
export function listAt(value: Json | undefined, key: string): readonly Json[] {
  const member = isObject(value) ? value[key] : undefined;
  return isList(member) ? member : EMPTY_LIST;
}

export const EMPTY_OBJECT: JsonObject = Object.freeze({});
export const EMPTY_LIST: readonly Json[] = Object.freeze([]);

/**
 * A frozen value that shares nothing with a caller's mutable one; members that are undefined are left out.
 * Parts that are already frozen all through are shared, so a new version costs only what changed.
 */
export function freezeCopy(value: unknown): Json {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (Array.isArray(value)) return freezeList(value);
  if (value instanceof Date) return value.toISOString();
  if (typeof value !== "object") return null;
  let shared = Object.isFrozen(value);
  const copy: Draft = {};
  for (const key of Object.keys(value)) {
    const member = (value as Record<string, unknown>)[key];
    if (member === undefined) {
      shared = false;
      continue;
    }
    const frozen = freezeCopy(member);
    if (frozen !== member) shared = false;
    setMember(copy, key, frozen);
  }
  return shared ? (value as JsonObject) : (Object.freeze(copy) as JsonObject);
}

function freezeList(list: readonly unknown[]): readonly Json[] {
  const copy = list.map(freezeCopy);
  const shared = Object.isFrozen(list) && copy.every((item, index) => item === list[index]);
  return shared ? (list as readonly Json[]) : Object.freeze(copy);
}

/** Sets a member without falling for the name `__proto__`. */
export function setMember(target: Draft, key: string, value: Json | undefined): void {
  if (key === "__proto__")
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  else target[key] = value;
}

/** A copy of `object` with one member replaced, or removed when `value` is undefined. */
export function withMember(object: JsonObject, key: string, value: Json | undefined): JsonObject {
  if (value === undefined) {
    const copy: Draft = { ...object };
    delete copy[key];
    return copy as JsonObject;
  }
  return { ...object, [key]: value };
}

/** Equality by value; the order of an object's members does not count, undefined members are absent. */
export function jsonEqual(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (isList(a) || isList(b)) {
    if (!isList(a) || !isList(b) || a.length !== b.length) return false;
    return a.every((item, index) => jsonEqual(item, b[index]));
  }
  const left = a as JsonObject;
  const right = b as JsonObject;
  let count = 0;
  for (const key of Object.keys(left)) {
    if (left[key] === undefined) continue;
    count++;
    if (right[key] === undefined || !jsonEqual(left[key], right[key])) return false;
  }
  for (const key of Object.keys(right)) if (right[key] !== undefined) count--;
  return count === 0;
}
