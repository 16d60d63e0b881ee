// JSON Merge Patch, RFC 7386: objects merge, null removes, everything else replaces.
import { isObject, setMember } from "../json.ts";
import type { Draft, Json, JsonObject } from "../json.ts";

/** The patched value; parts that the patch does not touch are shared. */
export function applyMergePatch(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const result: Draft = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === undefined) continue;
    if (value === null) delete result[key];
    else setMember(result, key, applyMergePatch(Object.hasOwn(result, key) ? result[key] : undefined, value));
  }
  return result as JsonObject;
}
