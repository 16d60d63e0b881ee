// Takes away what an applier set last time, no longer sets, and nobody else owns. A container goes when the applier had set
// something in it, nobody owns it or anything in it, and nothing is left inside.
import { isList, isObject } from "../json.ts";
import type { Draft, Json, JsonObject } from "../json.ts";
import { memberNode } from "../schema/node.ts";
import type { ListNode, TypeNode } from "../schema/node.ts";
import { fieldElement, isEmptySet, itemElement } from "./field-set.ts";
import type { FieldSet } from "./field-set.ts";

/** `value` without the members of `last` that are not in `owned`; undefined when nothing of it remains. */
export function removeItems(
  node: TypeNode | undefined,
  value: Json,
  last: FieldSet,
  owned: FieldSet | undefined,
): Json | undefined {
  const ownedHere = owned !== undefined && !isEmptySet(owned);
  if (last.children.size === 0) return last.self && !ownedHere ? undefined : value;
  if (node === undefined) return value;
  if (isObject(value)) {
    const rest = removeMembers(node, value, last, owned);
    return Object.keys(rest).length === 0 && !ownedHere ? undefined : rest;
  }
  if (isList(value) && node.type === "list") {
    const rest = removeListItems(node, value, last, owned);
    return rest.length === 0 && !ownedHere ? undefined : rest;
  }
  return value;
}

function removeMembers(node: TypeNode, value: JsonObject, last: FieldSet, owned: FieldSet | undefined): JsonObject {
  const rest: Draft = { ...value };
  for (const [key, member] of Object.entries(value)) {
    const element = fieldElement(key);
    const lastHere = last.children.get(element);
    if (lastHere === undefined || member === undefined) continue;
    const kept = removeItems(memberNode(node, key), member, lastHere, owned?.children.get(element));
    if (kept === undefined) delete rest[key];
    else rest[key] = kept;
  }
  return rest as JsonObject;
}

function removeListItems(
  node: ListNode,
  value: readonly Json[],
  last: FieldSet,
  owned: FieldSet | undefined,
): readonly Json[] {
  const rest: Json[] = [];
  for (const item of value) {
    const element = itemElement(node, item);
    const lastHere = last.children.get(element);
    const ownedHere = owned?.children.get(element);
    if (lastHere === undefined) {
      rest.push(item);
      continue;
    }
    // An item that nobody owns goes whole, with whatever defaults were filled into it.
    if (lastHere.self && (ownedHere === undefined || isEmptySet(ownedHere))) continue;
    const kept = removeItems(node.items(), item, lastHere, ownedHere);
    if (kept !== undefined) rest.push(kept);
  }
  return rest;
}
