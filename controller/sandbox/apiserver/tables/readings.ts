// Readings of an object that several tables share.
import { isObject, listAt, objectAt, stringAt } from "../json.ts";
import type { JsonObject } from "../json.ts";
import { metadataOf } from "../object.ts";
import { age } from "./age.ts";

export const created = (object: JsonObject, now: number): string => age(metadataOf(object)["creationTimestamp"], now);
export const number = (object: JsonObject, key: string): number => (typeof object[key] === "number" ? object[key] : 0);
export const spec = (object: JsonObject): JsonObject => objectAt(object, "spec");
export const status = (object: JsonObject): JsonObject => objectAt(object, "status");
export const orNone = (text: string): string => (text === "" ? "<none>" : text);

export function conditionStatus(object: JsonObject, type: string): string | undefined {
  const condition = listAt(object["status"], "conditions").find((item) => isObject(item) && item["type"] === type);
  return stringAt(condition, "status");
}
