// Lays an apply configuration over the live object: members and keyed list items meet, atomic parts are replaced, the live
// order of list items is kept and new items follow.
import { isList, isObject, setMember } from "../json.ts";
import type { Draft, Json, JsonObject } from "../json.ts";
import { memberNode } from "../schema/node.ts";
import type { ListNode, TypeNode } from "../schema/node.ts";
import { itemElement } from "./field-set.ts";

/** The merged value; parts of `live` that the configuration does not touch are shared. */
export function mergeTyped(node: TypeNode | undefined, live: Json | undefined, config: Json): Json {
  if (node === undefined || live === undefined || live === null) return config;
  switch (node.type) {
    case "struct":
    case "map":
      return node.atomic || !isObject(live) || !isObject(config) ? config : mergeMembers(node, live, config);
    case "list":
      return node.listType === "atomic" || !isList(live) || !isList(config) ? config : mergeItems(node, live, config);
    case "any":
      return node.deduced && isObject(live) && isObject(config) ? mergeMembers(node, live, config) : config;
    default:
      return config;
  }
}

function mergeMembers(node: TypeNode, live: JsonObject, config: JsonObject): JsonObject {
  const merged: Draft = { ...live };
  for (const [key, value] of Object.entries(config)) {
    if (value !== undefined) setMember(merged, key, mergeTyped(memberNode(node, key), live[key], value));
  }
  return merged as JsonObject;
}

function mergeItems(node: ListNode, live: readonly Json[], config: readonly Json[]): readonly Json[] {
  const wanted = new Map(config.map((item) => [itemElement(node, item), item]));
  const merged = live.map((item) => {
    const element = itemElement(node, item);
    const given = wanted.get(element);
    wanted.delete(element);
    return given === undefined ? item : mergeTyped(node.items(), item, given);
  });
  return [...merged, ...wanted.values()];
}
